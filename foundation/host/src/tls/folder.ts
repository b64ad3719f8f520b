import { chmodSync, lstatSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { type Home, openHome } from '../home/home.ts';
import { refuseLoose } from '../home/permissions.ts';
import type { Log } from '../log/log.ts';

const holdsKeys = (path: string) => readdirSync(path).some((name) => /\.(pem|key|crt|cer|p12|pfx)$/.test(name));

function statsOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/**
 * Opens the folder of keys and certificates: 0700 and ours, its files 0600, or `host.loose_permissions`. On the first boot, while there is
 * no key in it, a folder of ours that others may enter is tightened, since nothing has been there to be read: installers
 * and volumes make folders with the usual mask.
 */
export function openCertificateFolder(path: string, log: Log): Home {
  const stats = statsOf(path);
  const loose = stats?.isDirectory() && (stats.mode & 0o077) !== 0 && stats.uid === process.getuid?.();
  if (loose && !holdsKeys(path)) {
    chmodSync(path, 0o700);
    // Whoever could write here until now may have left something: a file of another user's is refused when it is read.
    if (holdsKeys(path)) refuseLoose(path, stats);
    log.warn('folder.tightened', { reason: 'certificates' });
  }
  const folder = openHome(path);
  for (const name of readdirSync(path)) {
    const file = statsOf(join(path, name));
    if (file?.isFile()) refuseLoose(join(path, name), file);
  }
  return folder;
}
