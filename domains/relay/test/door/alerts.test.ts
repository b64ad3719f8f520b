import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRelayStore, type RelayMeter } from '../../src/index.ts';
import { MemoryPeer } from '../memory-peer.ts';
import { connect, later, ownerNamed, startRelay, type TestRelay, temporaryFolder } from '../support.ts';

function counting() {
  const counts: Record<string, number> = {};
  const meter: RelayMeter = {
    add(counter, value, by = 1) {
      const key = `${counter} ${value}`;
      counts[key] = (counts[key] ?? 0) + by;
    },
    time() {},
  };
  return { counts, meter };
}
const lines = (test: TestRelay, event: string) =>
  test.logged.filter((line) => line.event === event).map(({ fields }) => fields);

describe('refusals', () => {
  it('of one address are one line and one with their count, and one alert, however many', async () => {
    const { counts, meter } = counting();
    const test = await startRelay({ meter });
    const peers = Array.from({ length: 1_000 }, () => new MemoryPeer(test.relay));
    for (const peer of peers) peer.close(1000);
    const address = '192.0.2.1';
    const code = 'relay.rate_limited';
    expect(lines(test, 'relay.refused')).toEqual([{ address, code }]);
    expect(lines(test, 'relay.refusals')).toEqual([
      { address, code, count: 20 },
      { code, count: 500 },
    ]);
    test.clock.advance(61);
    test.tick();
    // Ten were challenged.
    expect(lines(test, 'relay.refused').slice(1)).toEqual([{ address, code, count: 990 }]);
    expect(counts['connections_refused relay.rate_limited']).toBe(990);
    expect(counts['limit_hits challengesPerMinute']).toBe(990);
    expect(counts['alerts refusals']).toBe(2);
    // Another spell, another line.
    for (let n = 0; n < 2; n++) {
      test.clock.advance(61);
      test.tick();
    }
    for (let n = 0; n < 100; n++) new MemoryPeer(test.relay);
    expect(lines(test, 'relay.refusals')).toHaveLength(3);
  });

  it('of ten thousand addresses are a bounded number of lines, and the number of those left out', async () => {
    const test = await startRelay({ limits: { challengesPerMinute: 1, logLinesPerMinute: 50 } });
    for (let n = 0; n < 10_000; n++) {
      const address = `10.${n >> 8}.${n & 255}.1`;
      new MemoryPeer(test.relay, address).close(1000);
      new MemoryPeer(test.relay, address);
    }
    expect(lines(test, 'relay.refused')).toHaveLength(50);
    test.clock.advance(61);
    test.tick();
    // So many are looked at in steps.
    await expect.poll(() => lines(test, 'relay.unlogged').length).toBeGreaterThan(0);
    expect(lines(test, 'relay.refused').length).toBeLessThanOrEqual(100);
    expect(lines(test, 'relay.unlogged')[0]!.count).toBeGreaterThan(9_000);
  });
});

describe('storage', () => {
  it('that is nearly full is told once', async () => {
    const folder = await temporaryFolder();
    const store = await openRelayStore(join(folder, 'small.db'), 1024 * 1024);
    later(() => store.close());
    const { counts, meter } = counting();
    const test = await startRelay({ store, meter, limits: { storageAlertPercent: 10 } });
    await expect.poll(() => lines(test, 'relay.storage').length).toBe(1);
    expect(lines(test, 'relay.storage')[0]!.value).toBeGreaterThanOrEqual(10);
    for (let n = 0; n < 130; n++) test.tick();
    await store.read('answers');
    expect([lines(test, 'relay.storage').length, counts['alerts storage']]).toEqual([1, 1]);
  });

  it('that fails is told, in few lines', async () => {
    const test = await startRelay();
    const ada = await ownerNamed('ada');
    const { peer } = await connect(test, ada, ada.box.signer);
    await test.store.close();
    for (let n = 0; n < 300; n++) test.tick();
    await peer.settle();
    expect(lines(test, 'relay.storage_failed').length).toBeGreaterThan(0);
    expect(lines(test, 'relay.storage_failed').length).toBeLessThan(10);
  });
});

describe('readiness', () => {
  it('needs a store that answers and a view that is fresh, and says nothing else', async () => {
    let isFresh = true;
    const views = {
      get: () => {
        throw new Error('none');
      },
      onChange: () => () => {},
      isFresh: () => isFresh,
    };
    const test = await startRelay({ views });
    const look = async () => {
      const answer = await test.relay.app.request('/readyz');
      return [answer.status, await answer.text()];
    };
    await expect.poll(look).toEqual([200, '{"status":"ready"}']);
    isFresh = false;
    expect(await look()).toEqual([503, '{"status":"not ready"}']);
    isFresh = true;
    expect((await look())[0]).toBe(200);
    await test.store.close();
    test.clock.advance(2);
    expect(await look()).toEqual([503, '{"status":"not ready"}']);
    expect((await test.relay.app.request('/healthz')).status).toBe(200);
  });
});
