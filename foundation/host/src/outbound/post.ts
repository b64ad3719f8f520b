import { lookup } from 'node:dns/promises';
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { getCACertificates } from 'node:tls';
import { fail } from '@caponier/protocol';
import { isLoopback } from '../listen/address.ts';
import { reachOf } from './reach.ts';

/** Milliseconds from the resolution of the name to the end of the answer. */
const POST_MS = 10_000;
/** Bytes of an answer that are waited for; nobody looks at them. */
const MAX_POST_ANSWER = 1024;

export interface PostOptions {
  /** Passed by `checkTarget`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** This machine may be the target, in plaintext too. */
  readonly allowLoopback: boolean;
  /** Any address may be the target: for what only the operator chooses. */
  readonly anywhere?: boolean;
  /** Further certificate authorities (PEM). */
  readonly ca?: readonly string[];
  /** Every address of a name. Default: the system's resolver. */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>;
  /** Default `POST_MS`. */
  readonly maxMs?: number;
  readonly signal?: AbortSignal;
}

const systemResolver = async (hostname: string) =>
  (await lookup(hostname, { all: true, verbatim: true })).map(({ address }) => address);

const bare = (hostname: string) => hostname.replace(/^\[|\]$/g, '');

/**
 * Whether something of ours may be sent there at all: https, or http to this machine where that was said; no user, no
 * fragment; an address that is written out must be public. Throws `host.bad_config`, naming `flag`.
 */
export function checkTarget(url: string, flag: string, allowLoopback: boolean): void {
  const refuse = (why: string) => fail('host.bad_config', `${flag}: ${why}`);
  if (!URL.canParse(url)) throw refuse('not an address');
  const { protocol, hostname, username, password, hash } = new URL(url);
  if (username || password || hash) throw refuse('an address without user and fragment');
  const here = allowLoopback && isLoopback(hostname);
  if (protocol !== 'https:' && !(protocol === 'http:' && here)) throw refuse('an https address');
  if (isIP(bare(hostname)) !== 0 && !here && reachOf(bare(hostname)) !== 'public') throw refuse('a public address');
}

/**
 * One POST to an address that was judged: the name is resolved once, every address of it must be public (or this machine,
 * where allowed), and the connection goes to the first of them, so that a second answer of the resolver changes nothing. No
 * redirect is followed, no proxy used, no cookie kept. Yields the status; throws `host.unreachable` for everything else,
 * which says nothing of the target.
 */
export async function post(options: PostOptions): Promise<number> {
  const limit = AbortSignal.timeout(options.maxMs ?? POST_MS);
  const signal = options.signal ? AbortSignal.any([limit, options.signal]) : limit;
  const url = new URL(options.url);
  const address = await pick(url.hostname, options, signal);
  return send(url, address, options, signal);
}

/** One bad address among several refuses the name: which of them is used is luck. */
async function pick(hostname: string, options: PostOptions, signal: AbortSignal): Promise<string> {
  const name = bare(hostname);
  const resolve = isIP(name) ? async () => [name] : (options.resolve ?? systemResolver);
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(fail('host.unreachable', 'name resolution')), { once: true });
  });
  stopped.catch(() => undefined);
  const addresses = await Promise.race([resolve(name), stopped]).catch(() => []);
  const allowed = (address: string) =>
    options.anywhere === true ||
    reachOf(address) === 'public' ||
    (options.allowLoopback && isLoopback(hostname) && isLoopback(address));
  const [first] = addresses;
  if (first === undefined || !addresses.every(allowed)) throw fail('host.unreachable', 'no address that may be used');
  return first;
}

function send(url: URL, address: string, options: PostOptions, signal: AbortSignal): Promise<number> {
  const { body, headers, ca } = options;
  const secure = url.protocol === 'https:';
  const requestOptions: RequestOptions & { ca?: string[]; servername?: string } = {
    method: 'POST',
    host: address,
    port: url.port || (secure ? 443 : 80),
    path: url.pathname + url.search,
    headers: { ...headers, host: url.host, 'content-length': String(body.length), connection: 'close' },
    setHost: false,
    // An agent of its own: the shared one may use the proxy that the environment names.
    agent: false,
    signal,
    ...(secure && isIP(bare(url.hostname)) === 0 ? { servername: url.hostname } : {}),
    ...(secure && ca ? { ca: [...getCACertificates('default'), ...ca] } : {}),
  };
  return new Promise((resolve, reject) => {
    const request = (secure ? httpsRequest : httpRequest)(requestOptions);
    const broken = () => reject(fail('host.unreachable', 'post'));
    request.on('error', broken);
    request.on('response', (response) => {
      const status = response.statusCode ?? 0;
      let bytes = 0;
      const done = () => {
        resolve(status);
        request.destroy();
      };
      response.on('data', (part: Uint8Array) => {
        bytes += part.length;
        if (bytes > MAX_POST_ANSWER) done();
      });
      response.on('end', done);
      response.on('error', broken);
      response.on('aborted', broken);
    });
    request.end(body);
  });
}
