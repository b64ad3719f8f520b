import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { findProgram } from './engine.ts';

/** A free port of this machine. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface Pebble {
  readonly directory: string;
  /** Where it comes to see a challenge. */
  readonly challengePort: number;
  /** Speaks to it, whose own certificate no authority vouches for. */
  readonly agent: Agent;
  /** The root of what it issues, PEM. */
  root(): Promise<string>;
  stop(): Promise<void>;
}

async function get(url: string, agent: Agent): Promise<string> {
  const [answer] = await once(request(url, { agent }).end(), 'response');
  let body = '';
  for await (const piece of answer) body += piece;
  return body;
}

/** Whether the authority and its name server are installed. */
export const pebbleWorks = (): boolean => ['pebble', 'pebble-challtestsrv'].every((name) => findProgram(name));

export interface PebbleOptions {
  /** An empty folder for its files. */
  readonly folder: string;
  /** PEM: what its own listener at 127.0.0.1 serves with. */
  readonly key: string;
  readonly cert: string;
}

/** Let's Encrypt's test authority, with a name server for which every name is this machine. */
export async function startPebble({ folder, key, cert }: PebbleOptions): Promise<Pebble> {
  const [listen, management, dns, dnsManagement, challengePort] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const keyFile = join(folder, 'key.pem');
  const certFile = join(folder, 'cert.pem');
  const config = join(folder, 'pebble.json');
  writeFileSync(keyFile, key);
  writeFileSync(certFile, cert);
  const pebble = {
    listenAddress: `127.0.0.1:${listen}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: certFile,
    privateKey: keyFile,
    httpPort: challengePort,
    tlsPort: 1,
    externalAccountBindingRequired: false,
  };
  writeFileSync(config, JSON.stringify({ pebble }));
  const off = ['-http01', '', '-https01', '', '-tlsalpn01', ''];
  const children: ChildProcess[] = [
    spawn(
      'pebble-challtestsrv',
      [...off, '-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${dnsManagement}`, '-defaultIPv6', ''],
      { stdio: 'ignore' },
    ),
    spawn('pebble', ['-config', config, '-dnsserver', `127.0.0.1:${dns}`], {
      stdio: 'ignore',
      env: { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '20' },
    }),
  ];
  const agent = new Agent({ ca: cert, keepAlive: false });
  const stop = async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  };
  const directory = `https://127.0.0.1:${listen}/dir`;
  for (const end = Date.now() + 10_000; ; await pause(50)) {
    try {
      await get(directory, agent);
      break;
    } catch (error) {
      if (Date.now() < end) continue;
      await stop();
      throw error;
    }
  }
  return {
    directory,
    challengePort,
    agent,
    root: () => get(`https://127.0.0.1:${management}/roots/0`, agent),
    stop,
  };
}
