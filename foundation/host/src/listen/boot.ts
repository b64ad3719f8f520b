import { fail } from '@caponier/protocol';
import { isLoopback } from './address.ts';

/** Throws `host.root` unless it was said explicitly: a fault in a service should not own the machine. */
export function refuseRoot(options: { readonly allowRoot?: boolean }): void {
  if (process.getuid?.() === 0 && options.allowRoot !== true) throw fail('host.root');
}

/** Throws `host.public_plaintext` for a listener without TLS that more than this machine can reach. */
export function refusePublicPlaintext(options: {
  readonly host: string;
  readonly tls?: unknown;
  readonly allowUnsafePublicBind?: boolean;
}): void {
  if (options.tls || isLoopback(options.host) || options.allowUnsafePublicBind === true) return;
  throw fail('host.public_plaintext', options.host);
}
