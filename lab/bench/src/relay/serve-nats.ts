import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveParent } from './child.ts';

/** nats-server with its WebSocket listener on loopback, and nothing else switched on. */
const config = `
host: 127.0.0.1
port: -1
ping_interval: "10m"
websocket { host: 127.0.0.1, port: -1, no_tls: true, compression: false }
`;

serveParent(({ program }: { readonly program: string }) => {
  const folder = mkdtempSync(join(tmpdir(), 'caponier-bench-'));
  const file = join(folder, 'nats.conf');
  writeFileSync(file, config);
  const server = spawn(program, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  process.on('exit', () => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  return new Promise((resolve, reject) => {
    let said = '';
    server.on('error', reject);
    server.on('exit', (code) => reject(new Error(`nats-server ended with ${code}: ${said}`)));
    server.stderr.on('data', (text) => {
      said = `${said}${text}`.slice(-4_096);
      const port = /websocket clients on ws:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (port) resolve(Number(port));
    });
  });
});
