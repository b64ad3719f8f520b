import { setTimeout as wait } from 'node:timers/promises';
import { type Random, toBase64url } from '@caponier/crypto';
import { entryOf } from '@caponier/protocol';
import type { Home } from '../home/home.ts';
import { allowed, type LogFields } from '../log/fields.ts';
import type { Log } from '../log/log.ts';
import type { Meter } from '../metrics/meter.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { type PostOptions, post } from '../outbound/post.ts';
import { type AlertKind, alertKinds } from './kinds.ts';
import { Pace } from './pace.ts';
import type { Webhook } from './settings.ts';
import { signatureOf } from './sign.ts';
import { type Alert, Spool } from './spool.ts';

/** Hours after which an alert that nobody took is given up. */
const MAX_ALERT_HOURS = 24;
/** Milliseconds before a second attempt, and the most between two: doubled in between, with jitter. */
const RETRY_MS = { first: 1_000, longest: 300_000 } as const;
/** Milliseconds between two looks at what was held back. */
const PACE_MS = 10_000;

const kinds = Object.keys(alertKinds) as AlertKind[];
const counters = {
  raised: { label: 'kind', values: kinds, help: 'Events that are alerts, by kind.' },
  webhook: {
    label: 'outcome',
    values: ['delivered', 'failed', 'dropped'] as const,
    help: 'Attempts at the webhook that were taken or failed, and alerts that were given up.',
  },
} as const;

type AlertMeter = Meter<typeof counters, Record<never, string>>;

export interface AlertsOptions {
  readonly service: string;
  /** Undefined: alerts stand in the log and in the counters only. */
  readonly webhook: Webhook | undefined;
  /** The folder for alerts that wait for their receiver. */
  readonly home: Home;
  readonly clock: () => number;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** For tests: the network, and shorter pauses. */
  readonly post?: Pick<PostOptions, 'ca' | 'resolve' | 'maxMs'>;
  readonly retryMs?: { readonly first: number; readonly longest: number };
  readonly paceMs?: number;
}

/** Tells the operator. */
export interface Alerts {
  /** Never throws and never waits: telling must not disturb what is told of. */
  raise(kind: AlertKind, fields?: LogFields): void;
  /** Stops; what was not delivered is kept for the next start. */
  close(): Promise<void>;
}

/** The event itself is in the log already, written by whoever raised it; this counts it and brings it to the webhook. */
export function createAlerts(options: AlertsOptions): Alerts {
  const meter = options.metrics.meter('alerts', counters, {});
  const { webhook } = options;
  if (!webhook) return { raise: (kind) => meter.add('raised', kind), close: async () => undefined };
  const delivery = new Delivery({ ...options, webhook }, meter);
  options.metrics.gauge({
    name: 'alerts_waiting',
    help: 'Alerts that wait for their receiver.',
    sample: () => delivery.waiting,
  });
  return {
    raise(kind, fields = {}) {
      meter.add('raised', kind);
      delivery.offer(kind, fields);
    },
    close: () => delivery.close(),
  };
}

class Delivery {
  readonly #options: AlertsOptions & { readonly webhook: Webhook };
  readonly #meter: AlertMeter;
  readonly #spool: Spool;
  readonly #pace: Pace<LogFields>;
  readonly #closing = new AbortController();
  readonly #looking: NodeJS.Timeout;
  readonly #running: Promise<void>;
  #wake: () => void = () => undefined;

  constructor(options: AlertsOptions & { readonly webhook: Webhook }, meter: AlertMeter) {
    this.#options = options;
    this.#meter = meter;
    this.#spool = new Spool(options.home);
    this.#pace = new Pace(options.clock);
    if (!this.#spool.sound) options.log.warn('alert.spool_damaged');
    this.#looking = setInterval(() => {
      for (const { kind, count, fields } of this.#pace.due()) this.#keep(kind, count, fields);
    }, options.paceMs ?? PACE_MS).unref();
    this.#running = this.#run();
  }

  get waiting(): number {
    return this.#spool.size;
  }

  offer(kind: AlertKind, fields: LogFields): void {
    if (this.#closing.signal.aborted) return;
    const count = this.#pace.take(kind, fields);
    if (count > 0) this.#keep(kind, count, fields);
  }

  #keep(kind: AlertKind, count: number, fields: LogFields): void {
    const { clock, random, service, log } = this.#options;
    const id = toBase64url(random(16));
    const alert: Alert = { id, kind, at: clock(), service, fields: { ...allowed(fields), count } };
    try {
      if (!this.#spool.add(alert)) {
        log.warn('alert.dropped', { kind, reason: 'queue_full' });
        this.#meter.add('webhook', 'dropped');
        return;
      }
    } catch (error) {
      // A full disk is one of the things that alerts tell of: it goes out all the same, but would not survive a restart.
      log.error('alert.not_kept', { kind, code: entryOf(error).code });
    }
    this.#wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let failures = 0;
    while (!signal.aborted) {
      const alert = this.#spool.first();
      if (!alert) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      if (await this.#settle(alert)) {
        failures = 0;
        continue;
      }
      failures += 1;
      await this.#pause(failures);
    }
  }

  /** Whether the alert is done with: taken, or too old. */
  async #settle(alert: Alert): Promise<boolean> {
    const { clock, log } = this.#options;
    try {
      const old = clock() - alert.at > MAX_ALERT_HOURS * 3_600_000;
      if (!old && !(await this.#attempt(alert))) return false;
      if (old) {
        log.warn('alert.dropped', { kind: alert.kind, reason: 'too_old' });
        this.#meter.add('webhook', 'dropped');
      }
      this.#spool.remove(alert.id);
      return true;
    } catch (error) {
      log.error('alert.failed', { kind: alert.kind, code: entryOf(error).code });
      return false;
    }
  }

  async #attempt(alert: Alert): Promise<boolean> {
    const { webhook, clock, log, post: network } = this.#options;
    const { signal } = this.#closing;
    const body = new TextEncoder().encode(JSON.stringify(alert));
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'caponier',
      'caponier-alert-id': alert.id,
      'caponier-signature': signatureOf(webhook.secret, body, Math.floor(clock() / 1000)),
    };
    const { url, allowLoopback } = webhook;
    const status = await post({ ...network, url, allowLoopback, headers, body, signal }).catch(() => 0);
    if (signal.aborted) return false;
    const taken = status >= 200 && status < 300;
    this.#meter.add('webhook', taken ? 'delivered' : 'failed');
    if (!taken)
      log.warn('alert.failed', { kind: alert.kind, ...(status > 0 ? { status } : { reason: 'unreachable' }) });
    return taken;
  }

  /** Twice as long after each failure, half of it by chance: many senders do not come back together. */
  async #pause(failures: number): Promise<void> {
    const { random, retryMs = RETRY_MS } = this.#options;
    const { signal } = this.#closing;
    const whole = Math.min(retryMs.longest, retryMs.first * 2 ** Math.min(failures - 1, 20));
    const chance = (random(1)[0] ?? 0) / 255;
    await wait(whole / 2 + (whole / 2) * chance, undefined, { signal }).catch(() => undefined);
  }

  async close(): Promise<void> {
    clearInterval(this.#looking);
    for (const { kind, count, fields } of this.#pace.rest()) this.#keep(kind, count, fields);
    this.#closing.abort();
    this.#wake();
    await this.#running;
  }
}
