import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { badKey } from '../check.ts';

/**
 * node:crypto takes raw keys only inside DER. All keys here have a fixed length, so the wrapping is a constant prefix
 * (RFC 8410 for X25519 and Ed25519, RFC 5480 and 5915 for P-256, RFC 9935 for ML-KEM with the seed alone).
 */
const prefixes = {
  ed25519Public: hex('302a300506032b6570032100'),
  ed25519Seed: hex('302e020100300506032b657004220420'),
  x25519Public: hex('302a300506032b656e032100'),
  x25519Scalar: hex('302e020100300506032b656e04220420'),
  p256Public: hex('3039301306072a8648ce3d020106082a8648ce3d030107032200'),
  p256Scalar: hex('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420'),
  mlkem768Public: hex('308204b2300b0609608648016503040402038204a100'),
  mlkem768Seed: hex('3054020100300b060960864801650304040204428040'),
} as const;

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g)!, (pair) => Number.parseInt(pair, 16));
}

type PublicForm = 'ed25519Public' | 'x25519Public' | 'p256Public' | 'mlkem768Public';
type PrivateForm = 'ed25519Seed' | 'x25519Scalar' | 'p256Scalar' | 'mlkem768Seed';

function wrap(prefix: Uint8Array, raw: Uint8Array): Buffer {
  const der = Buffer.alloc(prefix.length + raw.length);
  der.set(prefix);
  der.set(raw, prefix.length);
  return der;
}

/** Throws `crypto.bad_key` when OpenSSL refuses the key. */
export function importPublic(form: PublicForm, raw: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: wrap(prefixes[form], raw), format: 'der', type: 'spki' });
  } catch (cause) {
    throw badKey(`${form} is refused`, cause);
  }
}

/** Throws `crypto.bad_key` when OpenSSL refuses the key. */
export function importPrivate(form: PrivateForm, raw: Uint8Array): KeyObject {
  const der = wrap(prefixes[form], raw);
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } catch (cause) {
    throw badKey(`${form} is refused`, cause);
  } finally {
    der.fill(0);
  }
}

/**
 * The raw public key of a private one. Through JWK: its export costs a seventh of the DER encoder's, which dominated the
 * making of an ML-KEM pair.
 */
export function rawPublic(key: KeyObject): Uint8Array {
  const { x, y, pub } = createPublicKey(key).export({ format: 'jwk' }) as { x?: string; y?: string; pub?: string };
  const first = Buffer.from((pub ?? x)!, 'base64url');
  if (y === undefined) return Uint8Array.from(first);
  // SEC 1 section 2.3.3, compressed: the parity of y, then x.
  return Uint8Array.from([2 + (Buffer.from(y, 'base64url').at(-1)! & 1), ...first]);
}
