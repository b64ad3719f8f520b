import { once } from 'node:events';
import type { Socket } from 'node:net';
import { toBase64url } from '@caponier/crypto';
import { decodeFrame, encodeFrame, type Frame, type FrameName, keyOf, sign } from '@caponier/protocol';
import { WebSocket } from 'ws';
import { serveParent } from './child.ts';
import { makePeople, type People, relaySigner } from './people.ts';

/**
 * The clients, the same for both sides: pairs of connections, one sending and one receiving, each with at most a window
 * on its way. After the greeting they speak over the bare socket with frames made beforehand, so that what is measured is
 * the relay and not a WebSocket client.
 */

export interface LoadOptions {
  readonly port: number;
  readonly relay: boolean;
  readonly pairs: number;
  readonly payload: number;
}

/** Bytes of a pair that may be on their way: the relay's first window. */
const window = 128 * 1024;
/** Frames in one write of a sender. */
const burst = 64;
const headerBytes = 8;

interface Pair {
  readonly sender: Socket;
  readonly receiver: Socket;
  /** One write: `burst` frames, masked (RFC 6455 section 5.3). */
  readonly chunk: Buffer;
  /** What one message costs of the window, and how many bytes of the receiver's socket it is. */
  readonly cost: number;
  readonly wire: number;
  /** Writes a grant of `window / 2`, where the relay wants one. */
  readonly grant: Buffer | null;
  credit: number;
  ungranted: number;
  received: number;
}

const mask = Buffer.from([0x5a, 0x17, 0xc3, 0x88]);

/** A WebSocket message as a client sends it. */
function clientMessage(body: Uint8Array): Buffer {
  const short = body.length < 126;
  const head = Buffer.from(
    short ? [0x82, 0x80 | body.length] : [0x82, 0x80 | 126, body.length >>> 8, body.length & 0xff],
  );
  return Buffer.concat([head, mask, body.map((byte, i) => byte ^ mask[i & 3]!)]);
}

/** Bytes of a server's message with so long a body. */
const serverBytes = (length: number) => length + (length < 126 ? 2 : 4);

async function open(url: string): Promise<WebSocket> {
  const ws = new WebSocket(url, { perMessageDeflate: false });
  await once(ws, 'open');
  return ws;
}

/** The bare socket of a connection whose WebSocket client has done its part. */
function bare(ws: WebSocket): Socket {
  const socket = (ws as unknown as { _socket: Socket })._socket;
  socket.removeAllListeners('data');
  socket.setNoDelay(true);
  return socket;
}

function frames(ws: WebSocket): <N extends FrameName>(name: N) => Promise<Frame<N>> {
  const here: Frame[] = [];
  let wake = () => {};
  ws.on('message', (data: Buffer) => {
    here.push(decodeFrame(data, 'relay'));
    wake();
  });
  return async <N extends FrameName>(name: N) => {
    for (;;) {
      const at = here.findIndex(({ type }) => type === name);
      if (at >= 0) return here.splice(at, 1)[0] as Frame<N>;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
}

async function device(port: number, people: People, n: number) {
  const signer = people.devices[n]!;
  const ws = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  const next = frames(ws);
  const { challenge } = await next('challenge');
  const iat = Math.floor(Date.now() / 1000);
  const hello = await sign(signer, 'hello', {
    aud: relaySigner.did,
    owner: people.owner,
    challenge: toBase64url(challenge),
    mode: 'exclusive',
    tls: null,
    iat,
    exp: iat + 60,
    nonce: toBase64url(challenge.slice(16)),
  });
  ws.send(encodeFrame('hello', { hello, ticket: '', resume: new Uint8Array(0), chain: people.chain }));
  await next('welcome');
  ws.send(encodeFrame('listen', { mail: false, streams: true }));
  ws.send(encodeFrame('ping', {}));
  await next('pong');
  return { ws, next, key: keyOf(signer.did, 'ed25519') };
}

async function relayPair(port: number, people: People, n: number, payload: number): Promise<Pair> {
  const [from, to] = [await device(port, people, 2 * n), await device(port, people, 2 * n + 1)];
  from.ws.send(encodeFrame('open', { channel: 1, peer: to.key, purpose: 1 }));
  const { channel } = await to.next('open');
  to.ws.send(encodeFrame('opened', { channel }));
  await from.next('opened');
  const message = clientMessage(encodeFrame('data', { channel: 1, body: new Uint8Array(payload).fill(7) }));
  return {
    sender: bare(from.ws),
    receiver: bare(to.ws),
    chunk: Buffer.concat(Array<Buffer>(burst).fill(message)),
    cost: headerBytes + payload,
    wire: serverBytes(headerBytes + payload),
    grant: clientMessage(encodeFrame('credit', { channel, bytes: window / 2 })),
    credit: window,
    ungranted: 0,
    received: 0,
  };
}

async function splicePair(port: number, n: number, payload: number): Promise<Pair> {
  const [from, to] = [await open(`ws://127.0.0.1:${port}/${n}`), await open(`ws://127.0.0.1:${port}/${n}`)];
  return {
    sender: bare(from),
    receiver: bare(to),
    chunk: Buffer.concat(Array<Buffer>(burst).fill(clientMessage(new Uint8Array(payload).fill(7)))),
    cost: headerBytes + payload,
    wire: serverBytes(payload),
    grant: null,
    credit: window,
    ungranted: 0,
    received: 0,
  };
}

const creditMessage = serverBytes(headerBytes + 4);

/** Lets a pair run for as long as `running` says. */
function drive(pair: Pair, running: () => boolean): void {
  const pump = () => {
    while (running() && pair.credit >= burst * pair.cost) {
      pair.credit -= burst * pair.cost;
      pair.sender.write(pair.chunk);
    }
  };
  let bytes = 0;
  pair.receiver.on('data', (data) => {
    bytes += data.length;
    const messages = Math.floor(bytes / pair.wire);
    bytes -= messages * pair.wire;
    pair.received += messages;
    pair.ungranted += messages * pair.cost;
    while (pair.ungranted >= window / 2) {
      pair.ungranted -= window / 2;
      if (pair.grant) pair.receiver.write(pair.grant);
      else pair.credit += window / 2;
    }
    if (!pair.grant) pump();
  });
  let grants = 0;
  pair.sender.on('data', (data) => {
    grants += data.length;
    const whole = Math.floor(grants / creditMessage);
    grants -= whole * creditMessage;
    pair.credit += whole * (window / 2);
    pump();
  });
  pump();
}

let pairs: Pair[] = [];
let resume = () => {};

async function prepare({ port, relay, pairs: count, payload }: LoadOptions): Promise<void> {
  const people = relay ? await makePeople(2 * count) : null;
  for (let n = 0; n < count; n++) {
    pairs.push(people ? await relayPair(port, people, n, payload) : await splicePair(port, n, payload));
  }
}

let running = false;
let driven = false;

/** Messages a second that arrive in so many milliseconds; what is on its way when they are over arrives before the answer. */
async function measure(milliseconds: number): Promise<number> {
  running = true;
  if (!driven) {
    driven = true;
    for (const pair of pairs) drive(pair, () => running);
  } else {
    resume();
  }
  const total = () => pairs.reduce((sum, pair) => sum + pair.received, 0);
  const before = total();
  const start = performance.now();
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  const rate = ((total() - before) * 1000) / (performance.now() - start);
  running = false;
  let last = -1;
  while (last !== total()) {
    last = total();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return rate;
}

resume = () => {
  for (const pair of pairs) pair.sender.emit('data', Buffer.alloc(0));
};

serveParent(async (message: LoadOptions | { readonly milliseconds: number }) => {
  if ('milliseconds' in message) return measure(message.milliseconds);
  pairs = [];
  await prepare(message);
  return true;
});
