import type { Log } from '../log/log.ts';
import type { Pair } from './pair.ts';

/** Where a certificate comes from. */
export type CertificateKind = 'self-signed' | 'files' | 'acme';

/** What a listener serves TLS with, for as long as it serves: `key` and `cert` are always the newest good pair. */
export interface CertificateSource {
  readonly kind: CertificateKind;
  /** PEM (PKCS#8). */
  readonly key: string;
  /** PEM: the certificate, then those that lead to its root. */
  readonly cert: string;
  /** What clients pin: SHA-256 of the public key (SPKI, DER), base64url. Null where an authority vouches and keys change. */
  readonly pin: string | null;
  /** Milliseconds since the epoch at which the certificate ends. */
  readonly ends: number;
  onChange(changed: () => void): () => void;
  close(): void;
}

/** Repeats `work`, `ms` milliseconds apart, until what it returns is called. */
export type Every = (ms: number, work: () => void) => () => void;

/** Timers that do not keep a process alive. */
export const everyUnref: Every = (ms, work) => {
  const timer = setInterval(work, ms);
  timer.unref();
  return () => clearInterval(timer);
};

/** Days left at which an operator is told, once a day: what should have renewed it has failed for a while then. */
const EXPIRING_DAYS = 14;

const DAY = 24 * 3600 * 1000;

/** Milliseconds between two looks at the calendar. Short, since a machine that slept has missed any longer one. */
const LOOK_TIME = 60_000;

export interface HolderOptions {
  readonly kind: CertificateKind;
  readonly pinned: boolean;
  readonly log: Log;
  readonly clock: () => number;
  readonly every: Every;
}

/** A source's pair: replaced as a whole, told to listeners, and warned of while it nears its end. */
export class Holder implements CertificateSource {
  readonly kind: CertificateKind;
  readonly #options: HolderOptions;
  readonly #listeners = new Set<() => void>();
  readonly #ends: (() => void)[] = [];
  #pair: Pair;
  #warned = Number.NEGATIVE_INFINITY;

  constructor(pair: Pair, options: HolderOptions) {
    this.kind = options.kind;
    this.#pair = pair;
    this.#options = options;
    this.#warn();
    this.repeat(LOOK_TIME, () => this.#warn());
  }

  get pair(): Pair {
    return this.#pair;
  }

  get key(): string {
    return this.#pair.key;
  }

  get cert(): string {
    return this.#pair.cert;
  }

  get pin(): string | null {
    return this.#options.pinned ? this.#pair.pin : null;
  }

  get ends(): number {
    return this.#pair.ends;
  }

  replace(pair: Pair): void {
    if (pair.key === this.#pair.key && pair.cert === this.#pair.cert) return;
    this.#pair = pair;
    this.#warned = Number.NEGATIVE_INFINITY;
    const { log, clock } = this.#options;
    log.event('certificate.renewed', { kind: this.kind, value: Math.floor((pair.ends - clock()) / DAY) });
    for (const listener of this.#listeners) listener();
  }

  repeat(ms: number, work: () => void): void {
    this.#ends.push(this.#options.every(ms, work));
  }

  /** `end` is called when the source is closed. */
  until(end: () => void): void {
    this.#ends.push(end);
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => void this.#listeners.delete(changed);
  }

  close(): void {
    for (const end of this.#ends.splice(0)) end();
    this.#listeners.clear();
  }

  /** `value`: whole days left; negative when it is over. */
  #warn(): void {
    const { log, clock } = this.#options;
    const left = this.#pair.ends - clock();
    if (left > EXPIRING_DAYS * DAY || clock() - this.#warned < DAY) return;
    this.#warned = clock();
    log.warn('certificate.expiring', { kind: this.kind, value: Math.floor(left / DAY) });
  }
}
