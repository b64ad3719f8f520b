import { type Crypto, type KeyPair, type Random, Secret } from '@caponier/crypto';
import { crypto as node } from '@caponier/crypto/node';
import { crypto as web } from '@caponier/crypto/web';

export const backends: readonly Crypto[] = [node, web];

/** A stream of bytes that a seed fixes: SHA-256 in counter mode. */
export function seeded(seed: string): Random {
  let counter = 0;
  return (length) => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      const block = node.sha256(new TextEncoder().encode(`${seed} ${counter++}`));
      bytes.set(block.subarray(0, Math.min(32, length - at)), at);
    }
    return bytes;
  };
}

export function boxPair(seed: string, crypto: Crypto = node): KeyPair {
  return crypto.x25519.keyPair(Secret.from(seeded(seed)(32)));
}

export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as { code?: string }).code ?? `not coded: ${error}`;
  }
  return 'nothing thrown';
}

export const text = (s: string): Uint8Array => new TextEncoder().encode(s);

/** A copy with one bit changed. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at % copy.length]! ^= 1 << (at % 8);
  return copy;
}
