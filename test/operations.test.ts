import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Secret } from '@caponier/crypto';
import { errorCatalogue } from '@caponier/protocol';
import { relayCounters, relayLimitTable, relayTimings } from '@caponier/relay';
import { afterAll, describe, expect, test } from 'vitest';
import {
  alertKinds,
  createAlerts,
  createLog,
  createMetrics,
  openHome,
  systemRandom,
} from '../foundation/host/src/index.ts';

/** docs/operations.md is followed at night by somebody in a hurry: what it says must be there, and what it shows must run. */

const text = readFileSync(fileURLToPath(new URL('../docs/operations.md', import.meta.url)), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'caponier-operations-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('runbooks', () => {
  const runbooks = [...text.matchAll(/^### Runbook: (\w+)\n\n([\s\S]*?)(?=^##)/gm)];

  test('are there for every kind of alert, and for nothing else', () => {
    expect(runbooks.map(([, kind]) => kind)).toEqual(Object.keys(alertKinds));
    for (const kind of relayCounters.alerts.values) expect(Object.keys(alertKinds)).toContain(kind);
  });

  test.each(runbooks.map(([, kind, body]) => [kind!, body!] as const))(
    '%s says what it means, where to look and what to do',
    (_, body) => {
      for (const word of ['**Means**', '**Look**', '**Do']) expect(body).toContain(word);
    },
  );
});

test('metrics, limits and codes that it names are there', () => {
  const names = [...text.matchAll(/`caponier_relay_(\w+?)_total/g)].map(([, name]) => name!);
  expect(names.length).toBeGreaterThan(1);
  for (const name of names) expect(Object.keys(relayCounters)).toContain(name);
  for (const [, name] of text.matchAll(/`caponier_relay_(\w+)_seconds`/g)) {
    expect(Object.keys(relayTimings)).toContain(name);
  }
  for (const [, code] of text.matchAll(/`((?:relay|store|host)\.[a-z_]+)`/g)) {
    if (!/^relay\.storage_failed$/.test(code!)) expect(Object.keys(errorCatalogue)).toContain(code);
  }
  for (const [, limit] of text.matchAll(
    /`((?:pending|mail|sender|owner|strangers|challenges|connections)[A-Z]\w+)`/g,
  )) {
    expect(Object.keys(relayLimitTable)).toContain(limit);
  }
});

describe('the example of a receiver', () => {
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(text) ?? [];
  const secret = 'a secret of thirty-two characters or more';
  const load = async () => {
    const file = join(folder, 'receiver.mjs');
    writeFileSync(file, code);
    const module = (await import(pathToFileURL(file).href)) as {
      isFromCaponier(secret: string, header: string | undefined, body: Uint8Array, now?: number): boolean;
    };
    return module.isFromCaponier;
  };

  /** One alert as it really goes out. */
  async function delivered(): Promise<{ header: string; body: Buffer }> {
    let take: (delivery: { header: string; body: Buffer }) => void = () => undefined;
    const taken = new Promise<{ header: string; body: Buffer }>((resolve) => {
      take = resolve;
    });
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part) => parts.push(part));
      request.on('end', () => {
        take({ header: String(request.headers['caponier-signature']), body: Buffer.concat(parts) });
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const alerts = createAlerts({
      service: 'relay',
      webhook: { url: `http://127.0.0.1:${port}/`, secret: Secret.from(Buffer.from(secret)), allowLoopback: true },
      home: openHome(join(folder, 'data')),
      clock: Date.now,
      random: systemRandom,
      log: createLog({ service: 'test', clock: Date.now, level: 'silent' }),
      metrics: createMetrics({ service: 'test', version: '0' }),
    });
    alerts.raise('first_owner', { owner: 'A'.repeat(43) });
    const delivery = await taken;
    await alerts.close();
    server.closeAllConnections();
    server.close();
    return delivery;
  }

  test('believes what is sent, and nothing that was changed, recorded or made up', async () => {
    const isFromCaponier = await load();
    const { header, body } = await delivered();
    expect(isFromCaponier(secret, header, body)).toBe(true);
    expect(isFromCaponier(`${secret}x`, header, body)).toBe(false);
    for (let i = 0; i < body.length; i++) {
      const changed = Buffer.from(body);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(isFromCaponier(secret, header, changed)).toBe(false);
    }
    const later = Date.now() + 301_000;
    expect(isFromCaponier(secret, header, body, later)).toBe(false);
    const fresh = header.replace(/t=\d+/, `t=${Math.floor(later / 1000)}`);
    expect(isFromCaponier(secret, fresh, body, later)).toBe(false);
    for (const wrong of [undefined, '', 'v1=', `${header},v1=0`, header.replace('v1', 'v2'), header.slice(0, -1)]) {
      expect(isFromCaponier(secret, wrong, body), wrong).toBe(false);
    }
  });

  test('has ten lines or fewer', () => {
    expect(code.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('//')).length).toBeLessThanOrEqual(
      10,
    );
  });
});
