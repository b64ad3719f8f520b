import { sign } from '@caponier/protocol';
import { testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { codeOf, connect, membershipOf, ownerNamed, startRelay } from '../support.ts';
import { nobody } from './attack.ts';

describe('a stranger', () => {
  it('cannot pour statements in', async () => {
    const [jws] = membershipOf(await ownerNamed('ada'));
    const test = await startRelay();
    const many = new MemoryPeer(test.relay);
    for (let n = 0; n < 3; n++) many.say('news', { statements: Array(200).fill('a.b.c') });
    expect(codeOf(many.closed!)).toBe('relay.too_large');
    const large = new MemoryPeer(test.relay);
    const statements = Array<string>(Math.floor(250_000 / jws!.length)).fill(jws!);
    for (let n = 0; n < 5; n++) large.say('news', { statements });
    expect(codeOf(large.closed!)).toBe('relay.too_large');
    expect(test.relay.counts()).toMatchObject(nobody);
  });
});

describe('statements from a device', () => {
  it('that are to be verified come in few at a time', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const { peer } = await connect(test, ada, ada.box.signer);
    const flood = await Promise.all(
      Array.from({ length: 64 }, (_, n) =>
        sign(testSigner(`nobody ${n}`), 'cosign', {
          aud: ada.id,
          of: ada.id,
          iat: test.clock.seconds(),
          exp: test.clock.seconds() + 60,
          nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
        }),
      ),
    );
    peer.send('news', { channel: 1, statements: flood });
    expect(codeOf(await peer.next('error'))).toBe('relay.too_many');
    peer.send('news', { channel: 2, statements: flood.slice(0, 17) });
    await peer.next('done');
  });
});
