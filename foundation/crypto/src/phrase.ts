import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { badKey } from './check.ts';
import { CaponierError } from './error.ts';
import { Secret } from './secret.ts';

/** Words of a BIP-39 phrase by the bytes it carries: a join code's secret, and a recovery key. */
const wordCounts: ReadonlyMap<number, number> = new Map([
  [16, 12],
  [32, 24],
]);

/**
 * 16 bytes as 12 words, 32 bytes as 24 (BIP-39, English list, with its checksum). The text is as secret as the bytes:
 * show it, never log it. Throws `crypto.bad_key` for another length.
 */
export function phraseFromEntropy(entropy: Secret): string {
  if (!wordCounts.has(entropy.length)) throw badKey(`a phrase carries 16 or 32 bytes, not ${entropy.length}`);
  return entropyToMnemonic(entropy.expose(), wordlist);
}

/**
 * The bytes of 12 or 24 words. Case and spacing are forgiven, since people type this; a wrong word, count or checksum
 * throws `crypto.bad_phrase`, without repeating any of the words.
 */
export function entropyFromPhrase(phrase: string): Secret {
  const words = phrase.normalize('NFKD').trim().toLowerCase().split(/\s+/);
  try {
    const entropy = mnemonicToEntropy(words.join(' '), wordlist);
    if (wordCounts.get(entropy.length) === words.length) return Secret.from(entropy);
  } catch {
    // The library's message may quote the words, so it is not kept as a cause.
  }
  throw new CaponierError('crypto.bad_phrase', 'crypto.bad_phrase: not 12 or 24 words with a right checksum');
}
