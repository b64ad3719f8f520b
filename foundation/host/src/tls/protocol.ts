import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

/**
 * Versions and suites of every listener: TLS 1.3, and of 1.2 only suites with forward secrecy and authenticated
 * encryption, so no CBC (Lucky 13) and no RSA key exchange (a stolen key would open recorded traffic). RFC 9325 section 4.2.
 */
const suites = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
];

export const tlsProtocol: SecureContextOptions = Object.freeze({
  minVersion: 'TLSv1.2',
  ciphers: suites.join(':'),
  honorCipherOrder: true,
  // A client of 1.2 that renegotiates makes the server repeat its most expensive step, again and again.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
});
