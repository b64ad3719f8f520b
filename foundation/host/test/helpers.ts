import { mkdtempSync, rmSync } from 'node:fs';
import { connect as netConnect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import {
  createLog,
  type Listener,
  type ListenerLimits,
  problems,
  readListenerLimits,
  type ServeOptions,
  serve,
} from '../src/index.ts';

const quiet = createLog({ service: 'test', clock: () => 0, level: 'silent' });

export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'caponier-host-'));
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

export function application(): Hono {
  const app = new Hono();
  problems(app, quiet);
  app.get('/', (c) => c.text('hello'));
  app.post('/size', async (c) => c.json({ bytes: (await c.req.arrayBuffer()).byteLength }));
  return app;
}

/** A listener on a free port of this machine, with some limits changed. */
export function listen(
  limits: Partial<ListenerLimits> = {},
  options: Partial<ServeOptions> = {},
  app: Hono = application(),
): Promise<Listener> {
  return serve(app, {
    host: '127.0.0.1',
    port: 0,
    limits: { ...readListenerLimits({ env: {} }), ...limits },
    log: quiet,
    clock: Date.now,
    allowRoot: true,
    ...options,
  });
}

/** A bare connection, and all it was told until it was closed. With `allowHalfOpen` it does not hang up by itself. */
export function bare(port: number, allowHalfOpen = false): { socket: Socket; told: Promise<string> } {
  const socket = netConnect({ host: '127.0.0.1', port, allowHalfOpen });
  const pieces: Buffer[] = [];
  socket.on('data', (piece) => pieces.push(piece));
  const told = new Promise<string>((resolve) => {
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(pieces).toString()));
  });
  return { socket, told };
}

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A log whose lines are kept. */
export function logLines() {
  const all: Record<string, unknown>[] = [];
  const log = createLog({ service: 'test', clock: () => 0, to: { write: (line) => void all.push(JSON.parse(line)) } });
  return {
    log,
    all: () => all,
    events: () => all.map(({ event }) => event as string),
    of: (event: string) => all.filter((line) => line.event === event),
  };
}

/** Waits until `condition` holds, and fails after `ms` milliseconds. */
export async function until(condition: () => boolean, ms = 30_000): Promise<void> {
  for (const end = Date.now() + ms; !condition(); await pause(5)) {
    if (Date.now() > end) throw new Error('it did not come to hold');
  }
}
