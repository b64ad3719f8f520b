import { toBase64url } from '@caponier/crypto';
import { testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { codeOf, connect, helloOf, membershipOf, ownerNamed, Peer, startRelay } from '../support.ts';
import { loose } from './attack.ts';

describe('a hello that was heard', () => {
  it('is no good at another relay, on another connection, later, or a second time', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: loose });
    const other = await startRelay({ limits: loose, signer: testSigner('another relay') });
    const play = async (relay: typeof test, hello: string) => {
      const peer = new Peer(relay.url);
      await peer.next('challenge');
      peer.send('hello', { hello, ticket: '', resume: new Uint8Array(0), chain: membershipOf(ada) });
      return codeOf(await peer.gone());
    };
    const victim = new Peer(test.url);
    const { challenge } = await victim.next('challenge');
    const hello = await helloOf(ada.box.signer, challenge, test.clock.seconds(), { owner: ada.id });
    expect(await play(test, hello)).toBe('relay.bad_hello');
    expect(await play(other, hello)).toBe('relay.bad_hello');
    victim.send('hello', { hello, ticket: '', resume: new Uint8Array(0), chain: membershipOf(ada) });
    await victim.next('welcome');
    expect(await play(test, hello)).toBe('relay.bad_hello');
    // A relay in the middle gives out the challenge of the real one: the hello still names only one relay.
    const middle = new Peer(other.url);
    const real = (await middle.next('challenge')).challenge;
    const forMiddle = await helloOf(ada.box.signer, real, test.clock.seconds(), { owner: ada.id });
    middle.send('hello', { hello: forMiddle, ticket: '', resume: new Uint8Array(0), chain: membershipOf(ada) });
    expect(codeOf(await middle.gone())).toBe('relay.bad_hello');
    expect(toBase64url(real)).not.toBe(toBase64url(challenge));
    await victim.settle();
    await connect(test, ada, ada.laptop.signer);
  });
});
