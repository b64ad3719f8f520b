import { Secret, utf8 } from '@caponier/crypto';
import { testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { codeOf, connect, helloOf, ownerNamed, Peer, startRelay } from '../support.ts';
import { loose } from './attack.ts';

describe('a resume token that was stolen', () => {
  it('opens nothing: without the key, for another owner, at another relay, after two rotations, after an hour', async () => {
    const [ada, bob] = await Promise.all([ownerNamed('ada'), ownerNamed('bob')]);
    const secret = (n: number) => Secret.from(utf8(`resume secret number ${n} of more than 32 characters`));
    const test = await startRelay({ limits: loose, resume: { current: secret(1) } });
    await connect(test, bob, bob.box.signer);
    const { welcome } = await connect(test, ada, ada.box.signer);
    const show = async (
      at: typeof test,
      relay: string,
      signer: typeof ada.root,
      owner: string,
      resume = welcome.resume,
    ) => {
      const peer = new Peer(at.url);
      const { challenge } = await peer.next('challenge');
      const aud = { owner, ...(relay !== '' && { aud: testSigner(relay).did }) };
      const hello = await helloOf(signer, challenge, at.clock.seconds(), aud);
      peer.send('hello', { hello, ticket: '', resume, chain: [] });
      return codeOf(await peer.gone());
    };
    expect(await show(test, '', bob.box.signer, ada.id)).toBe('relay.stale_resume');
    expect(await show(test, '', bob.box.signer, bob.id)).toBe('relay.stale_resume');
    expect(await show(test, '', ada.laptop.signer, ada.id)).toBe('relay.stale_resume');
    expect(await show(test, '', ada.box.signer, bob.id)).toBe('relay.stale_resume');
    const other = await startRelay({ limits: loose, resume: { current: secret(1) }, signer: testSigner('other') });
    // It knows the owner, and has the same secret: what is missing is that the token is its own.
    await connect(other, ada, ada.laptop.signer, { hello: { aud: testSigner('other').did } });
    expect(await show(other, 'other', ada.box.signer, ada.id)).toBe('relay.stale_resume');
    const rotated = await startRelay({ limits: loose, resume: { current: secret(3), previous: secret(2) } });
    await connect(rotated, ada, ada.laptop.signer);
    expect(await show(rotated, '', ada.box.signer, ada.id)).toBe('relay.stale_resume');
    test.clock.advance(3_601);
    expect(await show(test, '', ada.box.signer, ada.id)).toBe('relay.stale_resume');
    // Nor does a clock that is set back bring it to life with a later expiry written over it.
    const later = welcome.resume.slice();
    new DataView(later.buffer, later.byteOffset).setBigUint64(0, BigInt(test.clock.seconds() + 1_000));
    expect(await show(test, '', ada.box.signer, ada.id, later)).toBe('relay.stale_resume');
  });
});
