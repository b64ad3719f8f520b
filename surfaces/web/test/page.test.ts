import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram, whereEngine } from '@caponier/testkit';
import { buildCapsule } from '@caponier/verify';
import { serve } from '@hono/node-server';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fullStory } from '../../../foundation/verify/test/capsule/material.ts';
import { createWeb } from '../src/index.ts';

/** The built page in a real browser, under its real headers. */
const chromiumPath = findProgram('chromium');
const inChromium = whereEngine(test, 'chromium', chromiumPath !== undefined);
const token = 'AAAAAAAAAAAAAAAAAAAAAA';

let folder: string;
let server: Server;
let browser: Browser;
let origin: string;

beforeAll(async () => {
  if (!chromiumPath) return;
  folder = mkdtempSync(join(tmpdir(), 'page-'));
  await build({ root: fileURLToPath(new URL('..', import.meta.url)), logLevel: 'error', build: { outDir: folder } });
  const names = readdirSync(folder, { recursive: true }).map(String);
  const hosts = new Set<string>();
  const app = createWeb({
    source: {
      status: async () => ({
        owner: 'A'.repeat(43),
        device: { name: 'laptop', role: 'controller' },
        devices: [
          { name: 'laptop', did: 'did:key:z6Mk1', role: 'controller' },
          { name: 'box', did: 'did:key:z6Mk2', role: 'member', frozen: true },
        ],
        services: [{ role: 'worker', class: 'secret', custody: 'same-user', ok: true }],
        warnings: ['No recovery key: whoever steals this machine is the owner.'],
      }),
      asks: async () => ({
        asks: [
          {
            id: 'r',
            agent: 'claude@box',
            device: 'box',
            op: 'secret.use',
            resource: 'github',
            purpose: '<img src=x onerror=alert(1)>',
            expires: 2_000_000_000,
          },
        ],
      }),
    },
    asset: async (name) => readFileSync(join(folder, name)),
    assetNames: new Set(names),
    token,
    hosts,
  });
  server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
  await new Promise<void>((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  hosts.add(`localhost:${port}`);
  origin = `http://localhost:${port}`;
  browser = await chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  server?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** A page whose own errors, refused scripts among them, fail the test that opened it. */
async function open(path: string): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  await page.goto(`${origin}${path}`);
  return { page, problems };
}

inChromium('shows devices, services and asks, with peer text as text; the token leaves the address', async () => {
  const { page, problems } = await open(`/#token=${token}`);
  await page.getByText('claude@box asks: secret.use').waitFor();
  await page.getByText('“<img src=x onerror=alert(1)>”').waitFor();
  await page.getByRole('cell', { name: 'frozen' }).waitFor();
  await page.getByText('No recovery key').waitFor();
  expect(page.url()).toBe(`${origin}/`);
  expect(problems).toEqual([]);
});

inChromium('shows nothing of the daemon without the token', async () => {
  const { page } = await open('/');
  await page.getByText('The verifier needs nothing').waitFor();
  expect(await page.getByText('claude@box').count()).toBe(0);
});

inChromium('verifies a capsule in the browser, and names the failing check after one changed byte', async () => {
  const { set, decided, used } = await fullStory();
  const capsule = await buildCapsule(set.material(decided, [used]), set.trustFile(), { now: set.now() });
  writeFileSync(join(folder, 'good.capsule'), capsule);
  writeFileSync(join(folder, 'owner.trust'), set.trustFile());
  const text = Buffer.from(capsule).toString();
  const at = text.indexOf('"permit":"') + '"permit":"'.length + 400;
  writeFileSync(
    join(folder, 'bad.capsule'),
    `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`,
  );

  const { page, problems } = await open('/');
  await page.clock.setFixedTime(set.now());
  const verify = async (name: string) => {
    await page.locator('#capsule').setInputFiles(join(folder, name));
    await page.locator('#trust').setInputFiles(join(folder, 'owner.trust'));
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByRole('button', { name: 'Verify' }).waitFor();
    return page.locator('#verdict').innerText();
  };
  expect(await verify('good.capsule')).toBe('The capsule verifies.');
  await page.getByText('claude@box asked for secret.use').waitFor();
  await page.getByRole('heading', { name: 'Not proven' }).waitFor();
  await expect.poll(() => verify('bad.capsule')).toMatch(/does not verify: [a-z-]+ \([a-z]+\.[a-z_]+\)/);
  expect(problems).toEqual([]);
});
