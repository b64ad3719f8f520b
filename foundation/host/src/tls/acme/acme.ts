import { setTimeout } from 'node:timers/promises';
import { fail } from '@caponier/protocol';
import { type CertificateSource, type Every, everyUnref, Holder } from '../source.ts';
import { isDue, loadOrdered, Orders, type OrdersOptions } from './orders.ts';

/** Milliseconds between two looks whether something is to be done; short, since a machine that slept has missed a longer one. */
const LOOK_TIME = 60_000;

export interface AcmeOptions extends OrdersOptions {
  /** The authority's terms of service, to which only a person can agree. */
  readonly agreedToTerms: boolean;
  readonly every?: Every;
  /** Waits, for the first certificate; keeps the process alive. */
  readonly sleep?: (ms: number) => Promise<void>;
}

/**
 * A certificate from an authority that speaks ACME (RFC 8555). Resolves when there is one: from an earlier start, or
 * ordered now, as often as it takes; a process that ended instead would be started again, and use up the orders that
 * an authority allows. It is renewed in time, and what is good is served until its end, whatever fails meanwhile. Throws
 * `host.bad_config` where nobody agreed to the terms.
 */
export async function acmeCertificate(options: AcmeOptions): Promise<CertificateSource> {
  const { log, clock, every = everyUnref, sleep = setTimeout } = options;
  if (!options.agreedToTerms) throw fail('host.bad_config', 'read the terms of the authority, then --acme-agree-terms');
  const orders = new Orders(options);
  let pair = loadOrdered(options);
  while (!pair) {
    pair = await orders.get();
    if (!pair) await sleep(Math.max(100, orders.next - clock()));
  }
  const holder = new Holder(pair, { kind: 'acme', pinned: false, log, clock, every });
  const look = async () => {
    if (!isDue(holder.pair, clock())) return;
    const renewed = await orders.get();
    if (renewed) holder.replace(renewed);
  };
  holder.repeat(LOOK_TIME, () => void look());
  void look();
  return holder;
}
