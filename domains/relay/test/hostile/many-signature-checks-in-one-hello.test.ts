import { sign } from '@caponier/protocol';
import { testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { relayLimits } from '../../src/index.ts';
import { countingMeter } from '../mail/counting.ts';
import { MemoryPeer } from '../memory-peer.ts';
import { codeOf, connect, ownerNamed, startRelay } from '../support.ts';
import { nobody } from './attack.ts';

describe('a stranger', () => {
  it('cannot pour statements in', async () => {
    const test = await startRelay();
    const many = new MemoryPeer(test.relay);
    for (let n = 0; n < 2; n++) many.say('news', { statements: Array(256).fill('a.b.c') });
    expect(many.closed).toBeNull();
    many.say('news', { statements: ['a.b.c'] });
    expect(codeOf(many.closed!)).toBe('relay.too_large');
    expect(test.relay.counts()).toMatchObject(nobody);
  });

  it('cannot pour bytes in, in however few statements, nor while its proof is judged', async () => {
    const meter = countingMeter();
    const test = await startRelay({ meter });
    const large = { statements: Array<string>(25).fill('x'.repeat(9_990)) };
    const most = Math.floor(relayLimits.greetingBytes / 250_000);
    const pour = (peer: MemoryPeer) => {
      for (let n = 0; n < most; n++) peer.say('news', large);
      expect(peer.closed).toBeNull();
    };
    const waiting = new MemoryPeer(test.relay);
    pour(waiting);
    waiting.say('news', large);
    expect(codeOf(waiting.closed!)).toBe('relay.too_large');
    const proving = new MemoryPeer(test.relay);
    pour(proving);
    proving.say('hello', { hello: 'a.b.c', ticket: '', resume: new Uint8Array(0), chain: large.statements });
    expect(codeOf(proving.closed!)).toBe('relay.too_large');
    expect(meter.counts.get('limit_hits greetingBytes')).toBe(2);
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
    // A hundred one-time prekeys and the last resort. These are none: more of them are not even looked at.
    const offer = (channel: number, length: number) =>
      peer.send('offer', { channel, statements: Array(length).fill('a.b.c') });
    offer(3, relayLimits.prekeys + 2);
    expect(codeOf(await peer.next('error'))).toBe('relay.too_many');
    offer(4, relayLimits.prekeys + 1);
    expect(codeOf(await peer.next('error'))).toBe('relay.bad_statement');
  });
});
