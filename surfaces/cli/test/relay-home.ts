import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { fileSigner, openHome, systemRandom } from '@caponier/host';

const bin = fileURLToPath(new URL('../src/bin.ts', import.meta.url));

/** A home whose deployment names a relay on a free port of this machine, and a registry that does not run. */
export function relayHome(members: object = {}): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'caponier-relay-'));
  const home = openHome(join(path, 'home'));
  const keys = home.folder('keys');
  const service = (role: string, url: string) => ({
    role,
    class: null,
    key: fileSigner(keys, `${role}.key`, systemRandom).did,
    url,
    pin: null,
    custody: 'same-user',
  });
  const deployment = {
    origin: 'example.org/log',
    host: '127.0.0.1',
    tls: false,
    operators: [],
    admission: 'open',
    witnesses: [],
    k: 1,
    services: [service('relay', 'http://127.0.0.1:1'), service('registry', 'http://127.0.0.1:2')],
    ...members,
  };
  home.write('deployment.json', new TextEncoder().encode(JSON.stringify(deployment)));
  return { path: home.path, remove: () => rmSync(path, { recursive: true }) };
}

export interface RelayProcess {
  readonly child: ChildProcess;
  readonly port: number;
  readonly metricsPort: number;
  /** Log lines so far. */
  readonly lines: Record<string, unknown>[];
  /** Exit code. */
  readonly ended: Promise<number | null>;
}

const env = (home: string, more: Record<string, string> = {}) => {
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith('CAPONIER_'));
  return { ...Object.fromEntries(ours), CAPONIER_HOME: home, ...more };
};

/** The command as a process of its own, until it listens; `supervised`: as `up` starts it. */
export async function startRelay(
  home: string,
  flags: readonly string[] = [],
  { supervised = false }: { readonly supervised?: boolean } = {},
): Promise<RelayProcess> {
  const args = [bin, 'relay', '--json', '--port', '0', '--metrics-port', '0', '--allow-root', ...flags];
  const child = spawn(process.execPath, args, {
    env: env(home),
    stdio: ['ignore', 'pipe', 'pipe', ...(supervised ? (['ipc'] as const) : [])],
  });
  const { stdout, stderr } = child as ChildProcess & { readonly stdout: Readable; readonly stderr: Readable };
  const lines: Record<string, unknown>[] = [];
  let rest = '';
  stderr.on('data', (part) => {
    const parts = (rest + part).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.map((line) => JSON.parse(line)));
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const ready = await Promise.race([supervised ? once(child, 'message') : once(stdout, 'data'), ended]);
  if (!Array.isArray(ready)) throw new Error(`it ended: ${JSON.stringify(lines)}${rest}`);
  const { url } = (supervised ? ready[0] : JSON.parse(String(ready[0]))) as { url: string };
  const metricsPort = Number(lines.find(({ event }) => event === 'metrics.open')?.port);
  return { child, port: Number(new URL(url).port), metricsPort, lines, ended };
}

/** The command as a process that is expected to end by itself. */
export async function refusedRelay(
  home: string,
  flags: readonly string[],
  more: Record<string, string> = {},
): Promise<{ code: number | null; err: string }> {
  const args = [bin, 'relay', '--port', '0', '--allow-root', ...flags];
  const child = spawn(process.execPath, args, { env: env(home, more), stdio: ['ignore', 'ignore', 'pipe'] });
  let err = '';
  child.stderr.on('data', (part) => (err += part));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, err };
}
