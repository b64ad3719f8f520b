import { closeSync, constants, fstatSync, openSync, readFileSync, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { fail } from '@caponier/protocol';
import { refuseLoose } from '../home/permissions.ts';
import type { Log } from '../log/log.ts';
import { judgePair, type Pair, type PairFault } from './pair.ts';
import { type CertificateSource, type Every, everyUnref, Holder } from './source.ts';

/** Bytes of a key or chain that are read at most. */
const MAX_BYTES = 256 * 1024;

/** Milliseconds between two looks at the files: a folder that is a link's target elsewhere is not watched. */
const POLL_TIME = 10_000;

/** Milliseconds after a change before it is looked at: key and certificate are two files, and written one by one. */
const SETTLE_TIME = 500;

export interface FileOptions {
  /** PEM files. Links are followed, as certbot and Kubernetes renew by replacing links. */
  readonly key: string;
  readonly cert: string;
  readonly log: Log;
  readonly clock: () => number;
  readonly every?: Every;
  /** Milliseconds from a change to the look at it; default `SETTLE_TIME`. */
  readonly settleTime?: number;
}

/** Text in a file, or what is wrong with it. `secret`: only for us to read. */
function read(path: string, secret: boolean): { readonly text: string } | PairFault {
  let file: number | undefined;
  try {
    // Without waiting: a pipe in its place would hold the whole process.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(file);
    if (secret) refuseLoose(path, stats);
    if (!stats.isFile() || stats.size > MAX_BYTES) return 'unreadable';
    return { text: readFileSync(file, 'utf8') };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'host.loose_permissions' ? 'loose' : code === 'ENOENT' ? 'missing' : 'unreadable';
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function load(keyFile: string, certFile: string, now: number): Pair | PairFault {
  const key = read(keyFile, true);
  if (typeof key === 'string') return key;
  const cert = read(certFile, false);
  return typeof cert === 'string' ? cert : judgePair(key.text, cert.text, now);
}

/** What tells one state of a file from another: a link that was replaced leads to another inode. */
function stampOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stats ? [stats.dev, stats.ino, stats.mtimeNs, stats.ctimeNs, stats.size, stats.mode].join() : 'none';
}

/**
 * A certificate that somebody else renews. The key's file has to be 0600 and ours (`host.loose_permissions`), the pair good
 * now (`host.bad_certificate`), or there is no start. Later, a pair that is not good is refused and logged once, and what
 * was good is kept: a renewal that went wrong takes nobody off the net before its certificate ends.
 */
export function certificateFiles(options: FileOptions): CertificateSource {
  const { key, cert, log, clock, every = everyUnref, settleTime = SETTLE_TIME } = options;
  const stamp = () => `${stampOf(key)} ${stampOf(cert)}`;
  let seen = stamp();
  const first = load(key, cert, clock());
  if (first === 'loose') throw fail('host.loose_permissions', key);
  if (typeof first === 'string') throw fail('host.bad_certificate', `${key}, ${cert}: ${first}`);
  const holder = new Holder(first, { kind: 'files', pinned: false, log, clock, every });

  const look = () => {
    const now = stamp();
    if (now === seen) return;
    seen = now;
    const pair = load(key, cert, clock());
    if (typeof pair === 'string') log.warn('certificate.refused', { kind: 'files', reason: pair });
    else holder.replace(pair);
  };
  let settling: NodeJS.Timeout | undefined;
  // The first change starts it, and those that follow do not put it off: a folder may never be quiet.
  const settle = () => {
    settling ??= setTimeout(() => {
      settling = undefined;
      look();
    }, settleTime).unref();
  };
  for (const folder of new Set([dirname(key), dirname(cert)])) {
    try {
      const watcher = watch(folder, { persistent: false }, settle);
      watcher.on('error', () => watcher.close());
      holder.until(() => watcher.close());
    } catch {
      // The kernel has no more watches to give: looking now and then finds it, too.
    }
  }
  holder.until(() => clearTimeout(settling));
  holder.repeat(POLL_TIME, () => {
    if (stamp() !== seen) settle();
  });
  return holder;
}
