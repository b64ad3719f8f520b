import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  decapsulate,
  encapsulate,
  hash,
  hkdfSync,
  type KeyObject,
  verify,
} from 'node:crypto';
import { crypto, Secret } from '@caponier/crypto';
import { loadSodium } from '@caponier/crypto/node';
import { interleave, rate } from '../measure.ts';
import type { Suite } from '../suite.ts';

/**
 * Each primitive of `@caponier/crypto` against the library call beneath it. The bare side starts from the same raw
 * public keys and seeds and allocates the same results: what is measured is the cost of our checks and our interface.
 * Where we keep a prepared secret key, so does the bare side.
 */
export default {
  name: 'crypto',
  async run(report) {
    for (const [name, ours, bare] of pairs()) {
      report.progress(name);
      report.row({ name, unit: 'ops/s', ...(await interleave(rate(ours), rate(bare), report.rounds)) });
    }
  },
} satisfies Suite;

type Pair = readonly [name: string, ours: () => unknown, bare: () => unknown];

const filled = (length: number, value: number) => new Uint8Array(length).fill(value);

function pairs(): Pair[] {
  return [...signatures(), ...agreement(), ...ciphers(), ...hashes(), ...kem()];
}

function sodium() {
  const loaded = loadSodium();
  if (!loaded) throw new Error('sodium-native has no binary for this platform, so there is no baseline');
  return loaded;
}

function signatures(): Pair[] {
  const native = sodium();
  const message = filled(256, 1);
  const pair = crypto.ed25519.keyPair(Secret.from(filled(32, 2)));
  const publicKey = new Uint8Array(32);
  const expanded = new Uint8Array(64);
  native.crypto_sign_seed_keypair(publicKey, expanded, filled(32, 2));
  const signature = crypto.ed25519.sign(pair.secretKey, message);
  const ecdsa = crypto.p256.keyPair(Secret.from(filled(32, 3)));
  const ecdsaSignature = crypto.p256.sign(ecdsa.secretKey, message);
  const spkiPrefix = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex');
  return [
    [
      'ed25519-sign',
      () => crypto.ed25519.sign(pair.secretKey, message),
      () => native.crypto_sign_detached(new Uint8Array(64), message, expanded),
    ],
    [
      'ed25519-verify',
      () => crypto.ed25519.verify(signature, message, pair.publicKey),
      () => native.crypto_sign_verify_detached(signature, message, publicKey),
    ],
    [
      'p256-verify',
      () => crypto.p256.verify(ecdsaSignature, message, ecdsa.publicKey),
      () => {
        const der = Buffer.concat([spkiPrefix, ecdsa.publicKey]);
        const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
        return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, ecdsaSignature);
      },
    ],
  ];
}

function agreement(): Pair[] {
  const native = sodium();
  const mine = Secret.from(filled(32, 4));
  const peer = crypto.x25519.keyPair(Secret.from(filled(32, 5))).publicKey;
  return [
    [
      'x25519',
      () => crypto.x25519.sharedSecret(mine, peer),
      () => native.crypto_scalarmult(new Uint8Array(32), mine.expose(), peer),
    ],
  ];
}

function ciphers(): Pair[] {
  const native = sodium();
  const key = filled(32, 6);
  const nonce = filled(12, 7);
  const plaintext = filled(1024, 8);
  const additional = filled(16, 9);
  const chacha = crypto.cipher('ChaChaPoly', Secret.from(key));
  const aes = crypto.cipher('AESGCM', Secret.from(key));
  const keyObject = createSecretKey(key);
  const chachaSealed = chacha.seal(nonce, plaintext, additional);
  const aesSealed = aes.seal(nonce, plaintext, additional);
  return [
    [
      'chachapoly-seal-1k',
      () => chacha.seal(nonce, plaintext, additional),
      () => {
        const sealed = new Uint8Array(plaintext.length + 16);
        native.crypto_aead_chacha20poly1305_ietf_encrypt(sealed, plaintext, additional, null, nonce, key);
        return sealed;
      },
    ],
    [
      'chachapoly-open-1k',
      () => chacha.open(nonce, chachaSealed, additional),
      () => {
        const opened = new Uint8Array(chachaSealed.length - 16);
        native.crypto_aead_chacha20poly1305_ietf_decrypt(opened, null, chachaSealed, additional, nonce, key);
        return opened;
      },
    ],
    [
      'aesgcm-seal-1k',
      () => aes.seal(nonce, plaintext, additional),
      () => {
        const cipher = createCipheriv('aes-256-gcm', keyObject, nonce);
        cipher.setAAD(additional);
        return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
      },
    ],
    [
      'aesgcm-open-1k',
      () => aes.open(nonce, aesSealed, additional),
      () => {
        const decipher = createDecipheriv('aes-256-gcm', keyObject, nonce);
        decipher.setAAD(additional);
        decipher.setAuthTag(aesSealed.subarray(-16));
        return Buffer.concat([decipher.update(aesSealed.subarray(0, -16)), decipher.final()]);
      },
    ],
  ];
}

function hashes(): Pair[] {
  const input = filled(1024, 10);
  const key = filled(32, 11);
  return [
    ['sha256-1k', () => crypto.sha256(input), () => hash('sha256', input, 'buffer')],
    [
      'hkdf-sha256-64',
      () => crypto.hkdf('SHA256', key, key, key, 64),
      () => new Uint8Array(hkdfSync('sha256', key, key, key, 64)),
    ],
  ];
}

function kem(): Pair[] {
  const seed = filled(64, 12);
  const pair = crypto.mlkem768.keyPair(Secret.from(seed));
  const coins = filled(32, 13);
  const { ciphertext } = crypto.mlkem768.encapsulate(pair.publicKey, coins);
  const seedPrefix = Buffer.from('3054020100300b060960864801650304040204428040', 'hex');
  const publicPrefix = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex');
  const fromSeed = (): KeyObject =>
    createPrivateKey({ key: Buffer.concat([seedPrefix, seed]), format: 'der', type: 'pkcs8' });
  const secretKey = fromSeed();
  return [
    [
      'mlkem768-keygen',
      () => crypto.mlkem768.keyPair(Secret.from(seed)),
      () => Buffer.from(createPublicKey(fromSeed()).export({ format: 'jwk' }).pub as string, 'base64url'),
    ],
    [
      'mlkem768-encapsulate',
      () => crypto.mlkem768.encapsulate(pair.publicKey, coins),
      () =>
        encapsulate(
          createPublicKey({ key: Buffer.concat([publicPrefix, pair.publicKey]), format: 'der', type: 'spki' }),
        ),
    ],
    [
      'mlkem768-decapsulate',
      () => crypto.mlkem768.decapsulate(pair.secretKey, ciphertext),
      () => decapsulate(secretKey, ciphertext),
    ],
  ];
}
