import { createHmac } from 'node:crypto';
import type { Secret } from '@caponier/crypto';

/** Characters that the secret of a webhook has at least. */
export const MIN_SECRET_LENGTH = 32;

/**
 * `t=<seconds>,v1=<hex>`: HMAC-SHA256 over `<seconds>.<body>`. The time is signed, so that whoever recorded a delivery
 * cannot show it again for longer than the receiver allows; each attempt is signed anew.
 */
export function signatureOf(secret: Secret, body: Uint8Array, seconds: number): string {
  const mac = createHmac('sha256', secret.expose()).update(`${seconds}.`).update(body).digest('hex');
  return `t=${seconds},v1=${mac}`;
}
