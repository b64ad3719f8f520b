import { concat, crypto, type Random, Secret, utf8 } from '@caponier/crypto';
import { type Signer, seedSigner } from '@caponier/protocol';

/** Bytes that look random and replay exactly: SHA-256 over a seed and a counter. */
export function seededRandom(seed: string): Random {
  let block = 0;
  let rest: Uint8Array = new Uint8Array(0);
  return (length) => {
    while (rest.length < length) {
      rest = concat(rest, crypto.sha256(utf8(`${seed}/${block}`)));
      block += 1;
    }
    const bytes = rest.slice(0, length);
    rest = rest.slice(length);
    return bytes;
  };
}

/** An Ed25519 signer that is the same in every run. */
export function testSigner(label: string): Signer {
  return seedSigner(Secret.from(seededRandom(`signer ${label}`)(32)));
}
