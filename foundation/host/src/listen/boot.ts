import { fail } from '@caponier/protocol';
import type { Log } from '../log/log.ts';
import { isLoopback } from './address.ts';
import { UNSAFE_WARNING_TIME } from './limits.ts';
import type { Networks } from './networks.ts';

/** Throws `host.root` unless it was said explicitly: a fault in a service should not own the machine. */
export function refuseRoot(options: { readonly allowRoot?: boolean }): void {
  if (process.getuid?.() === 0 && options.allowRoot !== true) throw fail('host.root');
}

interface Bind {
  readonly host: string;
  readonly tls?: unknown;
  readonly allowUnsafePublicBind?: boolean;
}

const isUnsafe = ({ host, tls }: Bind) => !tls && !isLoopback(host);

/** Throws `host.public_plaintext` for a listener without TLS that more than this machine can reach. */
export function refusePublicPlaintext(bind: Bind): void {
  if (isUnsafe(bind) && bind.allowUnsafePublicBind !== true) throw fail('host.public_plaintext', bind.host);
}

/** Throws `host.bad_config` where every connection has to come through a proxy and none is named: nobody could come. */
export function refuseNobody(options: { readonly proxyProtocol?: boolean; readonly trusted?: Networks }): void {
  if (options.proxyProtocol !== true || (options.trusted?.size ?? 0) > 0) return;
  throw fail('host.bad_config', '--proxy-protocol needs --trust-proxy');
}

/** Throws `host.public_metrics` for a listener of metrics that more than this machine can reach, with TLS or without. */
export function refusePublicMetrics(host: string): void {
  if (!isLoopback(host)) throw fail('host.public_metrics', host);
}

/** Says now and every minute that the listener is open to everybody in plaintext, where it is. Returns what ends that. */
export function warnUnsafe(bind: Bind, log: Log, port: number): () => void {
  if (!isUnsafe(bind)) return () => {};
  const warn = () => log.warn('listener.unsafe', { port });
  warn();
  const timer = setInterval(warn, UNSAFE_WARNING_TIME);
  timer.unref();
  return () => clearInterval(timer);
}
