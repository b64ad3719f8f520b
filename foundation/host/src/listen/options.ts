import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Log } from '../log/log.ts';
import type { ListenerHit, ListenerLimits } from './limits.ts';
import type { Networks } from './networks.ts';

/** What answers requests: a hono application. */
export interface Application {
  fetch(request: Request, env: unknown): Response | Promise<Response>;
}

/** What a listener serves TLS with: a pair that stays, or a `CertificateSource` whose pair changes while it serves. */
export interface ServedCertificate {
  /** PEM (PKCS#8). */
  readonly key: string;
  /** PEM: the certificate, then those that lead to its root. */
  readonly cert: string;
  /** Calls `changed` when `key` and `cert` are others; what it returns ends that. */
  onChange?(changed: () => void): () => void;
}

/** Takes a WebSocket upgrade. `address`: what the client counts as (`addressKey`), whichever proxies it came through. */
export type OnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer, address: string) => void;

export interface ServeOptions {
  /** The address to bind to. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Without it the listener speaks plaintext. */
  readonly tls?: ServedCertificate;
  readonly limits: ListenerLimits;
  readonly log: Log;
  readonly clock: () => number;
  /** Plaintext beyond this machine, for development; warned of every minute. */
  readonly allowUnsafePublicBind?: boolean;
  readonly allowRoot?: boolean;
  /**
   * Proxies whose word about the client's address counts (X-Forwarded-For, PROXY protocol). Default: none. A proxy on this
   * machine has to be named too, as `127.0.0.1` or `::1`: until then all its clients share one address, the loopback,
   * and so one rate, and connections that come through it have no cap of their own.
   */
  readonly trusted?: Networks;
  /** Every connection begins with a PROXY header, version 2, from a proxy in `trusted`, or is cut. */
  readonly proxyProtocol?: boolean;
  /** Called each time a limit bites; at most once for each connection or request. */
  readonly onLimit?: (name: ListenerHit) => void;
  /**
   * Takes WebSocket upgrades on the same port (`WebSocketServer.handleUpgrade` with `noServer`). Whatever it does not take
   * it refuses with `refuseSocket`, and it bounds how many there are: `maxConnections` counts them no more. Without it every
   * upgrade is refused with `host.not_found`; while the listener closes, with `host.busy` and a `Retry-After`.
   */
  readonly onUpgrade?: OnUpgrade;
}

export interface Listener {
  readonly port: number;
  /** With the scheme, the host as bound and the port. */
  readonly url: string;
  /** Connections open now, upgraded ones too. */
  readonly connections: number;
  /**
   * Takes no more connections, lets requests under way end, and cuts what is left after `grace` milliseconds (default
   * `DRAIN_TIME`). End streams and WebSockets first: they do not end by themselves.
   */
  close(grace?: number): Promise<void>;
}
