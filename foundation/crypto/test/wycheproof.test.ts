import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Crypto, Secret } from '../src/index.ts';
import { backends, bytes, expectCode, hex } from './backends.ts';

/** Public vectors that stand beside the repository, not in it. */
const folder = new URL('../../../../shared/vectors/wycheproof/', import.meta.url);
const present = existsSync(folder);
if (!present) console.log('wycheproof: skipped: ../shared/vectors/wycheproof is not there');

interface Case {
  tcId: number;
  comment?: string;
  flags: string[];
  result: 'valid' | 'invalid' | 'acceptable';
  [member: string]: unknown;
}
interface Group {
  tests: Case[];
  ivSize?: number;
  publicKey?: { pk: string };
}

const secret = (value: unknown) => Secret.from(bytes(value as string));
const field = (vector: Case, name: string) => bytes(vector[name] as string);

/** What each file asks of a backend. Throws, by an assertion, when the answer is not the expected one. */
const files: Record<string, (crypto: Crypto, vector: Case, group: Group) => void> = {
  x25519_test(crypto, vector) {
    const derive = () => crypto.x25519.sharedSecret(secret(vector.private), field(vector, 'public'));
    // "Acceptable" leaves the choice; ours is to refuse an all-zero secret and to take everything else.
    if (vector.flags.includes('ZeroSharedSecret')) expectCode('crypto.weak_point', derive);
    else expect(hex(derive().expose())).toBe(vector.shared);
  },
  ed25519_test(crypto, vector, group) {
    const verdict = crypto.ed25519.verify(field(vector, 'sig'), field(vector, 'msg'), bytes(group.publicKey!.pk));
    expect(verdict).toBe(vector.result === 'valid');
  },
  chacha20_poly1305_test(crypto, vector) {
    const cipher = () => crypto.cipher('ChaChaPoly', secret(vector.key));
    const [nonce, additional, message] = [field(vector, 'iv'), field(vector, 'aad'), field(vector, 'msg')];
    const sealed = bytes(`${vector.ct}${vector.tag}`);
    if (nonce.length !== 12) {
      expectCode('crypto.bad_key', () => cipher().open(nonce, sealed, additional));
      expectCode('crypto.bad_key', () => cipher().seal(nonce, message, additional));
    } else if (vector.result === 'valid') {
      expect(hex(cipher().seal(nonce, message, additional))).toBe(hex(sealed));
      expect(hex(cipher().open(nonce, sealed, additional))).toBe(vector.msg);
    } else {
      expectCode('crypto.decrypt_failed', () => cipher().open(nonce, sealed, additional));
    }
  },
  hkdf_sha256_test(crypto, vector) {
    const derive = () =>
      crypto.hkdf('SHA256', field(vector, 'ikm'), field(vector, 'salt'), field(vector, 'info'), vector.size as number);
    if (vector.result === 'valid') expect(hex(derive())).toBe(vector.okm);
    else expect(derive).toThrow();
  },
  mlkem_768_test(crypto, vector) {
    const pair = () => crypto.mlkem768.keyPair(secret(vector.seed));
    const decapsulate = () => crypto.mlkem768.decapsulate(secret(vector.seed), field(vector, 'c'));
    if (vector.result === 'valid') {
      expect(hex(pair().publicKey)).toBe(vector.ek);
      expect(hex(decapsulate().expose())).toBe(vector.K);
    } else if (vector.comment!.startsWith('Private key')) {
      expectCode('crypto.bad_key', pair);
      expectCode('crypto.bad_key', decapsulate);
    } else {
      expectCode('crypto.bad_ciphertext', decapsulate);
    }
  },
};

describe.skipIf(!present).each(Object.keys(files))('wycheproof %s', (file) => {
  test.each(backends)('%s', (name, crypto) => {
    const { testGroups, numberOfTests } = JSON.parse(readFileSync(new URL(`${file}.json`, folder), 'utf8')) as {
      testGroups: Group[];
      numberOfTests: number;
    };
    const ran = { valid: 0, acceptable: 0, invalid: 0 };
    for (const group of testGroups) {
      for (const vector of group.tests) {
        try {
          files[file]!(crypto, vector, group);
        } catch (cause) {
          throw new Error(`${file} ${vector.tcId} (${vector.result}) on ${name}`, { cause });
        }
        ran[vector.result] += 1;
      }
    }
    expect(ran.valid + ran.acceptable + ran.invalid).toBe(numberOfTests);
    console.log(`wycheproof: ${file}, ${name}: ${numberOfTests} ran`, JSON.stringify(ran));
  });
});
