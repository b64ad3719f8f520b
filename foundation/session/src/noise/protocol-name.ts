import type { AeadName, HashName } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { type Pattern, patternOf } from './pattern.ts';

/** A full protocol name, resolved once: nothing below it switches on names again. */
export interface NoiseProtocol {
  readonly name: string;
  readonly pattern: Pattern;
  readonly usesPsk: boolean;
  readonly cipher: AeadName;
  readonly hash: HashName;
}

const ciphers: Readonly<Record<string, AeadName>> = { ChaChaPoly: 'ChaChaPoly', AESGCM: 'AESGCM' };
const hashes: Readonly<Record<string, HashName>> = {
  SHA256: 'SHA256',
  SHA512: 'SHA512',
  BLAKE2b: 'BLAKE2b',
  BLAKE2s: 'BLAKE2s',
};

/** Section 8: `Noise_<pattern>_<dh>_<cipher>_<hash>`; hfs adds its KEM to the DH name. Throws `session.bad_handshake`. */
export function noiseProtocol(name: string): NoiseProtocol {
  const parts = name.split('_');
  const [noise, patternName, agreement, cipherName, hashName] = parts;
  if (parts.length !== 5 || noise !== 'Noise') throw fail('session.bad_handshake', 'malformed protocol name');
  const pattern = patternOf(patternName!);
  const tokens = pattern.messages.flat();
  const expected = tokens.includes('e1') ? '25519+MLKEM768' : '25519';
  if (agreement !== expected || !Object.hasOwn(ciphers, cipherName!) || !Object.hasOwn(hashes, hashName!))
    throw fail('session.bad_handshake', `unknown algorithms in ${name}`);
  return {
    name,
    pattern,
    usesPsk: tokens.includes('psk'),
    cipher: ciphers[cipherName!]!,
    hash: hashes[hashName!]!,
  };
}
