import type { Finding } from '../verdict.ts';
import { apply, type Rule } from './rule.ts';

/** What secretlint misses: keys that are not a service's token. */
const rules: readonly Rule[] = [
  // The armour alone is enough: half a key in a cut-off text is still one.
  { type: 'credential.private_key', find: /-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----/g },
  // RFC 8410: the DER of every Ed25519 or X25519 PKCS#8 key begins alike, so a bare base64 line is told by its head.
  { type: 'credential.private_key', find: /\bMC4CAQAwBQYDK2V[uw]BCIEI[A-Za-z0-9+/]{43}/g },
  { type: 'credential.age_key', find: /\bAGE-SECRET-KEY-1[A-Z0-9]{58}\b/g },
  // The id without its secret half: names an account, and the other half is often near.
  { type: 'credential.aws_access_key_id', find: /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b/g },
  {
    type: 'credential.jwt',
    find: /\beyJ[A-Za-z0-9_-]{8,2048}\.[A-Za-z0-9_-]{4,16384}\.[A-Za-z0-9_-]{0,2048}/g,
    holds: isJwt,
  },
  {
    type: 'credential.authorization',
    find: /\bauthorization["']?\s{0,4}[:=]\s{0,4}["']?(?:bearer|basic|token)\s{1,4}[^\s"']{6,}/gi,
  },
  {
    type: 'credential.assignment',
    find: /(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key|token)["']?\s{0,4}[:=]\s{0,4}["']?[^\s"',;]{8,}/gi,
  },
];

/** A header that is JSON and names an algorithm (RFC 7519), so that not every dotted word counts. */
function isJwt(match: string): boolean {
  try {
    const header: unknown = JSON.parse(Buffer.from(match.slice(0, match.indexOf('.')), 'base64url').toString());
    return typeof header === 'object' && header !== null && ('alg' in header || 'enc' in header);
  } catch {
    return false;
  }
}

export function keys(text: string): Finding[] {
  return apply(rules, text);
}
