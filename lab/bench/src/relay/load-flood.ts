import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { encodeFrame, sign } from '@caponier/protocol';
import { serveParent } from './child.ts';
import { openLoop, seededNumbers } from './pace.ts';
import { clientMessage, frameReader } from './pairs.ts';
import { makePeople, relaySigner } from './people.ts';

/** A flood of strangers: bounded in count, rate and time. */
export interface FloodOptions {
  readonly port: number;
}

/** Opens so many connections, each with its challenge, and keeps them: some from each of many addresses. */
export interface Hold {
  readonly hold: number;
  readonly perAddress: number;
  readonly perSecond: number;
}

/** Tries so many bad handshakes, half of them from one address, half from as many addresses as there are. */
export interface Storm {
  readonly bad: number;
  readonly perSecond: number;
}

/** What the flood saw: connections that are still held, and what became of bad handshakes. */
export interface FloodReport {
  readonly held: number;
  readonly refused: number;
  readonly challenged: number;
}

/** A bad handshake that nobody ends is given up after so long, so that the flood ends by itself. */
const patienceMs = 3_000;

const upgrade = (version = 13) =>
  Buffer.from(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: ${version}\r\n\r\n`,
  );

/** 127.x.y.1 to .250: every one an address of its own to the relay. */
const addressOf = (block: number, n: number) => `127.${block}.${Math.floor(n / 250)}.${1 + (n % 250)}`;

interface Target {
  readonly port: number;
  /** A `hello` of the right form whose signature does not hold. */
  readonly forged: Buffer;
}

interface Opened {
  readonly socket: Socket;
  /** True once the challenge is there; false where the connection ended first. */
  readonly challenged: Promise<boolean>;
}

/** Says `first`, reads what comes back, and calls `then` once the upgrade and the challenge are there. */
function open(port: number, localAddress: string, first: Buffer, then: (socket: Socket) => void): Opened {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => socket.destroy());
  socket.write(first);
  const challenged = new Promise<boolean>((resolve) => {
    let upgraded = false;
    let head = '';
    const read = frameReader(() => {
      resolve(true);
      then(socket);
    });
    socket.on('data', (chunk: Buffer) => {
      if (upgraded) return read(chunk);
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      upgraded = head.startsWith('HTTP/1.1 101');
      if (upgraded) read(Buffer.from(head.slice(end + 4), 'latin1'));
    });
    socket.on('close', () => resolve(false));
  });
  return { socket, challenged };
}

/** The bad handshakes, in turn. */
const attacks: readonly ((target: Target, from: string) => Opened)[] = [
  // A WebSocket version that there is not.
  ({ port }, from) => open(port, from, upgrade(7), () => {}),
  // A greeting that is no frame.
  ({ port }, from) => open(port, from, upgrade(), (socket) => socket.write(clientMessage(randomBytes(64)))),
  // A proof with a wrong signature: the most that a stranger can make the relay compute.
  ({ port, forged }, from) => open(port, from, upgrade(), (socket) => socket.write(forged)),
  // Half of the headers, and silence.
  ({ port }, from) => open(port, from, upgrade().subarray(0, 60), () => {}),
  // No HTTP at all.
  ({ port }, from) => open(port, from, randomBytes(48), () => {}),
];

async function aim(port: number): Promise<Target> {
  const { owner, chain, devices } = await makePeople(1, 'flood');
  const iat = Math.floor(Date.now() / 1000);
  const hello = await sign(devices[0]!, 'hello', {
    aud: relaySigner.did,
    owner,
    challenge: Buffer.alloc(32, 1).toString('base64url'),
    mode: 'exclusive',
    tls: null,
    iat,
    exp: iat + 60,
    nonce: Buffer.alloc(16, 1).toString('base64url'),
  });
  const forged = `${hello.slice(0, -20)}${hello.at(-20) === 'A' ? 'B' : 'A'}${hello.slice(-19)}`;
  const frame = encodeFrame('hello', { hello: forged, ticket: '', resume: new Uint8Array(0), chain });
  return { port, forged: clientMessage(frame) };
}

let target: Target;
const held = new Set<Socket>();

async function hold({ hold: count, perAddress, perSecond }: Hold): Promise<void> {
  const waiting: Promise<unknown>[] = [];
  let n = 0;
  await openLoop(perSecond, { count }, seededNumbers(1), () => {
    const { socket, challenged } = open(target.port, addressOf(10, Math.floor(n++ / perAddress)), upgrade(), () => {});
    held.add(socket);
    socket.on('close', () => held.delete(socket));
    waiting.push(challenged);
  });
  await Promise.all(waiting);
}

async function storm({ bad, perSecond }: Storm): Promise<Omit<FloodReport, 'held'>> {
  const waiting: Promise<boolean>[] = [];
  let n = 0;
  await openLoop(perSecond, { count: bad }, seededNumbers(2), () => {
    const from = n % 2 === 0 ? '127.9.9.9' : addressOf(20, n);
    const { socket, challenged } = attacks[Math.floor(n / 2) % attacks.length]!(target, from);
    n += 1;
    waiting.push(challenged);
    const timer = setTimeout(() => socket.destroy(), patienceMs);
    socket.on('close', () => clearTimeout(timer));
  });
  const challenged = (await Promise.all(waiting)).filter((yes) => yes).length;
  return { refused: n - challenged, challenged };
}

serveParent(async (message: FloodOptions | Hold | Storm): Promise<FloodReport | true> => {
  if ('port' in message) {
    target = await aim(message.port);
    return true;
  }
  if ('hold' in message) {
    await hold(message);
    return { held: held.size, refused: 0, challenged: 0 };
  }
  return { ...(await storm(message)), held: held.size };
});
