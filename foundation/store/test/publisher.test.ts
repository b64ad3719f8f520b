import type { Did } from '@caponier/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createEventLog,
  createEventPublisher,
  type Database,
  type EventLog,
  eventLogTables,
  openDatabase,
} from '../src/index.ts';
import { temporaryFolder, utf8 } from './contract/harness.ts';
import type * as operations from './sqlite/contract-operations.ts';

const service = 'did:key:z6MkOne' as Did;

describe('event publisher', () => {
  const folder = temporaryFolder();
  let db: Database<typeof operations>;
  let log: EventLog;
  let now = 0;
  const append = (n: number) =>
    Promise.all(
      Array.from({ length: n }, (_, i) => log.append({ service, salt: new Uint8Array(16), body: utf8(`${i}`), at: 0 })),
    );
  const leaves = async () => (await log.read({ service, from: 0, limit: 1_024 })).map(({ leaf }) => leaf);

  beforeEach(async () => {
    db = await openDatabase<typeof operations>({
      path: `${folder.path}/${Math.random()}.db`,
      migrations: [eventLogTables],
      operations: new URL('./sqlite/contract-operations.ts', import.meta.url),
    });
    log = createEventLog(db);
  });
  afterEach(() => db.close());

  /** A log in memory that fails as often as told, before or after it took the leaves. */
  function sink(failures: ('before' | 'after')[] = []) {
    const taken: string[] = [];
    return {
      taken,
      prove: () => Promise.reject(new Error('not asked for')),
      async submit(hashes: readonly Uint8Array[]) {
        const failure = failures.shift();
        if (failure === 'before') throw new Error('unreachable');
        const indices = hashes.map((hash) => {
          const name = Buffer.from(hash).toString('hex');
          if (!taken.includes(name)) taken.push(name);
          return taken.indexOf(name);
        });
        if (failure === 'after') throw new Error('cut');
        return indices;
      },
    };
  }

  it('hands over what was left behind and what comes, in order', async () => {
    await append(3);
    const to = sink();
    const publisher = createEventPublisher({ log, service, sink: to, clock: () => now });
    await publisher.drained();
    expect(await leaves()).toEqual([0, 1, 2]);
    await append(2);
    publisher.kick();
    await publisher.drained();
    expect(await leaves()).toEqual([0, 1, 2, 3, 4]);
    await publisher.close();
  });

  it('tries again until the log has them, each once, and says how long they wait', async () => {
    await append(2);
    const to = sink(['before', 'after', 'before']);
    const failures: unknown[] = [];
    const pauses: number[] = [];
    const wait = async (ms: number) => {
      pauses.push(ms);
      now += ms;
    };
    now = 1_000;
    const publisher = createEventPublisher({
      log,
      service,
      sink: to,
      clock: () => now,
      wait,
      onFailure: (e) => failures.push(e),
    });
    await publisher.drained();
    expect(to.taken).toHaveLength(2);
    expect(await leaves()).toEqual([0, 1]);
    expect(failures).toHaveLength(3);
    expect(pauses).toEqual([250, 500, 1_000]);
    expect(publisher.behind()).toBe(0);
    await publisher.close();
  });

  it('is behind while the log does not answer, and can be closed then', async () => {
    now = 5_000;
    const publisher = createEventPublisher({
      log,
      service,
      sink: { ...sink(), submit: () => Promise.reject(new Error('unreachable')) },
      clock: () => now,
      wait: () => new Promise(() => {}),
    });
    await publisher.drained();
    await append(1);
    publisher.kick();
    now += 700;
    expect(publisher.behind()).toBe(700);
    await publisher.close();
    expect(await leaves()).toEqual([null]);
  });

  it('takes no answer for another number of leaves', async () => {
    await append(2);
    const failures: unknown[] = [];
    const publisher = createEventPublisher({
      log,
      service,
      sink: { ...sink(), submit: async () => [0] },
      clock: () => now,
      onFailure: (error) => failures.push(error),
    });
    await expect.poll(() => failures.length).toBeGreaterThan(0);
    await publisher.close();
    expect(await leaves()).toEqual([null, null]);
  });
});
