import { defineLimit, readLimits, type Settings } from '../limit.ts';

/** Limits of every listener of every domain (design section 12). */

const maxConnections = defineLimit({
  name: 'maxConnections',
  default: 10_000,
  min: 1,
  max: 1_000_000,
  flag: '--max-connections',
  env: 'CAPONIER_MAX_CONNECTIONS',
  doc: 'open connections of one listener, WebSockets apart; above it one that waits is cut for one that comes',
});

const maxConnectionsPerAddress = defineLimit({
  name: 'maxConnectionsPerAddress',
  default: 1_000,
  min: 1,
  max: 1_000_000,
  flag: '--max-connections-per-address',
  env: 'CAPONIER_MAX_CONNECTIONS_PER_ADDRESS',
  doc: 'open connections of one address (IPv6: /64), this machine excepted; above it HTTP 503',
});

const maxRequestsPerMinute = defineLimit({
  name: 'maxRequestsPerMinute',
  default: 6_000,
  min: 1,
  max: 100_000_000,
  flag: '--max-requests-per-minute',
  env: 'CAPONIER_MAX_REQUESTS_PER_MINUTE',
  doc: 'requests a minute, sustained, of one address (IPv6: /64); above it HTTP 429',
});

const requestBurst = defineLimit({
  name: 'requestBurst',
  default: 1_000,
  min: 1,
  max: 100_000_000,
  flag: '--request-burst',
  env: 'CAPONIER_REQUEST_BURST',
  doc: 'requests of one address (IPv6: /64) at once',
});

const maxBodyBytes = defineLimit({
  name: 'maxBodyBytes',
  default: 2 * 1024 * 1024,
  min: 1024,
  max: 1024 ** 3,
  flag: '--max-body-bytes',
  env: 'CAPONIER_MAX_BODY_BYTES',
  doc: 'bytes of one request body; above it HTTP 413, before any of it is read',
});

const maxBodyBytesTogether = defineLimit({
  name: 'maxBodyBytesTogether',
  default: 256 * 1024 * 1024,
  min: 1024,
  max: 1024 ** 4,
  flag: '--max-body-bytes-together',
  env: 'CAPONIER_MAX_BODY_BYTES_TOGETHER',
  doc: 'bytes of all request bodies under way; above it HTTP 503',
});

const headerSeconds = defineLimit({
  name: 'headerSeconds',
  default: 10,
  min: 1,
  max: 600,
  flag: '--header-seconds',
  env: 'CAPONIER_HEADER_SECONDS',
  doc: 'seconds for TLS, and again for the headers of a request; then HTTP 408',
});

const requestSeconds = defineLimit({
  name: 'requestSeconds',
  default: 60,
  min: 1,
  max: 3_600,
  flag: '--request-seconds',
  env: 'CAPONIER_REQUEST_SECONDS',
  doc: 'seconds for a whole request to arrive; then HTTP 408',
});

const responseSeconds = defineLimit({
  name: 'responseSeconds',
  default: 60,
  min: 1,
  max: 3_600,
  flag: '--response-seconds',
  env: 'CAPONIER_RESPONSE_SECONDS',
  doc: 'seconds for the other side to read the piece of an answer that is under way; then it is cut',
});

export const listenerLimits = [
  maxConnections,
  maxConnectionsPerAddress,
  maxRequestsPerMinute,
  requestBurst,
  maxBodyBytes,
  maxBodyBytesTogether,
  headerSeconds,
  requestSeconds,
  responseSeconds,
] as const;

export type ListenerLimits = Readonly<
  Record<
    | 'maxConnections'
    | 'maxConnectionsPerAddress'
    | 'maxRequestsPerMinute'
    | 'requestBurst'
    | 'maxBodyBytes'
    | 'maxBodyBytesTogether'
    | 'headerSeconds'
    | 'requestSeconds'
    | 'responseSeconds',
    number
  >
>;

/**
 * The values in force. Throws `host.bad_config` for what is no whole number in range, and for two that cannot both hold: a
 * share above the whole, or headers that may take longer than their request.
 */
export function readListenerLimits(settings: Settings): ListenerLimits {
  return readLimits(listenerLimits, settings, [
    [maxConnectionsPerAddress, maxConnections],
    [maxBodyBytes, maxBodyBytesTogether],
    [headerSeconds, requestSeconds],
  ]) as ListenerLimits;
}

/** What of a listener can bite: its limits by name, and those that have no flag. For counters, which begin at 0. */
export const listenerHits = [
  'maxConnections',
  'maxConnectionsPerAddress',
  'maxRequestsPerMinute',
  'maxBodyBytes',
  'maxBodyBytesTogether',
  'headerBytes',
  'headerSeconds',
  'requestSeconds',
  'responseSeconds',
  'pipelined',
  'tlsHandshake',
  'proxyHeader',
] as const;

export type ListenerHit = (typeof listenerHits)[number];

/** Seconds an idle connection is kept for the next request. */
export const KEEP_ALIVE_SECONDS = 10;

/** Bytes of all headers of one request: room for one statement of 16 KiB. */
export const MAX_HEADER_BYTES = 32 * 1024;

/** Headers of one request; one with more is refused. */
export const MAX_HEADERS = 64;

/** Milliseconds between two looks for requests past their time: Node's own 30 s would make 10 s into 40. */
export const CHECKING_INTERVAL = 1_000;

/** Connections above the limit that are told so at the same time; above it they are cut without a word. */
export const MAX_REFUSALS = 256;

/** Milliseconds for a refusal to go out before its connection is cut. */
export const REFUSAL_TIME = 2_000;

/** Milliseconds for a refusal that went out to be read, where the other side does not hang up. */
export const LINGER_TIME = 250;

/** Milliseconds that requests under way get when a listener closes. */
export const DRAIN_TIME = 10_000;

/** Seconds after which who was told 503 should come back. */
export const RETRY_AFTER_SECONDS = 10;

/** Requests of one connection that wait for their answers: browsers and agents send one, and then wait. */
export const MAX_PIPELINED = 16;

/** Milliseconds between two warnings about a listener that is open to everybody in plaintext. */
export const UNSAFE_WARNING_TIME = 60_000;
