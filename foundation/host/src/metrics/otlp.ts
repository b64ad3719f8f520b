import { fail } from '@caponier/protocol';
import { isLoopback } from '../listen/address.ts';
import type { Log } from '../log/log.ts';
import { type PostOptions, post } from '../outbound/post.ts';
import type { Metrics } from './metrics.ts';
import { otlpOf } from './otlp-form.ts';

/** Milliseconds between two exports. */
const EXPORT_MS = 30_000;

export interface OtlpOptions {
  readonly metrics: Metrics;
  readonly service: string;
  readonly version: string;
  /** Base address of the collector; `/v1/metrics` comes behind it. */
  readonly endpoint: string;
  readonly clock: () => number;
  readonly log: Log;
  /** For tests: the network, and a shorter interval. */
  readonly post?: Pick<PostOptions, 'ca' | 'resolve' | 'maxMs'>;
  readonly everyMs?: number;
}

/**
 * Where the numbers go. Whoever runs the service names it, so it may be in a private network; but not in plaintext beyond this
 * machine. Throws `host.bad_config`.
 */
function addressOf(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (!url || !safe || url.username || url.password || url.hash || url.search) {
    throw fail('host.bad_config', '--otlp-endpoint: an https address, or http to this machine');
  }
  return `${url.href.replace(/\/$/, '')}/v1/metrics`;
}

/**
 * Sends all numbers to an OpenTelemetry collector (OTLP/HTTP, JSON) every half minute, until what it yields is called. One
 * export at a time, and none is kept: sums count from the start, so the next one makes up for a lost one. A collector that
 * is away costs a line when it goes and one when it is back. Throws `host.bad_config`.
 */
export function exportMetrics(options: OtlpOptions): () => void {
  const { metrics, service, version, clock, log, post: network, everyMs = EXPORT_MS } = options;
  const url = addressOf(options.endpoint);
  const started = clock();
  const stopping = new AbortController();
  const count = metrics.table('otlp_exports_total', 'Exports of numbers to a collector.', {
    outcome: ['taken', 'failed'],
  });
  let running = false;
  let away = false;
  const once = async () => {
    const form = otlpOf(await metrics.read(), { service, version, started, now: clock() });
    const body = new TextEncoder().encode(JSON.stringify(form));
    const headers = { 'content-type': 'application/json', 'user-agent': 'caponier' };
    const sent = { ...network, url, headers, body, allowLoopback: true, anywhere: true, signal: stopping.signal };
    const status = await post(sent).catch(() => 0);
    const taken = status >= 200 && status < 300;
    count([taken ? 'taken' : 'failed']);
    if (stopping.signal.aborted || away === !taken) return;
    away = !taken;
    if (away) log.warn('metrics.export_failed', status > 0 ? { status } : { reason: 'unreachable' });
    else log.event('metrics.export_resumed');
  };
  const timer = setInterval(() => {
    if (running) return;
    running = true;
    void once()
      .catch(() => count(['failed']))
      .finally(() => {
        running = false;
      });
  }, everyMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    stopping.abort();
  };
}
