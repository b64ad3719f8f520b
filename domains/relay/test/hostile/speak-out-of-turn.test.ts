import { describe, expect, it } from 'vitest';
import { codeOf, knock, ownerNamed, startRelay } from '../support.ts';
import { idle, nobody } from './attack.ts';

describe('a stranger', () => {
  it('may not answer twice, nor speak before it is answered', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const twice = await knock(test, ada, ada.box.signer);
    twice.send('hello', idle);
    expect(codeOf(await twice.gone())).toBe('relay.protocol');
    const early = await knock(test, ada, ada.box.signer);
    early.send('listen', { mail: true, streams: true });
    expect(codeOf(await early.gone())).toBe('relay.protocol');
    await expect.poll(() => test.relay.counts()).toMatchObject(nobody);
  });
});
