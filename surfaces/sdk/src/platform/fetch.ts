import type { FetchInit, Transport, TransportResponse } from '../transport/types.ts';

/** Longer than the follower's own patience with a quiet log: it is the follower that gives up. */
const streamIdleMs = 60_000;

function streamOf(response: TransportResponse): ReadableStream<Uint8Array> {
  const pieces = response.body[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        controller.error(error);
      }
    },
    async cancel() {
      await pieces.return?.();
    },
  });
}

/** The transport as `fetch`, bound to one service's certificate: what `RegistryHttp` is given. */
export function fetchOver(transport: Transport, pin: string | null) {
  return async (url: string, init: RequestInit = {}): Promise<Response> => {
    const follows = new URL(url).pathname.endsWith('/follow');
    const options: FetchInit = {
      method: (init.method ?? 'GET') as 'GET' | 'POST',
      headers: Object.fromEntries(new Headers(init.headers)),
      ...(typeof init.body === 'string' && { body: init.body }),
      ...(init.signal && { signal: init.signal }),
      ...(follows && { maxBytes: Number.POSITIVE_INFINITY, idleTimeout: streamIdleMs }),
    };
    const response = await transport.fetch(url, options, pin ?? undefined);
    const { status } = response;
    const bodiless = status === 204 || status === 304;
    return new Response(bodiless ? null : (streamOf(response) as ReadableStream<Uint8Array<ArrayBuffer>>), { status });
  };
}
