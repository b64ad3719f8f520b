import type { Random } from '@caponier/crypto';
import type { Home } from '../../home/home.ts';
import type { Lock } from '../../home/lock.ts';
import type { Log } from '../../log/log.ts';
import { judgePair, type Pair } from '../pair.ts';
import { type Challenges, openChallenges } from './challenges.ts';
import { freshKey, orderCertificate } from './order.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** A certificate is renewed this long before its end, or in the last third of its life, whichever is later. */
const RENEW_TIME = 30 * DAY;

/** After a failed order: first pause, longest pause. Authorities allow five failures a name an hour. */
const PAUSE = { first: 5 * MINUTE, longest: 12 * 60 * MINUTE } as const;

/** Part of a pause by which it is longer, at random: services that failed together do not come back together. */
const JITTER = 0.2;

/** Milliseconds before a look at what another process of this home is ordering. */
const OTHER_TIME = 5_000;

export interface OrdersOptions {
  /** The folder of keys and certificates. */
  readonly folder: Home;
  readonly directory: string;
  /** Exact host names (`parseNames`). */
  readonly names: readonly string[];
  readonly email?: string | undefined;
  /** Where challenges are answered: the authority comes to port 80 of each name. */
  readonly challenge: { readonly host: string; readonly port: number };
  readonly log: Log;
  readonly clock: () => number;
  readonly random: Random;
}

const KEY_END = '-----END PRIVATE KEY-----\n';

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** The pair in the folder, if it is good now; key and chain lie in one file, so that they are never of two orders. */
export function loadOrdered({ folder, names, clock }: OrdersOptions): Pair | undefined {
  const bytes = folder.read(fileOf(names));
  const text = bytes && new TextDecoder().decode(bytes);
  const at = text?.indexOf(KEY_END) ?? -1;
  if (!text || at < 0) return undefined;
  const end = at + KEY_END.length;
  const pair = judgePair(text.slice(0, end), text.slice(end), clock(), names);
  return typeof pair === 'string' ? undefined : pair;
}

const fileOf = (names: readonly string[]) => `acme-${names[0]?.slice(0, 100)}.pem`;

function accountKey(folder: Home): string {
  const read = () => folder.read('acme-account.pem');
  const known = read();
  if (known) return new TextDecoder().decode(known);
  const made = freshKey();
  return folder.create('acme-account.pem', bytesOf(made)) ? made : new TextDecoder().decode(read());
}

/** Whether it is time for another one. */
export const isDue = ({ begins, ends }: Pair, now: number) => ends - now < Math.min(RENEW_TIME, (ends - begins) / 3);

/** Why there is no pair, in a word for the log: what an authority writes may hold anything. */
class Failure extends Error {
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}

/** Orders, checks and keeps a pair. Throws a `Failure`. */
async function obtain(options: OrdersOptions): Promise<Pair> {
  const { folder, names, directory, email, clock, challenge, log } = options;
  log.event('certificate.ordering', { kind: 'acme', count: names.length });
  let challenges: Challenges;
  try {
    challenges = await openChallenges(challenge);
  } catch {
    throw new Failure('challenge-port');
  }
  try {
    const { key, cert } = await orderCertificate({
      directory,
      accountKey: accountKey(folder),
      email,
      names,
      challenges,
    });
    const pair = judgePair(key, cert, clock(), names);
    if (typeof pair === 'string') throw new Failure(`bad-certificate:${pair}`);
    folder.write(fileOf(names), bytesOf(`${key.trimEnd()}\n${cert}`));
    return pair;
  } catch (error) {
    if (error instanceof Failure) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(typeof code === 'string' ? code : challenges.fetched ? 'rejected' : 'challenge-not-fetched');
  } finally {
    await challenges.close();
  }
}

/** From 0 to below 1. */
const fraction = (random: Random) => new DataView(random(4).buffer).getUint32(0) / 2 ** 32;

/** One order at a time in this home, and no second one for what another process has just got. */
export class Orders {
  readonly #options: OrdersOptions;
  #failures = 0;
  #running = false;
  /** Before it nothing is ordered. */
  next = Number.NEGATIVE_INFINITY;

  constructor(options: OrdersOptions) {
    this.#options = options;
  }

  /** A pair that is good and not due, from the folder or from the authority; undefined where that has to wait. */
  async get(): Promise<Pair | undefined> {
    const { log, clock, random } = this.#options;
    if (this.#running || clock() < this.next) return undefined;
    this.#running = true;
    let lock: Lock | undefined;
    try {
      lock = this.#options.folder.lock('acme');
      const known = loadOrdered(this.#options);
      const pair = known && !isDue(known, clock()) ? known : await obtain(this.#options);
      this.#failures = 0;
      this.next = clock() + DAY * (1 - JITTER * fraction(random));
      return pair;
    } catch (error) {
      if ((error as { code?: unknown }).code === 'host.locked') {
        this.next = clock() + OTHER_TIME;
        return undefined;
      }
      const pause = Math.min(PAUSE.longest, PAUSE.first * 2 ** this.#failures++) * (1 + JITTER * fraction(random));
      this.next = clock() + pause;
      const reason = error instanceof Failure ? error.reason : 'home';
      log.error('certificate.failed', { kind: 'acme', reason, ms: Math.round(pause), count: this.#failures });
      return undefined;
    } finally {
      this.#running = false;
      lock?.release();
    }
  }
}
