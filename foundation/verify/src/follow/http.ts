import { type Random, toBase64url } from '@caponier/crypto';
import { errorOfProblem, fail, registryWire, type Signer, sign } from '@caponier/protocol';
import type { ViewMode } from '../owner/view.ts';
import type { RegistryReader } from './ports.ts';

/** Seconds for which a `hello` is good: one round trip. */
const helloSeconds = 30;
/** Milliseconds for one exchange about events. */
const eventsTimeoutMs = 15_000;
/** Bytes of an answer that is not a stream. */
const maxAnswer = 2 * registryWire.registryMaxLine;

export interface RegistryHttpOptions {
  /** Where the registry listens, without a slash at the end. */
  readonly url: string;
  /** Bound by the host to a pinned certificate or the web's authorities. */
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
  /** Who reads: named by the owners as a service or device. Null reads what anybody may. */
  readonly signer: Signer | null;
  /** The registry's key, to which a `hello` is bound. */
  readonly registry: Signer['did'];
  /** The owner whose device reads; null for a service. */
  readonly owner: string | null;
  readonly random: Random;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** A registry over HTTP, as `registry-wire` says: for readers, and where services hand in their events. */
export class RegistryHttp implements RegistryReader {
  readonly #options: RegistryHttpOptions;

  constructor(options: RegistryHttpOptions) {
    this.#options = options;
  }

  async *follow(from: number, mode: ViewMode, signal: AbortSignal): AsyncGenerator<string> {
    const query = mode === 'membership' ? '&class=membership' : '';
    const response = await this.#get(`/follow?from=${from}${query}`, signal);
    if (!response.ok || !response.body) throw fail('host.unreachable', `follow: HTTP ${response.status}`);
    yield* linesOf(response.body, signal);
  }

  async statement(id: string, signal: AbortSignal) {
    const response = await this.#get(`/statements/${id}`, signal);
    if (response.status === 403 || response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    if (!response.ok) throw fail('host.unreachable', `statement: HTTP ${response.status}`);
    const form = registryWire.StatementAnswer.safeParse(await boundedJson(response, signal));
    if (!form.success) throw fail('log.bad_leaf', 'statement answer');
    return form.data;
  }

  /** Hands event hashes of 32 bytes to the `events` log; the index of each, once a cosigned checkpoint covers them. */
  async submit(leaves: readonly Uint8Array[]): Promise<readonly number[]> {
    const signal = AbortSignal.timeout(eventsTimeoutMs);
    const body = JSON.stringify({ leaves: leaves.map((leaf) => toBase64url(leaf)) });
    const response = await this.#get('/events', signal, { method: 'POST', body });
    const answer = await boundedJson(response, signal);
    if (!response.ok) throw errorOfProblem(answer);
    const form = registryWire.EventsAnswer.safeParse(answer);
    if (!form.success || form.data.indices.length !== leaves.length) throw fail('log.bad_leaf', 'events answer');
    return form.data.indices;
  }

  /** The C2SP tlog-proof file of an event under the newest checkpoint. */
  async prove(leaf: number): Promise<string> {
    const signal = AbortSignal.timeout(eventsTimeoutMs);
    const response = await this.#get(`/events/proof?index=${leaf}`, signal);
    if (!response.ok) throw errorOfProblem(await boundedJson(response, signal));
    return boundedText(response, signal);
  }

  async #get(path: string, signal: AbortSignal, init: RequestInit = {}): Promise<Response> {
    const { fetch, url } = this.#options;
    const headers = await this.#hello(signal);
    if (init.body) headers['content-type'] = 'application/json';
    return fetch(`${url}${path}`, { ...init, headers, signal, redirect: 'error' });
  }

  /** Proves that we are who may read private statements: a fresh challenge, answered for this registry alone. */
  async #hello(signal: AbortSignal): Promise<Record<string, string>> {
    const { fetch, url, signer, registry, owner, random, clock } = this.#options;
    if (!signer) return {};
    const response = await fetch(`${url}/challenge`, { signal, redirect: 'error' });
    if (!response.ok) throw fail('host.unreachable', `challenge: HTTP ${response.status}`);
    const form = registryWire.ChallengeAnswer.safeParse(await boundedJson(response, signal));
    if (!form.success) throw fail('host.unreachable', 'challenge answer');
    const iat = Math.floor(clock() / 1000);
    const hello = await sign(signer, 'hello', {
      aud: registry,
      owner,
      challenge: form.data.challenge,
      mode: 'shared',
      tls: null,
      iat,
      exp: iat + helloSeconds,
      nonce: toBase64url(random(16)),
    });
    return { [registryWire.registryHelloHeader]: hello };
  }
}

async function boundedText(response: Response, signal: AbortSignal): Promise<string> {
  let text = '';
  if (!response.body) throw fail('host.unreachable', 'no body');
  for await (const chunk of textOf(response.body, signal)) {
    text += chunk;
    if (text.length > maxAnswer) throw fail('host.body_too_large', 'answer of the registry');
  }
  return text;
}

async function boundedJson(response: Response, signal: AbortSignal): Promise<unknown> {
  const text = await boundedText(response, signal);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fail('host.unreachable', 'answer is not JSON', cause);
  }
}

async function* linesOf(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of textOf(body, signal)) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    yield* lines;
    if (rest.length > registryWire.registryMaxLine) throw fail('log.bad_leaf', 'line too long');
  }
}

/** Read by hand: not every browser can iterate a stream. */
async function* textOf(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
