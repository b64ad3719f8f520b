import type { Crypto } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { ratchetChain } from './kdf.ts';
import { maxEarlierChains, maxJump, maxSkippedKeys } from './limits.ts';
import type { ChainMemory, MailState, ReceivingChain, SkippedKey } from './state.ts';

/**
 * Keys of mail that has not arrived. Threat: a peer announces a huge gap and makes us compute or keep without end.
 * Measure: a jump costs at most 2,000 steps, and 512 keys are kept over all chains, the oldest dropped first. What
 * remains: a mail that arrives after its key was dropped is lost, and says so; nothing after it is.
 */

/** Moves a chain on to message `n`, keeping the keys of those between. Throws `mail.too_many_skipped`. */
export function skipTo(crypto: Crypto, chain: ReceivingChain, n: number): ReceivingChain {
  if (n - chain.n > maxJump) throw fail('mail.too_many_skipped', `${n - chain.n} messages`);
  const skipped: SkippedKey[] = [...chain.skipped];
  let { chainKey } = chain;
  for (let at = chain.n; at < n; at++) {
    const step = ratchetChain(crypto, chainKey);
    skipped.push({ n: at, key: step.messageKey });
    chainKey = step.chainKey;
  }
  return { ...chain, ...bounded(chain, skipped), chainKey, n: Math.max(n, chain.n) };
}

/**
 * Ends a chain that had `length` messages. Never fails for a gap, or one lost stretch would close the session for ever:
 * a chain with too large a gap is given up, and its missing mail is lost.
 */
export function endChain(crypto: Crypto, chain: ReceivingChain, length: number): ChainMemory {
  if (length < chain.n) throw fail('mail.bad_message', 'the chain was longer than its end says');
  const { headerKey, floor, skipped } =
    length - chain.n > maxJump ? { ...chain, floor: length } : skipTo(crypto, chain, length);
  return { headerKey, floor, skipped };
}

/** Takes the key of an earlier message out. Throws `mail.replayed`, or `mail.too_many_skipped` where it was dropped. */
export function takeSkipped<C extends ChainMemory>(chain: C, n: number): { key: SkippedKey['key']; rest: C } {
  const found = chain.skipped.find((key) => key.n === n);
  if (!found) throw n < chain.floor ? fail('mail.too_many_skipped', 'its key was dropped') : fail('mail.replayed');
  return { key: found.key, rest: { ...chain, skipped: chain.skipped.filter((key) => key !== found) } };
}

/** Within the bounds on chains and keys, the oldest dropped first. */
export function withinBounds(state: MailState): MailState {
  const earlier = state.earlier.slice(-maxEarlierChains);
  let excess =
    earlier.reduce((sum, chain) => sum + chain.skipped.length, state.receiving?.skipped.length ?? 0) - maxSkippedKeys;
  if (excess <= 0) return { ...state, earlier };
  const trimmed = earlier.map((chain) => {
    const drop = Math.min(Math.max(excess, 0), chain.skipped.length);
    excess -= drop;
    return drop === 0 ? chain : dropped(chain, drop);
  });
  // The receiving chain alone never holds more than the bound.
  return { ...state, earlier: trimmed };
}

function bounded(chain: ChainMemory, skipped: readonly SkippedKey[]): Pick<ChainMemory, 'floor' | 'skipped'> {
  const drop = Math.max(0, skipped.length - maxSkippedKeys);
  const { floor } = drop === 0 ? chain : dropped({ ...chain, skipped }, drop);
  return { floor, skipped: skipped.slice(drop) };
}

/** A chain without its first `count` (at least 1) skipped keys. */
function dropped(chain: ChainMemory, count: number): ChainMemory {
  return {
    ...chain,
    floor: Math.max(chain.floor, chain.skipped[count - 1]!.n + 1),
    skipped: chain.skipped.slice(count),
  };
}
