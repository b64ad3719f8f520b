import { existsSync, readFileSync } from 'node:fs';
import { fromHex, Secret, toHex } from '@caponier/crypto';
import { describe, expect, it } from 'vitest';
import { HandshakeState } from '../src/noise/handshake-state.ts';
import { noiseProtocol } from '../src/noise/protocol-name.ts';
import { backends } from './support.ts';

interface Vector {
  protocol_name: string;
  handshake_hash: string;
  messages: { payload: string; ciphertext: string }[];
  [side: string]: unknown;
}

const file = new URL('../../../../shared/vectors/noise/cacophony_25519_sha256.json', import.meta.url);
const vectors: Vector[] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).vectors : [];
if (vectors.length === 0) console.log('noise vectors: not here, skipped (../shared/vectors/noise)');

describe.skipIf(vectors.length === 0).each(backends)('cacophony vectors, $backend backend', (crypto) => {
  function side(vector: Vector, role: 'initiator' | 'responder'): HandshakeState {
    const prefix = role === 'initiator' ? 'init' : 'resp';
    const field = (name: string) => vector[`${prefix}_${name}`] as string | undefined;
    const staticKey = field('static');
    const remoteStatic = field('remote_static');
    return new HandshakeState({
      crypto,
      protocol: noiseProtocol(vector.protocol_name),
      role,
      prologue: fromHex(field('prologue')!),
      random: () => fromHex(field('ephemeral')!),
      psks: ((vector[`${prefix}_psks`] as string[] | undefined) ?? []).map((psk) => Secret.from(fromHex(psk))),
      ...(staticKey ? { staticKey: crypto.x25519.keyPair(Secret.from(fromHex(staticKey))) } : {}),
      ...(remoteStatic ? { remoteStatic: fromHex(remoteStatic) } : {}),
    });
  }

  it('all of them pass, both roles', () => {
    let ran = 0;
    for (const vector of vectors) {
      const name = vector.protocol_name;
      let [writer, reader] = [side(vector, 'initiator'), side(vector, 'responder')];
      const initiator = writer;
      const responder = reader;
      const oneWay = noiseProtocol(name).pattern.messages.length === 1;
      const transport = [...vector.messages];
      while (!initiator.done) {
        const { payload, ciphertext } = transport.shift()!;
        expect(toHex(writer.write(fromHex(payload))), name).toBe(ciphertext);
        expect(toHex(reader.read(fromHex(ciphertext))), name).toBe(payload);
        [writer, reader] = [reader, writer];
      }
      const ends = { initiator: initiator.finish(), responder: responder.finish() };
      expect(toHex(ends.initiator.handshakeHash), name).toBe(vector.handshake_hash);
      expect(toHex(ends.responder.handshakeHash), name).toBe(vector.handshake_hash);
      let fromInitiator = oneWay || vector.messages.length % 2 === transport.length % 2;
      for (const { payload, ciphertext } of transport) {
        const [from, to] = fromInitiator ? [ends.initiator, ends.responder] : [ends.responder, ends.initiator];
        expect(toHex(from.send.encrypt(new Uint8Array(0), fromHex(payload))), name).toBe(ciphertext);
        expect(toHex(to.receive.decrypt(new Uint8Array(0), fromHex(ciphertext))), name).toBe(payload);
        if (!oneWay) fromInitiator = !fromInitiator;
      }
      ran++;
    }
    console.log(`noise vectors: ${ran} ran on the ${crypto.backend} backend`);
    expect(ran).toBe(vectors.length);
    expect(ran).toBeGreaterThanOrEqual(118);
  });
});
