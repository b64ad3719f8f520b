import { crypto } from '@caponier/crypto';
import type { Did } from './did.ts';

/**
 * Events form one hash chain per service (design section 8). An event is three things: its index, the hash of the one
 * before, and the salted digest of its body, so that a body can be withheld or redacted and the chain still verifies.
 * The 32-byte hash of an event is also its leaf in the `events` log.
 */

const eventDomain = new TextEncoder().encode('caponier event 1\n');
const chainDomain = new TextEncoder().encode('caponier events of 1\n');

/** What event 0 names as its predecessor: bound to the service, so that no chain can be passed off as another's. */
export function firstPrev(service: Did): Uint8Array {
  return crypto.sha256(chainDomain, new TextEncoder().encode(service));
}

/** SHA-256(domain ‖ index as 8 bytes, big-endian ‖ prev ‖ digest); `prev` and `digest` are 32 bytes. */
export function eventHash(index: number, prev: Uint8Array, digest: Uint8Array): Uint8Array {
  const position = new Uint8Array(8);
  new DataView(position.buffer).setBigUint64(0, BigInt(index));
  return crypto.sha256(eventDomain, position, prev, digest);
}
