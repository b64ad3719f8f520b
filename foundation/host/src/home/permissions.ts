import { type Stats, statSync } from 'node:fs';
import { fail } from '@caponier/protocol';

/** Bits that let anybody but the owner read, write or enter. */
const OTHERS = 0o077;

/**
 * Throws `host.loose_permissions` unless this user owns it and nobody else may touch it. Windows has no such bits: there
 * the profile folder's own access list is what protects it.
 */
export function refuseLoose(path: string, stats: Stats = statSync(path)): void {
  const user = process.getuid?.();
  if (user === undefined) return;
  if (stats.uid !== user) throw fail('host.loose_permissions', `${path} belongs to user ${stats.uid}`);
  if ((stats.mode & OTHERS) !== 0) {
    throw fail('host.loose_permissions', `${path} has mode ${(stats.mode & 0o777).toString(8)}`);
  }
}
