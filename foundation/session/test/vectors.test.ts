import { readFileSync } from 'node:fs';
import { type Crypto, fromHex, Secret } from '@caponier/crypto';
import { crypto as node } from '@caponier/crypto/node';
import { crypto as web } from '@caponier/crypto/web';
import { describe, expect, it } from 'vitest';
import { startChannel, startJoining } from '../src/index.ts';
import { makeVectors, vectorFile } from './make-vectors.ts';

const pinned = JSON.parse(readFileSync(vectorFile, 'utf8'));
/** OpenSSL draws its own coins for ML-KEM, so that one step is noble's here; all the rest is the Node backend's. */
const nodeWithCoins: Crypto = { ...node, mlkem768: { ...node.mlkem768, encapsulate: web.mlkem768.encapsulate } };

describe('pinned vectors of joining, channels, mail and seals', () => {
  it('come out the same on the web backend', () => {
    expect(makeVectors(web)).toEqual(pinned);
  });

  it('come out the same on the Node backend', () => {
    expect(makeVectors(nodeWithCoins)).toEqual(pinned);
  });

  it.each([node, web])('are spoken by an initiator of the $backend backend as it is', (crypto) => {
    const draws = (list: string[]) => {
      const left = [...list];
      return () => fromHex(left.shift()!);
    };
    const { channel, joining } = pinned;
    const initiator = startChannel({
      role: 'initiator',
      staticKey: crypto.x25519.keyPair(Secret.from(fromHex(channel.initiator.staticKey))),
      peerKey: crypto.x25519.keyPair(Secret.from(fromHex(channel.responder.staticKey))).publicKey,
      context: channel.context,
      random: draws(channel.initiator.random),
      clock: () => 0,
      crypto,
    });
    expect(initiator.write()).toEqual(fromHex(channel.messages[0]));
    initiator.read(fromHex(channel.messages[1]));
    const live = initiator.finish();
    expect(live.handshakeHash).toEqual(fromHex(channel.handshakeHash));
    expect(live.seal(fromHex(channel.records[0].plaintext))).toEqual(fromHex(channel.records[0].record));
    expect(live.open(fromHex(channel.records[1].record))).toEqual(fromHex(channel.records[1].plaintext));

    const joiner = startJoining({
      role: 'joiner',
      secret: Secret.from(fromHex(joining.secret)),
      introduction: fromHex(joining.joiner.introduction),
      random: draws(joining.joiner.random),
      clock: () => 0,
      crypto,
    });
    expect(joiner.write()).toEqual(fromHex(joining.messages[0]));
    joiner.read(fromHex(joining.messages[1]));
    expect(joiner.write()).toEqual(fromHex(joining.messages[2]));
    joiner.read(fromHex(joining.messages[3]));
    expect(joiner.finish().safetyNumber).toBe(joining.safetyNumber);
  });
});
