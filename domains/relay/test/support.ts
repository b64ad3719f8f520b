import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBase64url, Secret, utf8 } from '@caponier/crypto';
import {
  decodeFrame,
  encodeFrame,
  type Frame,
  type FrameInput,
  type FrameName,
  keyOf,
  type Payload,
  relayErrorOf,
  type Signer,
} from '@caponier/protocol';
import { type ManualClock, makeOwner, manualClock, seededRandom, type TestOwner } from '@caponier/testkit';
import { expect, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import {
  acceptWebSocket,
  createRelay,
  openRelayStore,
  type Relay,
  type RelayEvent,
  type RelayFields,
  type RelayOptions,
  type RelayStore,
  relayServerOptions,
} from '../src/index.ts';
import { freezeOf, helloOf, membershipOf, relaySigner, ticketOf } from './hello.ts';

export { freezeOf, helloOf, membershipOf, relaySigner, ticketOf };

/** Runs after the test, last first. */
export function later(work: () => Promise<unknown> | unknown): void {
  onTestFinished(async () => void (await work()));
}

export const resumeSecret = Secret.from(utf8('a resume secret of more than 32 characters'));

export interface TestRelay {
  readonly relay: Relay;
  readonly store: RelayStore;
  readonly clock: ManualClock;
  readonly url: string;
  readonly logged: { event: RelayEvent; fields: RelayFields }[];
  /** What the relay does every second. */
  tick(): void;
  /** The address that the next connections come from. */
  address: string;
  close(): Promise<void>;
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'caponier-relay-'));
  later(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function startRelay(
  options: Partial<Omit<RelayOptions, 'resume'>> & {
    folder?: string;
    resume?: RelayOptions['resume'] | undefined;
    /** Of the database. */
    maxBytes?: number;
  } = {},
): Promise<TestRelay> {
  const folder = options.folder ?? (await temporaryFolder());
  const store = await openRelayStore(join(folder, 'relay.db'), options.maxBytes);
  later(() => store.close());
  const clock = (options.clock as ManualClock | undefined) ?? manualClock();
  const logged: TestRelay['logged'] = [];
  let tick = () => {};
  const wanted = 'resume' in options ? options.resume : { current: resumeSecret };
  const { resume: _, folder: __, maxBytes: ___, ...given } = options;
  const relay = createRelay({
    store,
    clock,
    random: seededRandom(`relay ${Math.random()}`),
    signer: relaySigner,
    admission: { kind: 'open' },
    every: (_ms, work) => {
      tick = work;
      return () => {};
    },
    log: (event, fields) => logged.push({ event, fields }),
    ...given,
    ...(wanted && { resume: wanted }),
  });
  const sockets = new WebSocketServer({ ...relayServerOptions, clientTracking: true });
  const server: Server = createServer();
  let closed = false;
  const test: TestRelay = {
    relay,
    store,
    clock,
    logged,
    url: '',
    address: '192.0.2.1',
    tick: () => tick(),
    async close() {
      if (closed) return;
      closed = true;
      relay.close();
      for (const ws of sockets.clients) ws.terminate();
      await new Promise((resolve) => server.close(resolve));
      await store.close();
    },
  };
  server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (ws) => acceptWebSocket(relay, ws, test.address)),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  Object.assign(test, { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` });
  later(() => test.close());
  return test;
}

/** A peer that speaks frames by hand and checks nothing: what a second implementation, or an attacker, would be. */
export class Peer {
  readonly ws: WebSocket;
  readonly #frames: Frame[] = [];
  readonly #waiting: (() => void)[] = [];
  closed: { code: number; reason: string } | null = null;

  constructor(url: string) {
    this.ws = new WebSocket(url, { perMessageDeflate: false });
    this.ws.on('message', (data: Buffer) => {
      this.#frames.push(decodeFrame(data, 'relay'));
      this.#wake();
    });
    this.ws.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.#wake();
    });
    this.ws.on('error', () => {});
    later(() => this.ws.terminate());
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #until<T>(what: string, look: () => T | undefined): Promise<T> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      const left = deadline - Date.now();
      if (left <= 0) {
        throw new Error(`no ${what}; closed ${this.closed?.code}, has ${this.#frames.map((f) => f.type).join(' ')}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** The next frame of this name; others stay. */
  next<N extends FrameName>(name: N): Promise<Frame<N>> {
    return this.#until(name, () => {
      const at = this.#frames.findIndex((frame) => frame.type === name);
      return at < 0 ? undefined : (this.#frames.splice(at, 1)[0] as Frame<N>);
    });
  }

  /** The answer to a mail: `accepted`, or the code of its refusal. */
  answer(): Promise<string> {
    return this.#until('answer', () => {
      const at = this.#frames.findIndex(({ type }) => type === 'accepted' || type === 'refused');
      const [frame] = at < 0 ? [] : this.#frames.splice(at, 1);
      return frame?.type === 'refused' ? codeOf(frame) : frame?.type;
    });
  }

  /** Frames of this name that are here and were not taken. */
  all<N extends FrameName>(name: N): Frame<N>[] {
    return this.#frames.filter((frame) => frame.type === name) as Frame<N>[];
  }

  gone(): Promise<number> {
    return this.#until('close', () => this.closed?.code);
  }

  send<N extends FrameName>(name: N, values: FrameInput<N>): void {
    this.ws.send(encodeFrame(name, values));
  }

  raw(bytes: Uint8Array | string): void {
    this.ws.send(bytes);
  }

  /** Resolves when the relay has handled all that was sent before. */
  async settle(): Promise<void> {
    this.send('ping', {});
    await this.next('pong');
  }
}

export interface Showing {
  readonly chain?: readonly string[];
  readonly ticket?: string;
  readonly resume?: Uint8Array;
  readonly hello?: Partial<Payload<'hello'>>;
}

/** Connects and says hello; does not wait for the answer. */
export async function knock(test: TestRelay, owner: TestOwner, signer: Signer, showing: Showing = {}): Promise<Peer> {
  const peer = new Peer(test.url);
  const { challenge } = await peer.next('challenge');
  const hello = await helloOf(signer, challenge, test.clock.seconds(), { owner: owner.id, ...showing.hello });
  peer.send('hello', {
    hello,
    ticket: showing.ticket ?? '',
    resume: showing.resume ?? new Uint8Array(0),
    chain: showing.chain ?? membershipOf(owner),
  });
  return peer;
}

export interface Ready {
  readonly peer: Peer;
  readonly welcome: Frame<'welcome'>;
}

export async function connect(
  test: TestRelay,
  owner: TestOwner,
  signer: Signer,
  showing: Showing = {},
): Promise<Ready> {
  const peer = await knock(test, owner, signer, showing);
  return { peer, welcome: await peer.next('welcome') };
}

/** Connects, and takes mail and streams. */
export async function listen(test: TestRelay, owner: TestOwner, signer: Signer, showing: Showing = {}): Promise<Peer> {
  const { peer } = await connect(test, owner, signer, showing);
  peer.send('listen', { mail: true, streams: true });
  await peer.settle();
  return peer;
}

export const keyBytes = (signer: Pick<Signer, 'did'>) => keyOf(signer.did, 'ed25519');
export const ownerBytes = (owner: TestOwner) => fromBase64url(owner.id);
export const messageId = (n: number) => {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setUint32(0, n);
  return id;
};
/** The error a refusal's or close's number stands for. */
export const codeOf = (frame: { readonly code: number } | number) =>
  relayErrorOf(typeof frame === 'number' ? frame : frame.code);

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
