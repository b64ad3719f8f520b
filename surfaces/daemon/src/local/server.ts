import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { entryOf, fail, problemContentType, problemOf } from '@caponier/protocol';
import { WebSocketServer } from 'ws';
import type * as z from 'zod/mini';
import {
  type LocalCallName,
  type LocalStreamName,
  type LocalTalkName,
  localCalls,
  localStreams,
  localTalks,
  maxLocalJson,
} from '../local-api.ts';
import { calls } from './calls.ts';
import type { LocalContext } from './context.ts';
import { streams } from './streams.ts';
import { add, joinContact } from './talks/joining.ts';
import { run } from './talks/run.ts';
import { shell } from './talks/shell.ts';
import { runTalk, type TalkHandler } from './talks/talk.ts';

/** Connections of hands at once. */
const maxConnections = 256;

const talks = { add, joinContact, shell, run } satisfies {
  [T in LocalTalkName]: (context: LocalContext) => TalkHandler<T>;
};

export interface LocalServer {
  close(): Promise<void>;
}

/**
 * The local API on a unix socket.
 *
 * Threat: another user of the machine, or a page in a browser, speaks to the daemon. Measure: the socket is 0600 in a
 * folder 0700, no network port, and an upgrade with an Origin is a browser's and refused. What remains: whatever runs as
 * the same user may use it, as it may read the key files; the README says so.
 */
export async function serveLocal(path: string, context: LocalContext): Promise<LocalServer> {
  // A stale socket of a daemon that was killed; the lock of the home says that no other one runs.
  rmSync(path, { force: true });
  const server = createServer((request, response) => {
    answer(context, request, response).catch((error) => refuse(context, response, error));
  });
  server.maxConnections = maxConnections;
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: maxLocalJson });
  server.on('upgrade', (request, socket, head) => upgrade(context, sockets, request, socket, head));
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(fail('host.bad_config', 'daemon socket', cause)));
      server.listen(path, resolve);
    });
  } finally {
    process.umask(mask);
  }
  chmodSync(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets.clients) socket.terminate();
        server.close(() => resolve());
        server.closeAllConnections();
        rmSync(path, { force: true });
      }),
  };
}

async function answer(context: LocalContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, kind, name = ''] = /^\/(calls|streams)\/([A-Za-z]+)$/.exec(request.url ?? '') ?? [];
  if (request.method !== 'POST' || !kind) throw fail('host.not_found');
  const body = await readBody(request);
  if (kind === 'calls' && Object.hasOwn(localCalls, name)) {
    const call = name as LocalCallName;
    const args = check(localCalls[call] as z.ZodMiniType, body);
    const result = await (calls[call] as (context: LocalContext, args: unknown) => Promise<unknown>)(context, args);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
    return;
  }
  if (kind === 'streams' && Object.hasOwn(localStreams, name)) {
    const stream = name as LocalStreamName;
    const args = check(localStreams[stream] as z.ZodMiniType, body);
    return writeLines(context, response, (signal) =>
      (streams[stream] as (context: LocalContext, args: unknown, signal: AbortSignal) => AsyncIterable<unknown>)(
        context,
        args,
        signal,
      ),
    );
  }
  throw fail('host.not_found');
}

async function writeLines(
  context: LocalContext,
  response: ServerResponse,
  open: (signal: AbortSignal) => AsyncIterable<unknown>,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  const write = async (line: unknown) => {
    if (response.write(`${JSON.stringify(line)}\n`) || gone.signal.aborted) return;
    await new Promise<void>((resolve) => {
      response.once('drain', resolve);
      response.once('close', resolve);
    });
  };
  try {
    for await (const line of open(gone.signal)) await write(line);
  } catch (error) {
    tellOperator(context, error);
    await write({ problem: problemOf(error) });
  }
  response.end();
}

function upgrade(
  context: LocalContext,
  sockets: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  socket.on('error', () => socket.destroy());
  const name = /^\/talks\/([A-Za-z]+)$/.exec(request.url ?? '')?.[1] ?? '';
  if (
    !Object.hasOwn(localTalks, name) ||
    request.headers.origin !== undefined ||
    sockets.clients.size >= maxConnections
  ) {
    socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n', () => socket.destroy());
    return;
  }
  const talk = name as LocalTalkName;
  sockets.handleUpgrade(request, socket, head, (client) => {
    void runTalk(client, talk, talks[talk](context) as TalkHandler<LocalTalkName>);
  });
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxLocalJson) throw fail('host.body_too_large', 'local call');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw fail('host.bad_body', 'local call', cause);
  }
}

function check(form: z.ZodMiniType, body: unknown): unknown {
  const parsed = form.safeParse(body);
  if (!parsed.success) throw fail('host.bad_body', parsed.error.issues[0]?.path.join('.') ?? '');
  return parsed.data;
}

function tellOperator({ log }: LocalContext, error: unknown): void {
  const { code } = entryOf(error);
  if (code === 'host.internal') log.error('local.failed', { code });
}

function refuse(context: LocalContext, response: ServerResponse, error: unknown): void {
  tellOperator(context, error);
  if (response.headersSent) return void response.destroy();
  const problem = problemOf(error);
  response.writeHead(problem.status, { 'content-type': problemContentType }).end(JSON.stringify(problem));
}
