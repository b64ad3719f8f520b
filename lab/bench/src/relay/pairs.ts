import { once } from 'node:events';
import type { Socket } from 'node:net';
import { encodeFrame } from '@caponier/protocol';
import { WebSocket } from 'ws';
import { connectDevice } from './device.ts';
import { makePeople } from './people.ts';

/**
 * Pairs of connections, the same for every server that is measured: one sends, the other receives. After the greeting
 * they speak over the bare socket with frames made beforehand, so that what is measured is the server and not a WebSocket
 * client. To every server: one message a WebSocket frame, the same number of messages a write, the same number on the way.
 */

export type Server = 'relay' | 'splice' | 'nats';

/** Bytes of a pair that may be on their way: the relay's first window. */
export const window = 128 * 1024;
/** Bytes of one write of a sender, as messages count against the window. */
const writeBytes = 16 * 1024;
const headerBytes = 8;

export interface Pair {
  readonly sender: Socket;
  readonly receiver: Socket;
  /** One message there, and one back. */
  readonly message: Buffer;
  readonly reply: Buffer;
  /** Bytes of payload of the WebSocket frames, as they arrive, that make one message. */
  readonly arrives: number;
  readonly repliesWith: number;
  /** What a message counts of the window: the same on every server. */
  readonly cost: number;
  /** Messages of one write. */
  readonly burst: number;
  /** Grants `window / 2` to the other end, where the relay wants that; from the receiver and from the sender. */
  readonly grants: { readonly receiver: Buffer; readonly sender: Buffer } | null;
}

/** Bytes of a `credit` frame: no message. */
export const creditBytes = headerBytes + 4;

const mask = Buffer.from([0x5a, 0x17, 0xc3, 0x88]);

/** A WebSocket message as a client sends it (RFC 6455 section 5.3: masked). */
export function clientMessage(body: Uint8Array): Buffer {
  const short = body.length < 126;
  const head = Buffer.from(
    short ? [0x82, 0x80 | body.length] : [0x82, 0x80 | 126, body.length >>> 8, body.length & 0xff],
  );
  return Buffer.concat([head, mask, body.map((byte, i) => byte ^ mask[i & 3]!)]);
}

/** Reads the frames a server sends: calls back with the length of each one's payload, once all of it is here. */
export function frameReader(whole: (length: number) => void): (chunk: Buffer) => void {
  const header = Buffer.alloc(10);
  let have = 0;
  let left = 0;
  let length = 0;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (left > 0) {
        const step = Math.min(left, chunk.length - at);
        left -= step;
        at += step;
        if (left === 0) whole(length);
        continue;
      }
      header[have++] = chunk[at++]!;
      if (have < 2) continue;
      const short = header[1]! & 0x7f;
      const size = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (have < size) continue;
      have = 0;
      length = short < 126 ? short : short === 126 ? header.readUInt16BE(2) : Number(header.readBigUInt64BE(2));
      left = length;
      if (left === 0) whole(0);
    }
  };
}

/** The bare socket of a connection whose WebSocket client has done its part. */
export function bare(ws: WebSocket): Socket {
  const socket = (ws as unknown as { _socket: Socket })._socket;
  socket.removeAllListeners('data');
  socket.setNoDelay(true);
  return socket;
}

async function open(url: string): Promise<WebSocket> {
  const ws = new WebSocket(url, { perMessageDeflate: false });
  await once(ws, 'open');
  return ws;
}

const costOf = (payload: number) => headerBytes + payload;
const common = (payload: number) => ({ cost: costOf(payload), burst: Math.floor(writeBytes / costOf(payload)) });

async function relayPairs(port: number, count: number, payload: number): Promise<Pair[]> {
  const people = await makePeople(2 * count);
  const pairs: Pair[] = [];
  const body = new Uint8Array(payload).fill(7);
  for (let n = 0; n < count; n++) {
    const [from, to] = [await connectDevice(port, people, 2 * n), await connectDevice(port, people, 2 * n + 1)];
    from.ws.send(encodeFrame('open', { channel: 1, peer: to.key, purpose: 1 }));
    const { channel } = await to.next('open');
    to.ws.send(encodeFrame('opened', { channel }));
    await from.next('opened');
    const grant = (number: number) => clientMessage(encodeFrame('credit', { channel: number, bytes: window / 2 }));
    pairs.push({
      sender: bare(from.ws),
      receiver: bare(to.ws),
      message: clientMessage(encodeFrame('data', { channel: 1, body })),
      reply: clientMessage(encodeFrame('data', { channel, body })),
      arrives: headerBytes + payload,
      repliesWith: headerBytes + payload,
      grants: { receiver: grant(channel), sender: grant(1) },
      ...common(payload),
    });
  }
  return pairs;
}

async function splicePairs(port: number, count: number, payload: number): Promise<Pair[]> {
  const pairs: Pair[] = [];
  const message = clientMessage(new Uint8Array(payload).fill(7));
  for (let n = 0; n < count; n++) {
    const [from, to] = [await open(`ws://127.0.0.1:${port}/${n}`), await open(`ws://127.0.0.1:${port}/${n}`)];
    pairs.push({
      sender: bare(from),
      receiver: bare(to),
      message,
      reply: message,
      arrives: payload,
      repliesWith: payload,
      grants: null,
      ...common(payload),
    });
  }
  return pairs;
}

const crlf = '\r\n';

/** A client of NATS over WebSocket, which has said who it is and what it wants to hear. */
async function natsClient(port: number, subject: string): Promise<WebSocket> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  // The first thing it says is INFO.
  await once(ws, 'message');
  ws.send(Buffer.from(`CONNECT {"verbose":false,"pedantic":false}${crlf}SUB ${subject} 1${crlf}PING${crlf}`));
  const [answer] = (await once(ws, 'message')) as [Buffer];
  if (!answer.toString('latin1').startsWith('PONG')) throw new Error(`nats-server said ${answer.toString('latin1')}`);
  return ws;
}

async function natsPairs(port: number, count: number, payload: number): Promise<Pair[]> {
  const pairs: Pair[] = [];
  const body = Buffer.alloc(payload, 7);
  const publish = (subject: string) =>
    clientMessage(Buffer.concat([Buffer.from(`PUB ${subject} ${payload}${crlf}`), body, Buffer.from(crlf)]));
  const length = (subject: string) => `MSG ${subject} 1 ${payload}${crlf}`.length + payload + crlf.length;
  for (let n = 0; n < count; n++) {
    const [there, back] = [`t.${n}`, `b.${n}`];
    pairs.push({
      sender: bare(await natsClient(port, back)),
      receiver: bare(await natsClient(port, there)),
      message: publish(there),
      reply: publish(back),
      arrives: length(there),
      repliesWith: length(back),
      grants: null,
      ...common(payload),
    });
  }
  return pairs;
}

/** Makes pairs on that server, each ready to send. */
export function makePairs(server: Server, port: number, count: number, payload: number): Promise<Pair[]> {
  return { relay: relayPairs, splice: splicePairs, nats: natsPairs }[server](port, count, payload);
}
