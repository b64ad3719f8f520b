import { writeFileSync } from 'node:fs';
import { type Crypto, type KeyPair, type Random, Secret, toBase64url, toHex } from '@caponier/crypto';
import { crypto as web } from '@caponier/crypto/web';
import { maxKeyAgeMs } from '../src/channel/limits.ts';
import {
  acceptMail,
  bundleToMembers,
  type Channel,
  codeWords,
  encodeCode,
  type MailSession,
  meetingName,
  openSealed,
  Prekeys,
  parseCode,
  sealTo,
  startChannel,
  startJoining,
  startMail,
} from '../src/index.ts';

/**
 * The vectors of `spec/vectors/session.json`, from fixed randomness. Run this file to write them anew; that changes the
 * wire, so it takes a new version of whatever changed. They need a KEM that takes its coins, as noble's does.
 */

const text = (s: string) => new TextEncoder().encode(s);

/** Bytes that count up from `start`: anybody can make them without our code. */
function counting(start: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (start + i) & 0xff);
}

/** Draws that differ by party and order, and are written down for other implementations. */
function recorded(start: number): { random: Random; draws: string[] } {
  const draws: string[] = [];
  const random: Random = (length) => {
    const bytes = counting(start + 16 * draws.length, length);
    draws.push(toHex(bytes));
    return bytes;
  };
  return { random, draws };
}

function box(crypto: Crypto, start: number): KeyPair {
  return crypto.x25519.keyPair(Secret.from(counting(start, 32)));
}

/** Records both ways, the third under a new key. */
function records(a: Channel, b: Channel, tick: () => void): object[] {
  const list: object[] = [];
  const pass = (to: Channel, record: Uint8Array, by: string) => {
    list.push({ by, record: toHex(record), plaintext: toHex(to.open(record)) });
  };
  pass(b, a.seal(text('first')), 'initiator');
  pass(a, b.seal(text('second')), 'responder');
  tick();
  pass(b, a.seal(text('under a new key')), 'initiator');
  pass(b, a.end(), 'initiator');
  return list;
}

function joining(crypto: Crypto) {
  const secret = () => Secret.from(counting(0xa0, 16));
  const code = {
    secret: secret(),
    relay: 'https://relay.example:7443',
    pin: toBase64url(counting(0x40, 32)),
    trust: toBase64url(counting(0x60, 32)),
    kind: 'controller' as const,
  };
  let now = 0;
  const side = (role: 'joiner' | 'adder', random: Random) =>
    startJoining({ role, secret: secret(), introduction: text(`the ${role}`), random, clock: () => now, crypto });
  const [from, to] = [recorded(1), recorded(101)];
  const [joiner, adder] = [side('joiner', from.random), side('adder', to.random)];
  const messages: string[] = [];
  while (!joiner.done || !adder.done) {
    const [writer, reader] = joiner.myTurn ? [joiner, adder] : [adder, joiner];
    const message = writer.write();
    messages.push(toHex(message));
    reader.read(message);
  }
  const [a, b] = [joiner.finish(), adder.finish()];
  if (a.safetyNumber !== b.safetyNumber) throw new Error('two safety numbers');
  return {
    protocol: 'Noise_NNpsk0+hfs_25519+MLKEM768_ChaChaPoly_SHA256',
    secret: toHex(parseCode(encodeCode(code)).secret.expose()),
    words: codeWords(secret()),
    link: encodeCode(code),
    meeting: meetingName(secret(), crypto),
    joiner: { introduction: toHex(b.peerIntroduction), random: from.draws },
    adder: { introduction: toHex(a.peerIntroduction), random: to.draws },
    messages,
    handshakeHash: toHex(a.channel.handshakeHash),
    safetyNumber: a.safetyNumber,
    records: records(a.channel, b.channel, () => {
      now += maxKeyAgeMs;
    }),
  };
}

function channel(crypto: Crypto) {
  let now = 0;
  const [from, to] = [recorded(2), recorded(102)];
  const context = {
    initiator: { owner: 'owner-1', device: 'did:key:zLaptop' },
    responder: { owner: 'owner-2', device: 'did:key:zBox' },
    purpose: 'shell',
  };
  const [laptop, server] = [box(crypto, 0x10), box(crypto, 0x20)];
  const common = { context, clock: () => now, crypto };
  const a = startChannel({
    ...common,
    role: 'initiator',
    staticKey: laptop,
    peerKey: server.publicKey,
    random: from.random,
  });
  const b = startChannel({
    ...common,
    role: 'responder',
    staticKey: server,
    peerKey: laptop.publicKey,
    random: to.random,
  });
  const first = a.write();
  b.read(first);
  const second = b.write();
  a.read(second);
  const [x, y] = [a.finish(), b.finish()];
  return {
    protocol: 'Noise_KKhfs_25519+MLKEM768_ChaChaPoly_SHA256',
    context,
    initiator: { staticKey: toHex(counting(0x10, 32)), random: from.draws },
    responder: { staticKey: toHex(counting(0x20, 32)), random: to.draws },
    messages: [toHex(first), toHex(second)],
    handshakeHash: toHex(x.handshakeHash),
    records: records(x, y, () => {
      now += maxKeyAgeMs;
    }),
  };
}

function mail(crypto: Crypto, withOneTime: boolean) {
  const [from, to, keys] = [recorded(3), recorded(103), recorded(203)];
  const alice = { device: 'did:key:zAlice', box: box(crypto, 0x30) };
  const bob = { device: 'did:key:zBob', box: box(crypto, 0x50) };
  const peer = ({ device, box: { publicKey } }: typeof alice) => ({ device, boxKey: publicKey });
  let prekeys = Prekeys.create(keys.random, crypto);
  let bundle = prekeys.lastResort(bob.box.publicKey);
  if (withOneTime) {
    const added = prekeys.addOneTime(bob.box.publicKey, 1, keys.random);
    prekeys = added.prekeys;
    bundle = added.bundles[0]!;
  }
  let a = startMail({ self: alice, peer: peer(bob), bundle, random: from.random, crypto });
  let b: MailSession | null = null;
  const messages: object[] = [];
  const send = (by: 'initiator' | 'responder', plaintext: string): (() => void) => {
    const sent = by === 'initiator' ? a.encrypt(text(plaintext), from.random) : b!.encrypt(text(plaintext), to.random);
    if (by === 'initiator') a = sent.session;
    else b = sent.session;
    messages.push({ by, message: toHex(sent.message), plaintext: toHex(text(plaintext)) });
    return () => {
      let read: { session: MailSession; plaintext: Uint8Array };
      if (by === 'responder') read = a.decrypt(sent.message);
      else if (b) read = b.decrypt(sent.message);
      else read = acceptMail({ self: bob, peer: peer(alice), prekeys, message: sent.message, crypto });
      if (by === 'responder') a = read.session;
      else b = read.session;
      if (toHex(read.plaintext) !== toHex(text(plaintext))) throw new Error('read something else');
    };
  };
  const late = send('initiator', 'read last');
  send('initiator', 'read first')();
  send('responder', 'answer')();
  send('initiator', 'the next chain')();
  late();
  return {
    initiator: { device: alice.device, box: toHex(counting(0x30, 32)), random: from.draws },
    responder: { device: bob.device, box: toHex(counting(0x50, 32)), random: to.draws, prekeys: keys.draws },
    bundle: bundleToMembers(bundle),
    id: toHex(a.id),
    messages,
    states: [a, b!].map((session) => toHex(session.toBytes().expose())),
  };
}

function seal(crypto: Crypto, hybrid: boolean) {
  const { random, draws } = recorded(4);
  const device = box(crypto, 0x70);
  const kem = hybrid ? crypto.mlkem768.keyPair(Secret.from(counting(0x80, 64))) : undefined;
  const context = text('vault.reveal');
  const options = { boxKey: device.publicKey, context, random, crypto };
  const sealed = sealTo(text('a secret'), kem ? { ...options, kemKey: kem.publicKey } : options);
  const opened = openSealed(sealed, kem ? { box: device, kem, context, crypto } : { box: device, context, crypto });
  return {
    box: toHex(counting(0x70, 32)),
    kemSeed: kem ? toHex(counting(0x80, 64)) : null,
    context: toHex(context),
    random: draws,
    sealed: toHex(sealed),
    plaintext: toHex(opened),
  };
}

export function makeVectors(crypto: Crypto): unknown {
  return {
    about: 'Joining, channels, mail and seals of version 1. Hex; `random` lists what each party drew, in order.',
    joining: joining(crypto),
    channel: channel(crypto),
    mail: [mail(crypto, true), mail(crypto, false)],
    seal: [seal(crypto, true), seal(crypto, false)],
  };
}

export const vectorFile = new URL('../../../spec/vectors/session.json', import.meta.url);

if (import.meta.main) writeFileSync(vectorFile, `${JSON.stringify(makeVectors(web), null, 1)}\n`);
