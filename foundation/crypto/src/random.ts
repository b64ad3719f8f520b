import type { Random } from './types.ts';

/** WebCrypto gives at most this many bytes a call (W3C Web Cryptography section 10.1.1). */
const maximumPerCall = 65_536;

/** Randomness of a WebCrypto object, in Node and browsers: `randomFrom(globalThis.crypto)`, called by a surface. */
export function randomFrom(source: { getRandomValues(array: Uint8Array<ArrayBuffer>): unknown }): Random {
  return (length) => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += maximumPerCall) source.getRandomValues(bytes.subarray(at, at + maximumPerCall));
    return bytes;
  };
}
