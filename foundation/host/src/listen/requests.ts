import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { entryOf, fail } from '@caponier/protocol';
import { getRequestListener, RequestError } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { addressKey } from './address.ts';
import type { Connections, Place } from './connections.ts';
import { clientOf } from './forwarded.ts';
import { type ListenerHit, type ListenerLimits, MAX_HEADERS, MAX_PIPELINED } from './limits.ts';
import type { Networks } from './networks.ts';
import type { Application, ServeOptions } from './options.ts';
import { placeOf } from './problems.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { refusal, refuseRequest, refuseSocket, retryAfter } from './refuse.ts';
import { respond } from './respond.ts';

export interface RequestOptions extends Pick<ServeOptions, 'limits' | 'log' | 'clock' | 'onUpgrade'> {
  readonly connections: Connections;
  readonly trusted: Networks;
  readonly onLimit: (name: ListenerHit) => void;
  /** Whether the listener is closing. */
  readonly closing: () => boolean;
  /** Called when an answer is out, or its connection is gone. */
  readonly answered: () => void;
}

/** The body's length as declared; refuses what is too large or not declared, before a byte of it is read. */
function declaredLength(request: IncomingMessage, limits: ListenerLimits): number {
  // Node's parser has refused a malformed length, two of them, and one beside a transfer coding (RFC 9112 section 6.3).
  if (request.headers['transfer-encoding'] !== undefined) throw fail('host.length_required');
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > limits.maxBodyBytes) throw fail('host.body_too_large');
  return length;
}

/** Whether all headers are there to be judged: the client's address and the length of the body could be among the rest. */
const hasAllHeaders = ({ rawHeaders }: IncomingMessage) => rawHeaders.length <= 2 * MAX_HEADERS;

/** What happens to requests and upgrades between the parser and the application: counted, bounded, then handed on. */
export function createRequests(app: Application, options: RequestOptions) {
  const { limits, log, clock, connections, trusted, onLimit, closing } = options;
  const rate = createRateLimiter({ perMinute: limits.maxRequestsPerMinute, burst: limits.requestBurst, clock });
  const broken = (error: unknown) => log.error('request.failed', { code: entryOf(error).code, where: placeOf(error) });
  const patience = { ms: limits.responseSeconds * 1000, onStall: () => onLimit('responseSeconds') };
  const answer = getRequestListener(
    async (request, env) => {
      await respond(await app.fetch(request, env), env.outgoing as ServerResponse, patience).catch(broken);
      return RESPONSE_ALREADY_SENT;
    },
    {
      overrideGlobalObjects: false,
      // The request has no usable address, or the application has no handler for its errors.
      errorHandler: (error) => {
        if (error instanceof RequestError) return refusal(fail('host.bad_body'));
        broken(error);
        return refusal(error);
      },
    },
  );

  const clientIn = (request: IncomingMessage, place: Place) =>
    clientOf(place.peer, request.headers['x-forwarded-for']?.toString(), trusted);

  /** Takes note of a request that waits for its answer; false where its connection has too many. */
  const begins = (request: IncomingMessage, response: ServerResponse, place: Place): boolean => {
    if (place.waiting >= MAX_PIPELINED) {
      onLimit('pipelined');
      request.socket.destroy();
      return false;
    }
    place.waiting++;
    place.exchange = { request, response };
    connections.touch(place);
    response.once('close', () => {
      place.waiting--;
      connections.touch(place);
      if (place.exchange?.response === response) place.exchange = null;
      options.answered();
    });
    return true;
  };

  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    const place = connections.placeOf(request.socket);
    if (!place || place.refused || request.socket.destroyed || !begins(request, response, place)) return;
    const refuse = (error: unknown, headers?: Record<string, string>) =>
      refuseRequest(request, response, error, patience, headers);
    if (!hasAllHeaders(request)) {
      onLimit('headerBytes');
      return refuse(fail('host.headers_too_large'), { connection: 'close' });
    }
    const key = addressKey(clientIn(request, place));
    if (!rate.take(key)) {
      onLimit('maxRequestsPerMinute');
      return refuse(fail('host.rate_limited'), retryAfter(rate.secondsUntil(key)));
    }
    let length: number;
    try {
      length = declaredLength(request, limits);
    } catch (error) {
      if (request.headers['transfer-encoding'] === undefined) onLimit('maxBodyBytes');
      return refuse(error);
    }
    if (!connections.hold(place, length)) {
      onLimit('maxBodyBytesTogether');
      return refuse(fail('host.busy'), retryAfter());
    }
    response.once('close', () => connections.release(place, length));
    if (closing()) response.setHeader('connection', 'close');
    response.setHeader('x-content-type-options', 'nosniff');
    void answer(request, response);
  };

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // From here on the socket is nobody's but ours: an error without a listener would end the process.
    socket.on('error', () => socket.destroy());
    const place = connections.placeOf(request.socket);
    if (!place || place.refused || socket.destroyed) return;
    if (!hasAllHeaders(request)) {
      onLimit('headerBytes');
      return refuseSocket(socket, fail('host.headers_too_large'));
    }
    const client = clientIn(request, place);
    const key = addressKey(client);
    if (!rate.take(key)) {
      onLimit('maxRequestsPerMinute');
      return refuseSocket(socket, fail('host.rate_limited'), retryAfter(rate.secondsUntil(key)));
    }
    // A proxy's connection is this one client's from here on, and counts as such.
    if (!connections.assign(place, client)) {
      return refuseSocket(socket, fail('host.too_many_connections'), retryAfter());
    }
    if (!options.onUpgrade) return refuseSocket(socket, fail('host.not_found'));
    // Not 404, which tells a client that it is in the wrong place: what comes after us will be right here.
    if (closing()) return refuseSocket(socket, fail('host.busy'), retryAfter());
    try {
      options.onUpgrade(request, socket, head, key);
      // One that was refused counts here until it is gone.
      if (socket.writable) connections.upgrade(place);
    } catch (error) {
      refuseSocket(socket, error);
    }
  };

  return { onRequest, onUpgrade };
}
