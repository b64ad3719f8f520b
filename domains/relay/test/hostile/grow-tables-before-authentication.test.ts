import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeDevice } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { countingMeter } from '../mail/counting.ts';
import { MemoryPeer } from '../memory-peer.ts';
import { codeOf, keyBytes, membershipOf, ownerNamed, startRelay, type TestRelay, temporaryFolder } from '../support.ts';
import { loose, nobody } from './attack.ts';

/** How many rows each table has, as the file says. */
function rowsIn(folder: string): Record<string, number> {
  const db = new DatabaseSync(join(folder, 'relay.db'), { readOnly: true });
  try {
    const tables = db.prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`).all();
    const count = (name: string) => Number(db.prepare(`SELECT count(*) AS n FROM "${name}"`).get()!.n);
    return Object.fromEntries(tables.map(({ name }) => [name as string, count(name as string)]));
  } finally {
    db.close();
  }
}

function rates(folder: string): Record<string, number> {
  const db = new DatabaseSync(join(folder, 'relay.db'), { readOnly: true });
  try {
    const kinds = db.prepare('SELECT kind, count(*) AS n FROM rates GROUP BY kind').all();
    return Object.fromEntries(kinds.map(({ kind, n }) => [kind as string, Number(n)]));
  } finally {
    db.close();
  }
}

/** Rates are written with every fifth look. */
function keep(test: TestRelay): void {
  for (let n = 0; n < 5; n++) test.tick();
}

describe('an address', () => {
  it('is remembered among so many, and forgotten when it has all its attempts again', async () => {
    const folder = await temporaryFolder();
    const meter = countingMeter();
    const test = await startRelay({ folder, meter, limits: { addresses: 100 } });
    const fail = (n: number) => {
      const peer = new MemoryPeer(test.relay, `address ${n}`);
      peer.raw(new Uint8Array(3));
      peer.close(1000);
      const guessing = new MemoryPeer(test.relay, `address ${n}`);
      guessing.say('meet', { channel: 1, join: true, name: new Uint8Array(32) });
    };
    for (let n = 0; n < 100; n++) fail(n);
    expect(meter.counts.get('limit_hits addresses')).toBeUndefined();
    keep(test);
    await expect.poll(() => rates(folder)).toEqual({ challenges: 100, failures: 100 });
    // Three hundred more push these out: of those that took challenges, and of those that failed.
    for (let n = 100; n < 400; n++) fail(n);
    expect(meter.counts.get('limit_hits addresses')).toBe(600);
    keep(test);
    await test.store.run('figures');
    await expect.poll(() => rates(folder)).toEqual({ challenges: 100, failures: 100 });
    test.clock.advance(61);
    await expect
      .poll(() => {
        keep(test);
        return rates(folder);
      })
      .toEqual({});
  });
});

describe('whoever has proven nothing', () => {
  it('leaves no row in any table but what its address has taken, and that for a minute', async () => {
    const [ada, bob] = await Promise.all([ownerNamed('ada'), ownerNamed('bob')]);
    const folder = await temporaryFolder();
    const test = await startRelay({ folder, limits: { ...loose, challengesPerMinute: 10, failuresPerMinute: 5 } });
    const before = rowsIn(folder);
    expect(Object.keys(before)).toEqual(expect.arrayContaining(['owners', 'statements', 'slots', 'mail', 'taken']));
    for (let n = 0; n < 40; n++) {
      const { signer } = makeDevice('throwaway', `device-${n}`, 'member');
      const peer = new MemoryPeer(test.relay, `203.0.113.${n}`);
      await peer.hello(signer, n % 2 ? ada.id : bob.id, membershipOf(ada), test.clock.seconds());
      expect(codeOf(peer.closed!)).toBe('relay.bad_hello');
      new MemoryPeer(test.relay, `203.0.113.${n}`).say('meet', { channel: 1, join: true, name: keyBytes(signer) });
    }
    keep(test);
    await expect.poll(() => rowsIn(folder)).toEqual({ ...before, rates: 80 });
    expect(rates(folder)).toEqual({ challenges: 40, failures: 40 });
    test.clock.advance(61);
    await expect
      .poll(() => {
        keep(test);
        return rowsIn(folder);
      })
      .toEqual(before);
    expect(test.relay.counts()).toMatchObject({ ...nobody, devices: 0 });
  });
});
