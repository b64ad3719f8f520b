import { toBase64url, utf8 } from '@caponier/crypto';
import { bundleOf, makeLife, makeOwner } from '@caponier/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeAnswer,
  decodeWorkerEvent,
  encodeAnswer,
  encodeUse,
  encodeWorkerEvent,
  maxAnswerBytes,
  maxLifeStatements,
  maxUseBytes,
  openUse,
} from '../../src/index.ts';

const ready = (async () => {
  const owner = await makeOwner();
  return { owner, life: await makeLife(owner), other: await makeLife(owner) };
})();

const refused = (text: Uint8Array, code: string) =>
  expect(() => openUse(text)).toThrow(expect.objectContaining({ code }));

test('form: a use opens as it was written', async () => {
  const { life } = await ready;
  const { bundle, body } = openUse(encodeUse(bundleOf(life), life.request.body));
  expect(bundle.request.id).toBe(life.request.statement.id);
  expect(bundle.delegations.map((d) => d.id)).toEqual(life.request.asker.delegations.map((d) => d.id));
  expect(bundle.use.jws).toBe(life.use.jws);
  expect(body).toEqual(life.request.body);
});

test('form: two permits in one bundle', async () => {
  const { life, other } = await ready;
  refused(encodeUse([...bundleOf(life), other.permit.jws], null), 'statement.malformed');
});

test('form: a statement of no use here', async () => {
  const { life, owner } = await ready;
  refused(encodeUse([...bundleOf(life), owner.chain.signed[0]!.statement.jws], null), 'statement.wrong_kind');
});

test('form: one statement twice, or too many of them', async () => {
  const { life } = await ready;
  refused(encodeUse([...bundleOf(life), life.request.asker.delegations[0]!.jws], null), 'statement.malformed');
  refused(
    encodeUse(
      Array.from({ length: maxLifeStatements + 1 }, () => life.use.jws),
      null,
    ),
    'host.bad_body',
  );
});

test('form: more bytes than any use has, before they are parsed', () => {
  refused(new Uint8Array(maxUseBytes + 1).fill(0x7b), 'host.body_too_large');
  expect(() => decodeAnswer(new Uint8Array(maxAnswerBytes + 1))).toThrow(
    expect.objectContaining({ code: 'host.body_too_large' }),
  );
});

test('form: a statement that is named and not shown', async () => {
  const { life } = await ready;
  const [request, , permit, use] = bundleOf(life);
  const open = (texts: (string | undefined)[]) => openUse(encodeUse(texts as string[], null)).bundle;
  expect(() => open([permit, use]).request).toThrow(expect.objectContaining({ code: 'statement.malformed' }));
  expect(() => open([request, permit, use]).delegations).toThrow(
    expect.objectContaining({ code: 'request.bad_delegation' }),
  );
});

test.each([
  '',
  '[]',
  'null',
  '{}',
  '{"bundle":[],"body":1}',
  '{"bundle":"a","body":null}',
  '{"bundle":[],"body":null,"x":1}',
  '{"bundle":[],"body":"A"}',
  '{"bundle":[],"body":"QQ=="}',
  '{"bundle":[1],"body":null}',
  '\ufeff{"bundle":[],"body":null}',
])('form: %s is no use', (text) => refused(utf8(text), 'host.bad_body'));

test('what parses encodes to the same, and rubbish is refused with a code', () => {
  const body = fc.option(fc.uint8Array({ maxLength: 64 }));
  fc.assert(
    fc.property(body, (bytes) => {
      const answer = { outcome: 'a.b.c', body: bytes };
      expect(encodeAnswer(decodeAnswer(encodeAnswer(answer)))).toEqual(encodeAnswer(answer));
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const open of [openUse, decodeAnswer, decodeWorkerEvent])
        expect(() => open(bytes)).toThrow(expect.objectContaining({ name: 'CaponierError' }));
    }),
  );
});

test('fuzz: a use with one byte changed opens to a use or to a code, never to anything else', async () => {
  const { life } = await ready;
  const good = encodeUse(bundleOf(life), life.request.body);
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const bytes = good.slice();
      bytes[at]! ^= flip;
      try {
        const { bundle } = openUse(bytes);
        expect([bundle.request.kind, bundle.permit.kind, bundle.use.kind]).toEqual(['request', 'permit', 'use']);
      } catch (error) {
        expect(error).toMatchObject({ name: 'CaponierError' });
      }
    }),
    { numRuns: 300 },
  );
});

test('an event of a worker has one text', async () => {
  const { life } = await ready;
  const ids = { owner: life.use.id, request: life.request.statement.id, permit: life.permit.id, use: life.use.id };
  const body = encodeWorkerEvent({ type: 'intent', ...ids });
  expect(decodeWorkerEvent(body)).toEqual({ type: 'intent', ...ids });
  const spaced = utf8(new TextDecoder().decode(body).replace(',', ', '));
  expect(() => decodeWorkerEvent(spaced)).toThrow(expect.objectContaining({ code: 'statement.malformed' }));
  expect(() => decodeWorkerEvent(utf8(toBase64url(body)))).toThrow();
});
