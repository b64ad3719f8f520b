import type { Crypto } from '../types.ts';
import { argon2id } from './argon2id.ts';
import { cipher } from './cipher.ts';
import { ed25519 } from './ed25519.ts';
import { equal } from './equal.ts';
import { hash, hkdf, hmac } from './hash.ts';
import { mlkem768 } from './mlkem768.ts';
import { p256 } from './p256.ts';
import { x25519 } from './x25519.ts';

/**
 * The browser backend: noble, not WebCrypto, because every WebCrypto call is a promise. A handshake that awaits between
 * two messages has states in which a third can arrive; and WebCrypto has neither ChaCha20-Poly1305, BLAKE2, argon2id
 * nor, in most browsers, ML-KEM. WebCrypto gives what only the browser has: randomness (`randomFrom`) and keys it does
 * not give out (`wrapSecret`). Both take it as an argument.
 */
export const crypto: Crypto = Object.freeze<Crypto>({
  backend: 'web',
  hash,
  sha256: (...parts) => hash('SHA256', ...parts),
  hmac,
  hkdf,
  ed25519,
  p256,
  x25519,
  mlkem768,
  cipher,
  argon2id,
  equal,
});

export { base64url } from './base64url.ts';
export { makeWrappingKey, unwrapSecret, wrapSecret } from './wrapping.ts';
