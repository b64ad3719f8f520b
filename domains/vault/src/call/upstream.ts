import { lookup } from 'node:dns/promises';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';
import { reachOf } from '@caponier/host/outbound';
import { fail } from '@caponier/protocol';
import { isAddress } from './hosts.ts';
import type { FilledCall } from './inject.ts';

/** Milliseconds one call may take, from the name's resolution to the last byte of the answer. */
export const MAX_CALL_MS = 30_000;

/** Bytes of an answer's body that are passed on; what is longer is cut off. */
export const MAX_ANSWER_BYTES = 1024 * 1024;

export interface RawAnswer {
  readonly status: number;
  /** Lower-case names; several of one name are joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The body was longer than `MAX_ANSWER_BYTES`, or broke off. */
  readonly truncated: boolean;
}

/**
 * The network, as the vault needs it: one call, no redirect followed, no cookie kept. What it throws tells whether the
 * call may have happened: `vault.private_address` and `vault.upstream_failed` where surely nothing was sent,
 * `worker.outcome_unknown` from the first byte on. Messages hold nothing of the call.
 */
export type Upstream = (call: FilledCall, rules: { readonly allowPrivate: boolean }) => Promise<RawAnswer>;

export interface NodeUpstreamOptions {
  /** Further certificate authorities (PEM), for instance of a private network. */
  readonly ca?: readonly string[];
  /** Yields every address of a host name. Default: the system's resolver. */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>;
  /** Default `MAX_CALL_MS`. */
  readonly maxMs?: number;
}

const systemResolver = async (hostname: string) =>
  (await lookup(hostname, { all: true, verbatim: true })).map(({ address }) => address);

export function createNodeUpstream(options: NodeUpstreamOptions = {}): Upstream {
  const resolve = options.resolve ?? systemResolver;
  return async (call, { allowPrivate }) => {
    const signal = AbortSignal.timeout(options.maxMs ?? MAX_CALL_MS);
    const url = new URL(call.origin);
    const address = await pick(url.hostname, resolve, allowPrivate, signal);
    return send(call, url, address, signal, options.ca);
  };
}

/** The address to connect to. One bad address among several refuses the call: which of them is used is luck. */
async function pick(
  hostname: string,
  resolve: (hostname: string) => Promise<readonly string[]>,
  allowPrivate: boolean,
  signal: AbortSignal,
): Promise<string> {
  // The owner named the address itself, in the secret's entry, so he meant it.
  if (isAddress(hostname)) return hostname.replace(/^\[|\]$/g, '');
  let addresses: readonly string[];
  try {
    addresses = await Promise.race([
      resolve(hostname),
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true })),
    ]);
  } catch {
    throw fail('vault.upstream_failed', 'name resolution');
  }
  const first = addresses[0];
  if (first === undefined) throw fail('vault.upstream_failed', 'no address');
  for (const address of addresses) {
    const reach = reachOf(address);
    if (reach === 'never' || (reach === 'private' && !allowPrivate)) throw fail('vault.private_address');
  }
  return first;
}

function send(
  call: FilledCall,
  url: URL,
  address: string,
  signal: AbortSignal,
  ca: readonly string[] | undefined,
): Promise<RawAnswer> {
  const secure = url.protocol === 'https:';
  const text = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  const body = call.body?.expose();
  const headers: Record<string, string> = { host: url.host, 'accept-encoding': 'identity', connection: 'close' };
  for (const [name, value] of call.headers) headers[name] = text(value.expose());
  if (body) headers['content-length'] = String(body.length);

  const requestOptions: RequestOptions & { ca?: string[]; servername?: string } = {
    method: call.method,
    host: address,
    port: url.port || (secure ? 443 : 80),
    path: text(call.target.expose()),
    headers,
    setHost: false,
    agent: false,
    signal,
    ...(secure && !isAddress(url.hostname) ? { servername: url.hostname } : {}),
    ...(secure && ca ? { ca: [...getCACertificates('default'), ...ca] } : {}),
  };

  return new Promise((resolve, reject) => {
    let connected = false;
    const request = (secure ? httpsRequest : httpRequest)(requestOptions);
    request.on('socket', (socket) => {
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        connected = true;
      });
    });
    // The cause stays here: errors of the HTTP client can quote what was sent.
    request.on('error', () => reject(connected ? fail('worker.outcome_unknown') : fail('vault.upstream_failed')));
    request.on('response', (response) => collect(response).then(resolve, reject));
    request.end(body);
  });
}

/** Once there is a status the call has happened: a body that breaks off is an answer cut short, not a failure. */
async function collect(response: IncomingMessage): Promise<RawAnswer> {
  const parts: Buffer[] = [];
  let length = 0;
  let truncated = false;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      parts.push(part);
      length += part.length;
      if (length > MAX_ANSWER_BYTES) {
        truncated = true;
        break;
      }
    }
  } catch {
    truncated = true;
  }
  response.destroy();
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return {
    status: response.statusCode ?? 0,
    headers,
    body: Buffer.concat(parts).subarray(0, MAX_ANSWER_BYTES),
    truncated: truncated || !response.complete,
  };
}
