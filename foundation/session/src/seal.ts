import {
  type Crypto,
  concat,
  crypto as defaultCrypto,
  type KeyPair,
  type Random,
  Secret,
  utf8,
} from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { prefixed, Reader, u8 } from './bytes.ts';

/**
 * Sealing once to a device, without a session: `mode (1) ‖ ephemeral (32) ‖ [KEM ciphertext (1088)] ‖ ciphertext`. A
 * fresh X25519 key agrees with the device's static one, in mode 2 together with ML-KEM-768. It does not say who sealed:
 * that is for the signed statement around it. Without a KEM key (mode 1) a later quantum computer could open it.
 */
const modeX25519 = 1;
const modeHybrid = 2;
const tagBytes = 16;
/** Each seal has a key of its own, so one nonce is enough. */
const nonce = new Uint8Array(12);

/** Bytes of plaintext in one seal. */
export const maxSealedPlaintext = 1024 * 1024;

export interface SealOptions {
  /** The device's static X25519 key: 32 bytes. */
  readonly boxKey: Uint8Array;
  /** Its ML-KEM-768 key, where one is known. */
  readonly kemKey?: Uint8Array;
  /** What this is for, domain-separated by the caller (`vault.reveal`, request id, …): the opener must name the same. */
  readonly context: Uint8Array;
  readonly random: Random;
  readonly crypto?: Crypto;
}

export interface OpenOptions {
  readonly box: KeyPair;
  /** Given: only what was sealed to it, too, is opened. */
  readonly kem?: KeyPair;
  readonly context: Uint8Array;
  readonly crypto?: Crypto;
}

/** Throws `crypto.weak_point`, `crypto.bad_key` or `session.too_large`. */
export function sealTo(plaintext: Uint8Array, options: SealOptions): Uint8Array {
  if (plaintext.length > maxSealedPlaintext) throw fail('session.too_large', `${plaintext.length} bytes`);
  const { boxKey, kemKey, context, random, crypto = defaultCrypto } = options;
  const ephemeral = crypto.x25519.keyPair(Secret.from(random(32)));
  const agreed = crypto.x25519.sharedSecret(ephemeral.secretKey, boxKey);
  ephemeral.secretKey.wipe();
  const kem = kemKey && crypto.mlkem768.encapsulate(kemKey, random(32));
  const head = concat(u8(kem ? modeHybrid : modeX25519), ephemeral.publicKey, ...(kem ? [kem.ciphertext] : []));
  const key = derive(crypto, head, boxKey, kemKey, [agreed, ...(kem ? [kem.shared] : [])], context);
  const sealed = concat(head, crypto.cipher('ChaChaPoly', key).seal(nonce, plaintext, context));
  key.wipe();
  return sealed;
}

/** Throws `session.bad_record`: altered, for another device or context, or not sealed to the KEM key given; `crypto.weak_point`. */
export function openSealed(sealed: Uint8Array, options: OpenOptions): Uint8Array {
  const { box, kem, context, crypto = defaultCrypto } = options;
  const reader = new Reader(sealed, (detail) => fail('session.bad_record', detail));
  if (reader.u8() !== (kem ? modeHybrid : modeX25519)) throw fail('session.bad_record', 'another mode of seal');
  const agreed = crypto.x25519.sharedSecret(box.secretKey, reader.take(32));
  const shared = kem && crypto.mlkem768.decapsulate(kem.secretKey, reader.take(crypto.mlkem768.ciphertextLength));
  if (reader.rest < tagBytes || reader.rest > maxSealedPlaintext + tagBytes)
    throw fail('session.bad_record', `${reader.rest} bytes of ciphertext`);
  const head = sealed.subarray(0, sealed.length - reader.rest);
  const key = derive(crypto, head, box.publicKey, kem?.publicKey, [agreed, ...(shared ? [shared] : [])], context);
  try {
    return crypto.cipher('ChaChaPoly', key).open(nonce, reader.take(reader.rest), context);
  } catch (cause) {
    throw fail('session.bad_record', 'does not open', cause);
  } finally {
    key.wipe();
  }
}

/** Everything public goes into the key (the KEM key, too: a ciphertext alone does not bind it). */
function derive(
  crypto: Crypto,
  head: Uint8Array,
  boxKey: Uint8Array,
  kemKey: Uint8Array | undefined,
  secrets: readonly Secret[],
  context: Uint8Array,
): Secret {
  const input = concat(...secrets.map((secret) => secret.expose()));
  const transcript = crypto.sha256(prefixed(head), prefixed(boxKey), prefixed(kemKey ?? new Uint8Array(0)));
  const key = crypto.hkdf('SHA256', input, transcript, concat(utf8('caponier seal 1'), prefixed(context)), 32);
  input.fill(0);
  for (const secret of secrets) secret.wipe();
  return Secret.from(key);
}
