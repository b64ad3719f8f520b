import { type Crypto, concat, fromBase64url, toBase64url, utf8 } from '@caponier/crypto';
import { encodeDid, fail, keyOf, type Payload } from '@caponier/protocol';
import { u8 } from '../bytes.ts';

/**
 * The keys with which mail to a device begins, as one `prekeys` statement carries them. The device signs the statement
 * whole, so no key in it has a signature of its own. With `oneTime` both it and `kem` are used once and then forgotten;
 * without, `prekey` and `kem` are the last resort, the same for everybody until they are replaced.
 */
export interface PrekeyBundle {
  /** Versions of the mail session the device speaks, ascending. */
  readonly versions: readonly number[];
  /** The device's static X25519 key: 32 bytes. */
  readonly box: Uint8Array;
  /** X25519, replaced from time to time: 32 bytes. */
  readonly prekey: Uint8Array;
  /** ML-KEM-768: 1184 bytes. */
  readonly kem: Uint8Array;
  /** X25519, used once: 32 bytes; null in the last resort. */
  readonly oneTime: Uint8Array | null;
}

export type PrekeyMembers = Pick<Payload<'prekeys'>, 'versions' | 'box' | 'prekey' | 'kem' | 'oneTime'>;

type VerifiedMembers = Readonly<Omit<PrekeyMembers, 'versions'>> & { readonly versions: readonly number[] };

/** The members of a `prekeys` statement; `aud`, `iat` and `nonce` are the signer's. */
export function bundleToMembers(bundle: PrekeyBundle): PrekeyMembers {
  return {
    versions: [...bundle.versions],
    box: encodeDid('x25519', bundle.box),
    prekey: toBase64url(bundle.prekey),
    kem: toBase64url(bundle.kem),
    oneTime: bundle.oneTime && toBase64url(bundle.oneTime),
  };
}

/** From the payload of a verified statement. Throws `mail.bad_prekeys`. */
export function bundleFromMembers(members: VerifiedMembers): PrekeyBundle {
  const bytes = (text: string, length: number): Uint8Array => {
    const decoded = fromBase64url(text);
    if (decoded.length !== length) throw fail('mail.bad_prekeys', `a key of ${decoded.length} bytes`);
    return decoded;
  };
  // Ascending and each once: two orders of the same offer would be two transcripts.
  if (members.versions.length === 0 || members.versions.some((v, i, all) => i > 0 && v <= all[i - 1]!))
    throw fail('mail.bad_prekeys', 'versions are not ascending');
  try {
    return {
      versions: [...members.versions],
      box: keyOf(members.box, 'x25519'),
      prekey: bytes(members.prekey, 32),
      kem: bytes(members.kem, 1184),
      oneTime: members.oneTime === null ? null : bytes(members.oneTime, 32),
    };
  } catch (cause) {
    throw fail('mail.bad_prekeys', 'malformed key', cause);
  }
}

/** Names the bundle inside first messages and transcripts: what was offered, whole, versions too. */
export function bundleId(crypto: Crypto, bundle: Omit<PrekeyBundle, 'box'>): Uint8Array {
  return crypto.sha256(
    concat(
      utf8('caponier mail bundle'),
      u8(bundle.versions.length),
      Uint8Array.from(bundle.versions),
      bundle.prekey,
      bundle.kem,
      bundle.oneTime ? concat(u8(1), bundle.oneTime) : u8(0),
    ),
  );
}
