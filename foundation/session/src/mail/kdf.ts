import { type Crypto, Secret, utf8 } from '@caponier/crypto';
import type { Header } from './message.ts';
import { encodeHeader, type MailMessage, parseHeader } from './message.ts';
import { mailLabel } from './version.ts';

/** The key derivations of the Double Ratchet with header encryption (Signal, revision 4, sections 4 and 7.2). */

const messageStep = Uint8Array.of(1);
const chainStep = Uint8Array.of(2);

/** KDF_RK_HE: the next root key, a chain key, and the header key of the chain after it. */
export function ratchetRoot(
  crypto: Crypto,
  version: number,
  root: Secret,
  agreed: Secret,
): { root: Secret; chainKey: Secret; nextHeaderKey: Secret } {
  const output = crypto.hkdf('SHA256', agreed.expose(), root.expose(), mailLabel(version, 'root'), 96);
  agreed.wipe();
  const [next, chainKey, nextHeaderKey] = [0, 32, 64].map((at) => Secret.from(output.slice(at, at + 32)));
  output.fill(0);
  return { root: next!, chainKey: chainKey!, nextHeaderKey: nextHeaderKey! };
}

/** KDF_CK: one message key, and the chain key after it. */
export function ratchetChain(crypto: Crypto, chainKey: Secret): { messageKey: Secret; chainKey: Secret } {
  return {
    messageKey: Secret.from(crypto.hmac('SHA256', chainKey.expose(), messageStep)),
    chainKey: Secret.from(crypto.hmac('SHA256', chainKey.expose(), chainStep)),
  };
}

/** What both the header and the body are bound to besides themselves. */
export function associatedData(transcript: Uint8Array, type: number, version: number): Uint8Array[] {
  return [utf8('caponier mail'), Uint8Array.of(type, version), transcript];
}

export function sealHeader(
  crypto: Crypto,
  key: Secret,
  nonce: Uint8Array,
  header: Header,
  data: Uint8Array,
): Uint8Array {
  return crypto.cipher('ChaChaPoly', key).seal(nonce, encodeHeader(header), data);
}

/** Null when the header is not under this key. */
export function tryHeader(crypto: Crypto, key: Secret, message: MailMessage, data: Uint8Array): Header | null {
  let opened: Uint8Array;
  try {
    opened = crypto.cipher('ChaChaPoly', key).open(message.nonce, message.sealedHeader, data);
  } catch {
    return null;
  }
  return parseHeader(opened);
}

/**
 * The cipher of one body. The header's random nonce goes in as salt: a device restored from an old copy of its state
 * derives the same message key once more, and must not seal two bodies under one key and nonce.
 */
export function bodyCipher(crypto: Crypto, version: number, messageKey: Secret, nonce: Uint8Array) {
  const output = crypto.hkdf('SHA256', messageKey.expose(), nonce, mailLabel(version, 'message'), 44);
  const key = Secret.from(output.slice(0, 32));
  return { cipher: crypto.cipher('ChaChaPoly', key), nonce: output.slice(32), key };
}
