import { hash } from 'node:crypto';
import { type Did, eventHash, firstPrev } from '@caponier/protocol';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EventLog, MAX_EVENT_BODY } from '../../src/index.ts';
import { type Backend, type OpenBackend, utf8 } from './harness.ts';

const service = 'did:key:z6MkOne' as Did;
const other = 'did:key:z6MkTwo' as Did;
const salt = new Uint8Array(16).fill(7);
const event = (body: string, of = service) => ({ service: of, salt, body: utf8(body), at: 1_000 });
const sha256 = (bytes: Uint8Array) => new Uint8Array(hash('sha256', bytes, 'buffer'));

export function eventLogContract(name: string, open: OpenBackend<EventLog>): void {
  describe(`EventLog contract: ${name}`, () => {
    let backend: Backend<EventLog>;
    let log: EventLog;
    beforeEach(async () => {
      backend = await open();
      log = backend.port;
    });
    afterEach(() => backend.close());

    it('chains each event to the one before, from a start bound to the service', async () => {
      expect(await log.head(service)).toBeUndefined();
      let prev = firstPrev(service);
      for (let index = 0; index < 4; index++) {
        const digest = sha256(Uint8Array.of(...salt, ...utf8(`body ${index}`)));
        const place = { index, prev, hash: eventHash(index, prev, digest) };
        expect(await log.append(event(`body ${index}`))).toEqual(place);
        expect(await log.head(service)).toEqual(place);
        prev = place.hash;
      }
      expect((await log.append(event('body 0', other))).prev).toEqual(firstPrev(other));
      expect(firstPrev(other)).not.toEqual(firstPrev(service));
    });

    it('keeps the chain whole whatever arrives at once', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 64 })), { maxLength: 40 }),
          async (all) => {
            const before = {
              [service]: (await log.head(service))?.index ?? -1,
              [other]: (await log.head(other))?.index ?? -1,
            };
            const places = await Promise.all(
              all.map(([first, body]) => log.append({ service: first ? service : other, salt, body, at: 1 })),
            );
            for (const of of [service, other]) {
              const mine = places.filter((_, i) => (all[i]![0] ? service : other) === of).map(({ index }) => index);
              expect(mine).toEqual(mine.map((_, i) => before[of]! + 1 + i));
              expect(await log.check({ service: of, from: 0, limit: 1_024 })).toBe(before[of]! + 1 + mine.length);
            }
          },
        ),
        { numRuns: 8 },
      );
    });

    it('remembers across a restart', async () => {
      await log.append(event('a'));
      const place = await log.append(event('b'));
      log = await backend.reopen();
      expect(await log.head(service)).toEqual(place);
      expect((await log.append(event('c'))).prev).toEqual(place.hash);
    });

    it('says what is unpublished, and refuses a second leaf for an event', async () => {
      for (const body of ['a', 'b', 'c']) await log.append(event(body));
      expect((await log.unpublished({ service, limit: 2 })).map(({ index }) => index)).toEqual([0, 1]);
      await log.published({
        service,
        leaves: [
          { index: 0, leaf: 10 },
          { index: 1, leaf: 12 },
        ],
      });
      expect((await log.unpublished({ service, limit: 9 })).map(({ index }) => index)).toEqual([2]);
      await log.published({ service, leaves: [{ index: 0, leaf: 10 }] });
      await expect(
        log.published({
          service,
          leaves: [
            { index: 2, leaf: 13 },
            { index: 1, leaf: 11 },
          ],
        }),
      ).rejects.toMatchObject({
        code: 'log.forked',
      });
      expect((await log.read({ service, from: 0, limit: 9 })).map(({ leaf }) => leaf)).toEqual([10, 12, null]);
    });

    it('redacts a body and keeps its place', async () => {
      for (const body of ['a', 'private', 'c']) await log.append(event(body));
      const before = await log.read({ service, from: 0, limit: 9 });
      expect(await log.redact({ service, index: 1 })).toBe(true);
      expect(await log.redact({ service, index: 7 })).toBe(false);
      const after = await log.read({ service, from: 0, limit: 9 });
      expect(after[1]).toEqual({ ...before[1], salt: null, body: null });
      expect(await log.check({ service, from: 0, limit: 9 })).toBe(3);
      expect(await log.check({ service, from: 2, limit: 9 })).toBe(3);
    });

    it('bounds bodies and answers', async () => {
      await expect(log.append({ ...event(''), body: new Uint8Array(MAX_EVENT_BODY + 1) })).rejects.toMatchObject({
        code: 'statement.too_large',
      });
      await Promise.all(Array.from({ length: 30 }, () => log.append(event('x'))));
      expect(await log.read({ service, from: 5, limit: 3 })).toHaveLength(3);
      expect(await log.read({ service, from: 0, limit: -1 })).toHaveLength(0);
      expect((await log.read({ service, from: 0, limit: 1_000_000 })).length).toBe(30);
    });
  });
}
