import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { problemContentType, problemOf } from '@caponier/protocol';
import { LINGER_TIME, REFUSAL_TIME, RETRY_AFTER_SECONDS } from './limits.ts';
import { finish, type Patience } from './respond.ts';

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

function answerTo(error: unknown): Answer {
  const problem = problemOf(error);
  const body = JSON.stringify(problem);
  return {
    status: problem.status,
    headers: {
      'content-type': problemContentType,
      'content-length': String(Buffer.byteLength(body)),
      'cache-control': 'no-store',
    },
    body,
  };
}

/** Says when to come back, in whole seconds. */
export const retryAfter = (seconds: number = RETRY_AFTER_SECONDS) => ({ 'retry-after': String(seconds) });

/** The same answer as the one an application would give, for a place that returns a `Response`. */
export function refusal(error: unknown): Response {
  const { status, headers, body } = answerTo(error);
  return new Response(body, { status, headers });
}

/**
 * Answers a request that no application sees. What is still to come of its body is thrown away piece by piece, so that
 * the other side, still sending, gets to read the answer; after `REFUSAL_TIME` the connection is cut.
 */
export function refuseRequest(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  patience: Patience,
  headers: Record<string, string> = {},
): void {
  const answer = answerTo(error);
  response.writeHead(answer.status, { ...answer.headers, ...headers });
  void finish(response, patience, answer.body);
  if (request.complete) return;
  request.resume();
  const timer = setTimeout(() => request.destroy(), REFUSAL_TIME);
  request.once('close', () => clearTimeout(timer));
}

/**
 * Answers on a bare socket: a refused upgrade, or a connection too many. `end` alone would leave a half-open socket
 * for as long as the other side likes, so it is destroyed as soon as that side ends too, or `LINGER_TIME` after the answer
 * went out, and after `REFUSAL_TIME` even if it did not. `more`: further headers, such as `retry-after`.
 */
export function refuseSocket(socket: Duplex, error: unknown, more: Readonly<Record<string, string>> = {}): void {
  const { status, headers, body } = answerTo(error);
  const lines = Object.entries({ ...headers, ...more, connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const destroy = () => socket.destroy();
  const timers = [setTimeout(destroy, REFUSAL_TIME)];
  socket.on('error', destroy);
  socket.once('close', () => timers.forEach(clearTimeout));
  socket.once('finish', () => {
    timers.push(setTimeout(destroy, LINGER_TIME));
    socket.once('end', destroy);
    socket.resume();
  });
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n${lines.join('')}\r\n${body}`);
}
