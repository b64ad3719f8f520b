import { describe, expect, it } from 'vitest';
import { relayCounters, relayLimits, relayLimitsWith, relayLimitTable } from '../../src/index.ts';
import { startRelay } from '../support.ts';

describe('limits', () => {
  it('have a sentence, a range that holds the default, and a counter each', () => {
    for (const [name, { default: value, min, max, doc }] of Object.entries(relayLimitTable)) {
      expect([name, doc.length > 20, value >= min, value <= max]).toEqual([name, true, true, true]);
      expect(relayCounters.limit_hits.values).toContain(name);
    }
  });

  it('that cannot be are refused, by name', async () => {
    const wrong: [Parameters<typeof relayLimitsWith>[0], string][] = [
      [{ connections: 0 }, 'connections'],
      [{ handshakeMs: 1.5 }, 'handshakeMs'],
      [{ storageAlertPercent: 101 }, 'storageAlertPercent'],
      [{ strangers: 20, connections: 10 }, 'strangers'],
      [{ window: 1024 * 1024, maxWindow: 512 * 1024 }, 'window'],
      [{ pingMs: 9_000, silentMs: 8_000 }, 'pingMs'],
      [{ reservedOwners: 5, owners: 4 }, 'reservedOwners'],
      [{ connections: 100, reservedConnections: 60, strangers: 40 }, 'reservedConnections'],
    ];
    for (const [given, name] of wrong) {
      const fault = { code: 'host.bad_config', message: expect.stringContaining(name) };
      expect(() => relayLimitsWith(given)).toThrow(expect.objectContaining(fault));
    }
    await expect(startRelay({ limits: { connections: 0 } })).rejects.toMatchObject({ code: 'host.bad_config' });
  });

  it('that nobody said follow those that somebody did', () => {
    expect(relayLimitsWith()).toEqual(relayLimits);
    const small = relayLimitsWith({ connections: 40 });
    expect([small.strangers, small.strangersPerAddress, small.reservedConnections]).toEqual([10, 10, 10]);
    expect(relayLimitsWith({ window: 512 * 1024 }).maxWindow).toBe(512 * 1024);
  });
});
