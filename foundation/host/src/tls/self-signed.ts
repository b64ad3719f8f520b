import { fail } from '@caponier/protocol';
import { loadOrCreateCertificate } from '../home/certificate.ts';
import type { Home } from '../home/home.ts';
import type { Log } from '../log/log.ts';
import { judgePair } from './pair.ts';
import { type CertificateSource, type Every, everyUnref, Holder } from './source.ts';

/** Milliseconds between two looks whether it is about to end. */
const LOOK_TIME = 3600 * 1000;

export interface SelfSignedOptions {
  /** The folder of keys and certificates. */
  readonly folder: Home;
  /** Names and addresses that the certificate is for. */
  readonly hosts: readonly string[];
  readonly log: Log;
  readonly clock: () => number;
  readonly every?: Every;
}

/** The self-signed certificate of a home, whose key clients pin: made on first use, made anew with the same key in time. */
export async function selfSigned(options: SelfSignedOptions): Promise<CertificateSource> {
  const { folder, hosts, log, clock, every = everyUnref } = options;
  const make = async () => {
    const { key, cert } = await loadOrCreateCertificate(folder, hosts, clock());
    const pair = judgePair(key, cert, clock());
    if (typeof pair === 'string') throw fail('host.bad_certificate', pair);
    return pair;
  };
  const holder = new Holder(await make(), { kind: 'self-signed', pinned: true, log, clock, every });
  holder.repeat(LOOK_TIME, () => {
    make().then(
      (pair) => holder.replace(pair),
      () => log.warn('certificate.failed', { kind: 'self-signed', reason: 'home' }),
    );
  });
  return holder;
}
