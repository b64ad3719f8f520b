import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHome } from '@caponier/host';
import { expect, onTestFinished, test } from 'vitest';
import { readDeployment } from '../src/services/deployment.ts';
import { makeHome } from '../src/up/make.ts';

async function made(options: { host: string; bind?: string }) {
  const folder = mkdtempSync(join(tmpdir(), 'caponier-make-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const home = openHome(join(folder, 'home'));
  await makeHome(home, { portBase: null, name: 'box', ...options });
  return readDeployment(home)!;
}

test('behind address translation, services bind to one address and are known by another', async () => {
  const { host, tls, admission, services } = await made({ host: '198.51.100.7', bind: '0.0.0.0' });
  expect({ host, tls, admission }).toEqual({ host: '0.0.0.0', tls: true, admission: 'ticket' });
  for (const { url, pin } of services) {
    expect(url).toMatch(/^https:\/\/198\.51\.100\.7:\d+$/);
    expect(pin).toMatch(/^[\w-]{43}$/);
  }
});

test('an address that is on no interface cannot be bound', async () => {
  await expect(made({ host: '198.51.100.7' })).rejects.toMatchObject({ code: 'host.bad_config' });
});

test('what others can reach on one side of the two speaks TLS and asks newcomers for a ticket', async () => {
  expect(await made({ host: '127.0.0.1', bind: '0.0.0.0' })).toMatchObject({ tls: true, admission: 'ticket' });
  expect(await made({ host: '198.51.100.7', bind: '127.0.0.1' })).toMatchObject({ tls: true, admission: 'ticket' });
  expect(await made({ host: '127.0.0.1' })).toMatchObject({ tls: false, admission: 'open' });
});
