import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret, utf8 } from '@caponier/crypto';
import { keyOf, leafClassOf, type Payload, type Signer } from '@caponier/protocol';
import {
  acceptWebSocket,
  createRelay,
  openRelayStore,
  type Relay,
  type RelayOptions,
  relayServerOptions,
} from '@caponier/relay';
import { makeOwner, seededRandom, type TestOwner, testSigner } from '@caponier/testkit';
import type { LaterKind } from '@caponier/verify';
import { expect, onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { systemWait } from '../../src/platform/platform.ts';
import { createRelayClient, type RelayClient, type RelayClientOptions } from '../../src/relay/index.ts';
import { createTransport } from '../../src/transport/node.ts';

/** Runs after the test, last first. */
function later(work: () => Promise<unknown> | unknown): void {
  onTestFinished(async () => void (await work()));
}

const relaySigner = testSigner('the relay');
export const transport = createTransport();
export const random = seededRandom('clients');
/** Waits a hundredth of what is asked: pauses between attempts are seconds, tests are not. */
export const hastyWait: RelayClientOptions['wait'] = (milliseconds, signal) => systemWait(milliseconds / 100, signal);

export interface RunningRelay {
  readonly relay: Relay;
  readonly port: number;
  readonly url: string;
  /** Cuts every connection without a word. */
  cut(): void;
  stop(): Promise<void>;
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'caponier-client-'));
  later(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function runRelay(folder: string, options: Partial<RelayOptions> = {}, port = 0): Promise<RunningRelay> {
  const store = await openRelayStore(join(folder, 'relay.db'));
  const relay = createRelay({
    store,
    clock: Date.now,
    random: seededRandom(`relay ${Math.random()}`),
    signer: relaySigner,
    admission: { kind: 'open' },
    every: (milliseconds, work) => {
      const timer = setInterval(work, milliseconds);
      return () => clearInterval(timer);
    },
    resume: { current: Secret.from(utf8('a resume secret of more than 32 characters')) },
    limits: { challengesPerMinute: 1_000, failuresPerMinute: 1_000 },
    ...options,
  });
  const sockets = new WebSocketServer({ ...relayServerOptions, clientTracking: true });
  const server = createServer();
  server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (ws: WebSocket) => acceptWebSocket(relay, ws, '127.0.0.1')),
  );
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  let stopped: Promise<void> | null = null;
  const running: RunningRelay = {
    relay,
    port: (server.address() as AddressInfo).port,
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      for (const ws of sockets.clients) ws.terminate();
    },
    stop() {
      stopped ??= (async () => {
        relay.close();
        running.cut();
        await new Promise((resolve) => server.close(resolve));
        await store.close();
      })();
      return stopped;
    },
  };
  later(() => running.stop());
  return running;
}

export function membershipOf(owner: TestOwner): string[] {
  return owner.chain.signed
    .filter(({ statement }) => leafClassOf(statement.kind, statement.payload as Payload<LaterKind>) === 'membership')
    .map(({ statement }) => statement.jws);
}

export function clientOf(
  url: string,
  owner: TestOwner,
  signer: Signer,
  options: Partial<RelayClientOptions> = {},
): RelayClient {
  const client = createRelayClient({
    address: { url },
    relay: relaySigner.did,
    signer,
    owner: owner.id,
    credentials: { chain: async () => membershipOf(owner), ticket: null },
    transport,
    clock: Date.now,
    random,
    wait: hastyWait,
    ...options,
  });
  later(() => client.close());
  return client;
}

export function stateOf(client: RelayClient, wanted: RelayClient['state']): Promise<void> {
  if (client.state === wanted) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = client.onState((state) => {
      if (state !== wanted) return;
      stop();
      resolve();
    });
  });
}

export async function connected(...args: Parameters<typeof clientOf>): Promise<RelayClient> {
  const client = clientOf(...args);
  client.start();
  await stateOf(client, 'connected');
  return client;
}

export const keyBytes = (signer: Pick<Signer, 'did'>) => keyOf(signer.did, 'ed25519');
export const text = (value: string) => utf8(value);

/** Owners are slow to make: one of each name for all tests of a file; a test that changes one makes its own. */
let owners = new Map<string, Promise<TestOwner>>();
let ownersOf: string | undefined;
export function ownerNamed(seed: string): Promise<TestOwner> {
  const { testPath } = expect.getState();
  // Files share a process.
  if (testPath !== ownersOf) owners = new Map();
  ownersOf = testPath;
  let owner = owners.get(seed);
  if (!owner) {
    owner = makeOwner(seed);
    owners.set(seed, owner);
  }
  return owner;
}
