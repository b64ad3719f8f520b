import { type Crypto, utf8 } from '@caponier/crypto';

/**
 * What two people compare: 96 bits in six groups of five digits, each group 16 bits.
 *
 * Threat: somebody who has the code stands between and runs one handshake with each side. Both sides' introductions are
 * committed to inside the handshake, before either hears the other's ephemeral key, so the number of one side is fixed
 * before the attacker can search on the other: 2^96 tries, with no trading of tables against time.
 */
export function safetyNumber(
  crypto: Crypto,
  handshakeHash: Uint8Array,
  joinerCommitment: Uint8Array,
  adderCommitment: Uint8Array,
): string {
  const digest = crypto.sha256(utf8('caponier join 1 safety number'), handshakeHash, joinerCommitment, adderCommitment);
  const view = new DataView(digest.buffer, digest.byteOffset);
  return Array.from({ length: 6 }, (_, group) => String(view.getUint16(group * 2)).padStart(5, '0')).join(' ');
}
