/** Milliseconds until the answer's headers are there (name, connection, TLS and the service's own work), unless said otherwise. */
export const REQUEST_TIMEOUT = 30_000;

/** Milliseconds between two pieces of an answer's body, unless said otherwise. */
export const IDLE_TIMEOUT = 30_000;

/** Milliseconds until a WebSocket is open, unless said otherwise. */
export const CONNECT_TIMEOUT = 10_000;

/** Bytes of an answer's body, unless said otherwise. */
export const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;

/** Bytes of one WebSocket message that comes in, unless said otherwise. A relay frame is 256 KiB. */
export const MAX_SOCKET_MESSAGE = 256 * 1024;

export interface FetchInit {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Ends the request, or the answer that is still coming. */
  readonly signal?: AbortSignal;
  /** Milliseconds, default `REQUEST_TIMEOUT`. */
  readonly timeout?: number;
  /** Milliseconds, default `IDLE_TIMEOUT`; for a stream, longer than its quiet times. */
  readonly idleTimeout?: number;
  /** Default `MAX_RESPONSE_BYTES`; a stream that is read piece by piece may say `Infinity`. */
  readonly maxBytes?: number;
}

/** An answer, of any status. Its body is read once, by one of the four. */
export interface TransportResponse {
  readonly status: number;
  /** One header by its name, in any case; null where it is not there. */
  header(name: string): string | null;
  /**
   * The pieces as they come. Reading throws `host.body_too_large` above `maxBytes`, `host.unreachable` when the connection
   * breaks or is quiet for too long. Leaving the loop ends the connection.
   */
  readonly body: AsyncIterable<Uint8Array>;
  bytes(): Promise<Uint8Array>;
  text(): Promise<string>;
  /** Throws `host.unreachable` where the answer is not JSON. */
  json(): Promise<unknown>;
}

export interface ConnectInit {
  /** SHA-256 of the certificate's public key, base64url. */
  readonly pin?: string;
  readonly signal?: AbortSignal;
  /** Milliseconds, default `CONNECT_TIMEOUT`. */
  readonly timeout?: number;
  /** Default `MAX_SOCKET_MESSAGE`; after a larger message the other side is told 1009, and `onClose` 1006. */
  readonly maxMessageBytes?: number;
  /** Called for each binary message; a text message closes the connection with 1003. Never before `connect` resolves. */
  onMessage(message: Uint8Array): void;
  /** Called once, whoever closed: 1006 where the connection broke. Not called when `connect` throws. */
  onClose(code: number, reason: string): void;
}

/** A WebSocket of binary messages. */
export interface BinarySocket {
  /** Bytes handed over and not sent yet: whoever sends much waits for it to fall. */
  readonly bufferedBytes: number;
  /** Does nothing once closed. */
  send(message: Uint8Array): void;
  /** 1000, or 3000 to 4999 (RFC 6455 section 7.4). */
  close(code?: number, reason?: string): void;
}

/**
 * The network, as an argument.
 *
 * `https:` and `wss:` are verified the usual way, or against `pin` instead: the base64url SHA-256 of the certificate's
 * public key (SPKI), compared before any byte of the request is sent. Plain `http:` and `ws:` reach this machine only
 * (`host.insecure_address`). Redirects are not followed: an answer may not choose who gets the request. Throws
 * `host.unreachable`, `host.pin_mismatch`, `host.bad_config` (not an address). Where an upgrade is answered with 429 or 503,
 * `connect` throws `host.rate_limited` or `host.busy`, and `toldToWait` says for how long, if the answer did; a browser
 * shows a page nothing of such an answer: there it is `host.unreachable`.
 */
export interface Transport {
  fetch(url: string, init?: FetchInit, pin?: string): Promise<TransportResponse>;
  connect(url: string, init: ConnectInit): Promise<BinarySocket>;
  /** Ends idle connections. */
  close(): void;
}
