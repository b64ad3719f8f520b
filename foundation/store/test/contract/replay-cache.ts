import { limits } from '@caponier/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_NONCES_PER_SCOPE, type ReplayCache } from '../../src/index.ts';
import type { Backend, OpenBackend } from './harness.ts';

const now = Date.UTC(2030, 0, 1);
const exp = now / 1000 + 60;
const end = (exp + limits.clockSkewSeconds) * 1000;

export function replayCacheContract(name: string, open: OpenBackend<ReplayCache>): void {
  describe(`ReplayCache contract: ${name}`, () => {
    let backend: Backend<ReplayCache>;
    let cache: ReplayCache;
    beforeEach(async () => {
      backend = await open();
      cache = backend.port;
    });
    afterEach(() => backend.close());

    it('takes a nonce once, however many ask at once, and across a restart', async () => {
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => cache.take({ scope: 'a', nonce: 'n', exp, now })),
      );
      expect(answers.filter(Boolean)).toHaveLength(1);
      cache = await backend.reopen();
      expect(await cache.take({ scope: 'a', nonce: 'n', exp, now })).toBe(false);
      expect(await cache.take({ scope: 'b', nonce: 'n', exp, now })).toBe(true);
    });

    it('keeps it until expiry and skew have passed', async () => {
      expect(await cache.take({ scope: 'a', nonce: 'n', exp, now })).toBe(true);
      expect(await cache.take({ scope: 'a', nonce: 'n', exp, now: end })).toBe(false);
      expect(await cache.take({ scope: 'a', nonce: 'n', exp, now: end + 1 })).toBe(true);
    });

    it('refuses more when one scope is full, without dropping what it took or touching others', async () => {
      const takes = Array.from(
        { length: MAX_NONCES_PER_SCOPE - 1 },
        (_, i) => () => cache.take({ scope: 'a', nonce: `${i}`, exp, now }),
      );
      await cache.take({ scope: 'a', nonce: 'first', exp, now });
      for (let i = 0; i < takes.length; i += 2_000) await Promise.all(takes.slice(i, i + 2_000).map((take) => take()));
      await expect(cache.take({ scope: 'a', nonce: 'more', exp, now })).rejects.toMatchObject({ code: 'store.full' });
      expect(await cache.take({ scope: 'a', nonce: 'first', exp, now })).toBe(false);
      expect(await cache.take({ scope: 'b', nonce: 'more', exp, now })).toBe(true);
      expect(await cache.take({ scope: 'a', nonce: 'more', exp, now: end + 1 })).toBe(true);
    });
  });
}
