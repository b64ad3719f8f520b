import { fromBase64url, toBase64url } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { leafHash, nodeHash } from '@caponier/tlog';
import type { MemberProof } from '../owner/membership.ts';

/**
 * A proof of membership as a list of siblings, each with its side: `<hash` stands left, `hash>` right. Index and size are
 * not in it: no root binds them, so two spellings of them could prove the same, and a changed byte go unnoticed.
 */
export type SidedPath = readonly string[];

/** The audit path of RFC 6962 with the sides that index and size give. */
export function toSided({ index, size, path }: MemberProof): SidedPath {
  const sided: string[] = [];
  let at = index;
  let last = size - 1;
  for (const sibling of path) {
    const text = toBase64url(sibling);
    if (at % 2 === 1 || at === last) {
      sided.push(`<${text}`);
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2);
        last = Math.floor(last / 2);
      }
    } else {
      sided.push(`${text}>`);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return sided;
}

/** Throws `log.bad_proof` unless the path leads from the id to the root, both base64url. */
export function checkSided(id: string, path: SidedPath, root: string): void {
  let hash = leafHash(fromBase64url(id));
  for (const step of path) {
    const left = step.startsWith('<');
    const sibling = fromBase64url(left ? step.slice(1) : step.slice(0, -1));
    hash = left ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
  }
  if (toBase64url(hash) !== root) throw fail('log.bad_proof', 'not in force');
}
