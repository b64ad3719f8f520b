import { relayErrorOf } from '@caponier/protocol';
import { makeDevice } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { connect, knock, ownerNamed, Peer, startRelay } from '../support.ts';

describe('an address', () => {
  it('that fails five proofs in a minute is closed with 1008, and not even challenged for a while', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const codes: number[] = [];
    for (let n = 0; n < 5; n++)
      codes.push(await (await knock(test, ada, makeDevice('m', 'm', 'member').signer)).gone());
    expect(codes.slice(0, 4).map((code) => relayErrorOf(code))).toEqual(Array(4).fill('relay.bad_hello'));
    expect(codes[4]).toBe(1008);
    const again = new Peer(test.url);
    expect(await again.gone()).toBe(1008);
    expect(again.all('challenge')).toEqual([]);
    test.address = '192.0.2.2';
    await connect(test, ada, ada.box.signer);
    test.address = '192.0.2.1';
    test.clock.advance(15);
    await connect(test, ada, ada.laptop.signer);
  });
});
