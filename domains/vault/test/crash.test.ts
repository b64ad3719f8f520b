import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { toBase64url } from '@caponier/crypto';
import { createEventLog } from '@caponier/store';
import { presentUse, type TestUser } from '@caponier/testkit';
import { decodeWorkerEvent, outcomeOfEvent, usePath } from '@caponier/verify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openVault } from '../src/index.ts';
import {
  putBody,
  startUpstream,
  startVault,
  type TestUpstream,
  temporaryFolder,
  usesOf,
  vaultOwner,
} from './harness.ts';

const script = fileURLToPath(new URL('process.ts', import.meta.url));
const strace = spawnSync('strace', ['-V']).status === 0;
const required = process.env.CAPONIER_REQUIRE_ENGINES === '1';

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
let ada: TestUser;
let upstream: TestUpstream;

/** A call that is signed and ready, against a vault file that holds its secret. */
let bytes: Uint8Array;

beforeEach(async () => {
  folder = temporaryFolder();
  path = join(folder.path, 'vault.db');
  ada = await vaultOwner('ada');
  upstream = await startUpstream();
  const vault = await startVault(path, [ada]);
  await usesOf(vault, ada, ada.person)('secret.put', 'github', putBody('the-token-itself', upstream.url));
  await vault.close();
  const place = { in: 'header', name: 'authorization' };
  const headers = { authorization: 'Bearer {{secret}}' };
  const body = { method: 'GET', url: `${upstream.url}/`, headers, body: null, place };
  const call = { asker: ada.agent, grant: ada.grant, class: 'secret', op: 'secret.use', resource: 'github', body };
  bytes = (await presentUse(ada.owner, call)).bytes;
});
afterEach(async () => {
  await upstream.close();
  folder.remove();
});

const lines = (child: ChildProcess) => createInterface({ input: child.stdout! })[Symbol.asyncIterator]();

async function eventsOf(file: string) {
  const db = await openVault(file);
  const events = await createEventLog(db).read({ service: ada.owner.workers.secret.did, from: 0, limit: 100 });
  await db.close();
  return events.map(({ body }) => decodeWorkerEvent(body!));
}

describe('a vault that dies between intent and outcome', () => {
  it('says unknown when it comes back, and tries nothing again', async () => {
    const child = spawn(process.execPath, [script, path], { stdio: ['pipe', 'pipe', 'inherit'] });
    const said = lines(child);
    expect((await said.next()).value).toBe('ready');
    // The call is under way, its outcome is not written: this is the moment.
    upstream.handler = () => child.kill('SIGKILL');
    child.stdin.write(`${toBase64url(bytes)}\n`);
    await once(child, 'exit');
    expect(upstream.seen.length).toBe(1);
    expect((await eventsOf(path)).at(-1)!.type).toBe('intent');

    upstream.handler = (_, response) => response.end('again');
    const vault = await startVault(path, [ada]);
    const again = await vault.app.request(usePath, { method: 'POST', body: new Uint8Array(bytes) });
    expect([again.status, ((await again.json()) as { code: string }).code]).toEqual([409, 'use.replayed']);
    await vault.close();
    expect(upstream.seen.length).toBe(1);

    const events = await eventsOf(path);
    expect(events.map(({ type }) => type)).toEqual(['intent', 'outcome', 'intent', 'outcome']);
    const outcome = outcomeOfEvent(events[3]!)!;
    expect(outcome.kid).toBe(ada.owner.workers.secret.did);
    expect(outcome.payload).toMatchObject({ result: 'unknown', code: 'worker.outcome_unknown', event: 2, body: null });
  });
});

describe('by its system calls', () => {
  const skipped = !strace && !required;
  it.skipIf(skipped)(
    `the intent is on disk before anything is sent${skipped ? ' (skipped: not installed)' : ''}`,
    async () => {
      const trace = join(folder.path, 'trace');
      const calls = 'trace=write,pwrite64,pwritev,fsync,fdatasync,connect';
      const child = spawn('strace', ['-f', '-y', '-s', '8', '-e', calls, '-o', trace, process.execPath, script, path], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const said = lines(child);
      expect((await said.next()).value).toBe('ready');
      child.stdin.write(`${toBase64url(bytes)}\n`);
      expect((await said.next()).value).toMatch(/^200 /);
      child.stdin.end();
      await once(child, 'exit');

      const port = new URL(upstream.url).port;
      const all = readFileSync(trace, 'utf8').split('\n');
      const ready = all.findIndex((line) => /write\(1<.*"ready/.test(line));
      const connect = all.findIndex((line) => line.includes('connect(') && line.includes(`htons(${port})`));
      expect(ready).toBeGreaterThan(0);
      expect(connect).toBeGreaterThan(ready);
      // What is written to the log of the database after the start, before the connection, is the intent.
      const before = all.slice(ready, connect);
      const written = before.findLastIndex((line) => /pwrite64\(\d+<[^>]*vault\.db-wal>/.test(line));
      expect(written, 'the intent is written').toBeGreaterThan(0);
      expect(syncedAfter(before.slice(written + 1)), 'and synced').toBe(true);
    },
  );
});

/** Whether a sync of the database's log begins and ends within these lines. */
function syncedAfter(trace: readonly string[]): boolean {
  const begun = trace.findIndex((line) => /f(data)?sync\(\d+<[^>]*vault\.db-wal>/.test(line));
  if (begun < 0) return false;
  if (/\)\s+= 0$/.test(trace[begun]!)) return true;
  const thread = trace[begun]!.split(' ')[0];
  return trace.slice(begun + 1).some((line) => line.startsWith(`${thread} `) && /sync resumed>.*= 0$/.test(line));
}
