import { entropyFromPhrase, phraseFromEntropy, type Secret } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { codeSecretBytes } from './code.ts';

/** The secret alone as twelve words (BIP-39), to be read aloud; the relay is named beside it, the rest follows in the meeting. */
export function codeWords(secret: Secret): string {
  if (secret.length !== codeSecretBytes) throw fail('code.malformed', 'the secret has the wrong length');
  return phraseFromEntropy(secret);
}

/** Throws `code.malformed`. */
export function parseCodeWords(words: string): Secret {
  let secret: Secret;
  try {
    secret = entropyFromPhrase(words);
  } catch (cause) {
    throw fail('code.malformed', 'not twelve words of the list', cause);
  }
  if (secret.length !== codeSecretBytes) throw fail('code.malformed', 'not twelve words');
  return secret;
}
