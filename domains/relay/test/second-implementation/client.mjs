/**
 * A second implementation of docs/protocol.md, written from that page alone: nothing here but Node itself. It exists so that
 * a test can say whether the page is enough; for programs there is the SDK.
 */
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';

/** type, name, fields: the table of the page. */
const table = [
  [0x01, 'challenge', { relay: 32, challenge: 32 }],
  [0x02, 'hello', { hello: 'statement', ticket: 'statement', resume: 'blob', chain: 'statements' }],
  [
    0x03,
    'welcome',
    { window: 'u32', maxWindow: 'u32', maxStreams: 'u16', oneTime: 'u16', seconds: 'u32', resume: 'blob' },
  ],
  [0x04, 'error', { code: 'u16' }],
  [0x05, 'news', { statements: 'statements' }],
  [0x06, 'ping', {}],
  [0x07, 'pong', {}],
  [0x08, 'listen', { mail: 'u8', streams: 'u8' }],
  [0x09, 'done', {}],
  [0x10, 'mail', { to: 32, id: 16, seconds: 'u32', body: 'rest' }],
  [0x11, 'accepted', { id: 16 }],
  [0x12, 'refused', { id: 16, code: 'u16', retry: 'u16' }],
  [0x13, 'deliver', { seq: 'u64', from: 32, id: 16, body: 'rest' }],
  [0x14, 'ack', { seq: 'u64' }],
  [0x20, 'open', { peer: 32, purpose: 'u8' }],
  [0x21, 'opened', {}],
  [0x22, 'data', { body: 'rest' }],
  [0x23, 'credit', { bytes: 'u32' }],
  [0x24, 'close', { code: 'u16' }],
  [0x30, 'meet', { join: 'u8', name: 32 }],
  [0x31, 'met', { together: 'u8' }],
  [0x32, 'say', { body: 'rest' }],
  [0x33, 'leave', { code: 'u16' }],
  [0x40, 'offer', { statements: 'statements' }],
  [0x41, 'fetch', { device: 32 }],
  [0x42, 'prekeys', { statement: 'statement' }],
  [0x50, 'allow', { device: 'u8', id: 32, verdict: 'u8' }],
];

const number = (bytes, value) => {
  const into = Buffer.alloc(bytes);
  into.writeUIntBE(Number(value), Math.max(0, bytes - 6), Math.min(6, bytes));
  return into;
};
const sizes = { u8: 1, u16: 2, u32: 4, u64: 8 };
const lengthFirst = (bytes) => Buffer.concat([number(2, bytes.length), bytes]);

function write(kind, value) {
  if (typeof kind === 'number' || kind === 'rest') return Buffer.from(value);
  if (kind in sizes) return number(sizes[kind], value);
  if (kind === 'statements') return Buffer.concat(value.map((text) => lengthFirst(Buffer.from(text, 'ascii'))));
  return lengthFirst(Buffer.from(value, 'ascii'));
}

export function encode(name, values = {}, channel = 0) {
  const [type, , fields] = table.find((row) => row[1] === name);
  const header = [Buffer.from([1, type, 0, 0]), number(4, channel)];
  return Buffer.concat([...header, ...Object.entries(fields).map(([field, kind]) => write(kind, values[field]))]);
}

export function decode(frame) {
  const row = table.find(([type]) => type === frame[1]);
  if (frame[0] !== 1 || !row) throw new Error('4400: a frame that this version does not know');
  let at = 8;
  const take = (length) => {
    at += length;
    if (at > frame.length) throw new Error('4400: a frame that is cut off');
    return frame.subarray(at - length, at);
  };
  const read = (kind) => {
    if (typeof kind === 'number') return take(kind);
    if (kind === 'u64') return Number(take(8).readBigUInt64BE());
    if (kind in sizes) return take(sizes[kind]).readUIntBE(0, sizes[kind]);
    if (kind === 'rest') return take(frame.length - at);
    const bytes = take(take(2).readUInt16BE());
    return kind === 'statement' ? bytes.toString('ascii') : bytes;
  };
  const values = Object.fromEntries(Object.entries(row[2]).map(([field, kind]) => [field, read(kind)]));
  if (at < frame.length) throw new Error('4400: bytes left over');
  return { name: row[1], channel: frame.readUInt32BE(4), ...values };
}

const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
/** `did:key` of an Ed25519 public key. It begins with `ed 01`, so no leading zero has to be kept. */
export function didOf(key) {
  let rest = BigInt(`0xed01${key.toString('hex')}`);
  let text = '';
  for (; rest > 0n; rest /= 58n) text = alphabet[Number(rest % 58n)] + text;
  return `did:key:z${text}`;
}

/** A device: the 32 bytes of its Ed25519 seed, its owner's id, and the opaque statements that it was given. */
export function deviceFrom(seed, owner, chain) {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const secret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const key = createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-32);
  return { secret, key, did: didOf(key), owner, chain };
}

export function helloOf(device, relay, challenge, mode, now = Math.floor(Date.now() / 1000), nonce = randomBytes(16)) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const [aud, iat, exp] = [didOf(relay), now, now + 60];
  const header = { alg: 'Ed25519', typ: 'stmt1.hello+jws', kid: device.did };
  const proof = { challenge: challenge.toString('base64url'), mode, tls: null };
  const payload = { aud, owner: device.owner, ...proof, iat, exp, nonce: nonce.toString('base64url') };
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${sign(null, Buffer.from(input), device.secret).toString('base64url')}`;
}

/** What a client does when it is closed with a number. */
export function adviceFor(code, reason) {
  const wait = Number(/^retry-after=(\d+)$/.exec(reason)?.[1] ?? 0);
  if (code === 4412) return { again: true, chain: true, wait };
  if ([1000, 4400, 4409, 4410, 4415, 4416, 1002, 1009].includes(code)) return { again: false, wait };
  return { again: true, wait: Math.max(wait, code === 4429 || code === 1008 ? 60 : 1) };
}

/** One connection. Frames that nobody waits for go to `on[name]`, where there is one. */
export class Connection {
  /** Frames by name that came before somebody waited, and who waits. */
  #came = [];
  #waiting = [];
  #handled = new Set();
  #streams = new Map();
  #next = { stream: 1, request: 1 };
  on = {};

  constructor(url, now) {
    this.now = now;
    this.socket = new WebSocket(url);
    this.socket.binaryType = 'arraybuffer';
    this.closed = new Promise((resolve) => {
      this.socket.onclose = ({ code, reason }) => {
        for (const { reject } of this.#waiting.splice(0)) reject(Object.assign(new Error(`closed ${code}`), { code }));
        resolve({ code, ...adviceFor(code, reason) });
      };
    });
    this.socket.onmessage = ({ data }) => this.#take(decode(Buffer.from(data)));
  }

  #take(frame) {
    if (frame.name === 'ping') this.send('pong');
    else if (frame.name === 'data') this.#streams.get(frame.channel)?.received(frame.body);
    else if (frame.name === 'credit') this.#streams.get(frame.channel)?.granted(frame.bytes);
    else {
      const at = this.#waiting.findIndex(({ wants }) => wants(frame));
      if (at >= 0) this.#waiting.splice(at, 1)[0].resolve(frame);
      else if (this.on[frame.name]) this.on[frame.name](frame);
      else this.#came.push(frame);
    }
  }

  send(name, values, channel) {
    this.socket.send(encode(name, values, channel));
  }

  /** The next frame of one of these names (on that number, if one is given). An `error`, or the end of all, rejects. */
  async next(...names) {
    const [channel] = names.filter((name) => typeof name === 'number');
    const wants = (frame) => names.includes(frame.name) && (channel === undefined || frame.channel === channel);
    const at = this.#came.findIndex(wants);
    const frame = at >= 0 ? this.#came.splice(at, 1)[0] : await this.#later(wants);
    if (frame.name === 'error') throw Object.assign(new Error(`refused ${frame.code}`), { code: frame.code });
    return frame;
  }

  #later(wants) {
    return new Promise((resolve, reject) => this.#waiting.push({ wants, resolve, reject }));
  }

  /** Proves the device to the relay of that key, and to no other. Yields what the relay grants. */
  async prove(device, relay, { mode = 'exclusive', resume = Buffer.alloc(0), ticket = '' } = {}) {
    const { relay: claimed, challenge } = await this.next('challenge');
    if (!claimed.equals(relay)) throw new Error('another relay: nothing is signed for it');
    const hello = helloOf(device, relay, challenge, mode, this.now?.());
    this.send('hello', { hello, ticket, resume, chain: resume.length ? [] : device.chain });
    this.granted = await this.next('welcome');
    return this.granted;
  }

  /** Resolves when the mail is durable; rejects with the relay's number. */
  async mail(to, body, { id = randomBytes(16), seconds = 0 } = {}) {
    this.send('mail', { to, id, seconds, body });
    const answer = await this.#later((frame) => /^(accepted|refused)$/.test(frame.name) && frame.id.equals(id));
    if (answer.name === 'refused') throw Object.assign(new Error(`refused ${answer.code}`), answer);
    return id;
  }

  /** Takes mail and streams. `keep` has stored the mail when it resolves: then it is acknowledged, once handled once. */
  listen(keep, stream) {
    let turn = Promise.resolve();
    this.on.deliver = ({ seq, from, id, body }) => {
      turn = turn.then(async () => {
        const name = from.toString('hex') + id.toString('hex');
        if (!this.#handled.has(name)) await keep({ from, id, body });
        this.#handled.add(name);
        this.send('ack', { seq });
      });
    };
    this.on.open = ({ channel, peer, purpose }) => {
      const answer = stream?.(peer, purpose);
      if (!answer) return this.send('close', { code: 4404 }, channel);
      this.send('opened', {}, channel);
      answer(this.#stream(channel));
    };
    this.send('listen', { mail: 1, streams: stream ? 1 : 0 });
  }

  async open(peer, purpose) {
    const channel = this.#next.stream++;
    this.send('open', { peer, purpose }, channel);
    const answer = await this.next('opened', 'close', channel);
    if (answer.name === 'close') throw Object.assign(new Error(`refused ${answer.code}`), { code: answer.code });
    return this.#stream(channel);
  }

  #stream(channel) {
    const { window } = this.granted;
    const stream = new Stream((name, values) => this.send(name, values, channel), window);
    stream.over = this.next('close', channel).then(({ code }) => code);
    stream.over.catch(() => {});
    this.#streams.set(channel, stream);
    return stream;
  }

  /** A request: `done`, or what was asked for. */
  ask(name, values) {
    const channel = this.#next.request++;
    this.send(name, values, channel);
    return this.next('done', 'prekeys', 'met', 'error', channel);
  }

  /** Opens a meeting, or joins one (a guest first waits for the challenge). Yields the number it has here. */
  async meet(secretHash, join) {
    if (join && !this.granted) await this.next('challenge');
    return (await this.ask('meet', { join: join ? 1 : 0, name: secretHash })).channel;
  }
}

/** One end of a stream, under credit both ways. */
class Stream {
  #send;
  #credit;
  #window;
  #taken = 0;
  #records = [];
  #wakeReader = () => {};
  #wakeSender = () => {};

  constructor(send, window) {
    this.#send = send;
    this.#credit = window;
    this.#window = window;
  }

  received(body) {
    this.#records.push(body);
    this.#wakeReader();
  }

  granted(bytes) {
    this.#credit += bytes;
    this.#wakeSender();
  }

  /** Every `data` costs its whole frame. */
  async write(body) {
    while (this.#credit < 8 + body.length) await new Promise((resolve) => (this.#wakeSender = resolve));
    this.#credit -= 8 + body.length;
    this.#send('data', { body });
  }

  async read() {
    while (this.#records.length === 0) await new Promise((resolve) => (this.#wakeReader = resolve));
    const body = this.#records.shift();
    this.#taken += 8 + body.length;
    if (this.#taken >= this.#window / 2) {
      this.#send('credit', { bytes: this.#taken });
      this.#taken = 0;
    }
    return body;
  }

  close() {
    this.#send('close', { code: 0 });
  }
}

export const nameOf = (secret) => createHash('sha256').update(secret).digest();
