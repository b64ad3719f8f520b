import { describe, expect, it } from 'vitest';
import type { RelayEvent, RelayFields } from '../../src/index.ts';
import { relayLimits } from '../../src/index.ts';
import { silentMeter } from '../../src/meter.ts';
import { Alerts } from '../../src/watch/alerts.ts';
import { startRelay } from '../support.ts';
import { device, loose } from './attack.ts';

describe('an owner that makes noise', () => {
  it('drowns no alert about another', () => {
    const lines: RelayFields[] = [];
    const told: RelayFields[] = [];
    const alerts = new Alerts(
      relayLimits,
      { log: (_event, fields) => lines.push(fields), alert: (_event, fields) => told.push(fields) },
      silentMeter,
      () => 0,
    );
    for (let n = 0; n < 1_000; n++) alerts.raise('relay.flapping', { owner: 'noisy', device: `${n}` });
    alerts.raise('relay.flapping', { owner: 'quiet', device: 'one' });
    expect(lines.at(-1)).toEqual({ owner: 'quiet', device: 'one' });
    // What is left out is counted, and whoever sends alerts on, at a pace of its own, has heard of each.
    expect(alerts.takeUnlogged()).toBe(1_001 - lines.length);
    expect(told).toHaveLength(1_001);
  });

  it('by coming and going writes few lines, and the rest as a number', async () => {
    const test = await startRelay({ limits: { ...loose, logLinesPerMinute: 10 } });
    for (let n = 0; n < 30; n++) (await device(test)).close(1000);
    expect(test.logged.filter(({ event }) => event === 'relay.ready')).toHaveLength(10);
    test.clock.advance(61);
    test.tick();
    expect(test.logged.find(({ event }) => event === 'relay.unlogged')?.fields.count).toBe(20);
  });
});

describe('owners in a crowd', () => {
  it('are alerts, each of them, though the log has lines for some only', async () => {
    const told: RelayEvent[] = [];
    const test = await startRelay({
      limits: { ...loose, logLinesPerMinute: 5 },
      alert: (event) => told.push(event),
    });
    for (let n = 0; n < 12; n++) (await device(test, `owner ${n}`)).close(1000);
    const count = (events: readonly RelayEvent[]) => events.filter((event) => event === 'relay.first_owner').length;
    expect(count(told)).toBe(12);
    expect(count(test.logged.map(({ event }) => event))).toBe(5);
  });
});
