import { request } from 'node:http';
import { errorOfProblem, fail } from '@caponier/protocol';
import type {
  LocalArgs,
  LocalCallName,
  LocalLines,
  LocalResults,
  LocalStreamArgs,
  LocalStreamName,
  LocalTalkName,
  TalkEnd,
  TalkHeard,
  TalkSaid,
} from './local-api.ts';
import { maxLocalJson } from './local-api.ts';

/** Milliseconds a connection to the daemon may take: it is on this machine. */
const connectTimeout = 5_000;
/** Bytes under way to the daemon above which the sender waits. */
const maxBuffered = 1024 * 1024;

/** A conversation with the daemon: see `localTalks`. */
export interface Talk<T extends LocalTalkName> {
  say(message: TalkSaid<T>): void;
  /** Input of a shell; waits while the daemon does not read. */
  sendBytes(bytes: Uint8Array): Promise<void>;
  /** What the daemon says, in order. Ends at its `end`; throws the coded error of its `problem`, `cli.no_daemon` where it is cut. */
  readonly heard: AsyncIterable<TalkHeard[T] | Uint8Array>;
  close(): void;
}

/** The command line's side of the local API. Throws the daemon's coded errors, and `cli.no_daemon` where none listens. */
export interface LocalClient {
  call<C extends LocalCallName>(name: C, args: LocalArgs<C>, signal?: AbortSignal): Promise<LocalResults[C]>;
  stream<S extends LocalStreamName>(
    name: S,
    args: LocalStreamArgs<S>,
    signal?: AbortSignal,
  ): AsyncIterable<LocalLines[S]>;
  talk<T extends LocalTalkName>(name: T, start: Extract<TalkSaid<T>, { type: 'start' }>): Promise<Talk<T>>;
}

export function localClient(socketPath: string): LocalClient {
  return {
    async call(name, args, signal) {
      let text = '';
      for await (const chunk of post(socketPath, `/calls/${name}`, args, signal)) text += chunk;
      return parse(text) as never;
    },
    async *stream(name, args, signal) {
      let rest = '';
      for await (const chunk of post(socketPath, `/streams/${name}`, args, signal)) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop()!;
        if (rest.length > maxLocalJson) throw fail('host.body_too_large', 'line of the daemon');
        for (const line of lines) {
          if (line === '') continue;
          const value = parse(line);
          if (isProblem(value)) throw errorOfProblem(value.problem);
          yield value as never;
        }
      }
    },
    talk: (name, start) => talk(socketPath, name, start) as never,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fail('cli.no_daemon', 'answer is not JSON', cause);
  }
}

function isProblem(value: unknown): value is { problem: unknown } {
  return typeof value === 'object' && value !== null && 'problem' in value && !('type' in value);
}

/** Text of a successful answer, piece by piece. */
async function* post(socketPath: string, path: string, args: unknown, signal?: AbortSignal): AsyncGenerator<string> {
  const body = Buffer.from(JSON.stringify(args));
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  const sent = request({ socketPath, path, method: 'POST', headers, ...(signal && { signal }) });
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    const timer = setTimeout(() => sent.destroy(new Error('timeout')), connectTimeout);
    sent.once('socket', (socket) => socket.once('connect', () => clearTimeout(timer)));
    sent.once('response', resolve);
    sent.once('error', (cause) => reject(signal?.aborted ? cause : fail('cli.no_daemon', path, cause)));
    sent.once('close', () => clearTimeout(timer));
    sent.end(body);
  });
  response.setEncoding('utf8');
  if (response.statusCode !== 200) {
    let text = '';
    for await (const chunk of response) text += chunk as string;
    throw errorOfProblem(parse(text));
  }
  try {
    for await (const chunk of response) yield chunk as string;
  } catch (cause) {
    if (signal?.aborted) return;
    throw fail('cli.no_daemon', 'cut', cause);
  }
}

async function talk<T extends LocalTalkName>(socketPath: string, name: T, start: unknown): Promise<Talk<T>> {
  // Loaded for talks only: most commands are one call.
  const { WebSocket } = await import('ws');
  const socket = new WebSocket(`ws+unix:${socketPath}:/talks/${name}`, {
    perMessageDeflate: false,
    maxPayload: maxLocalJson,
    handshakeTimeout: connectTimeout,
  });
  const queue: (TalkHeard[T] | Uint8Array)[] = [];
  let ended: { readonly error: unknown } | null = null;
  let wake = () => {};
  const end = (error: unknown) => {
    ended ??= { error };
    wake();
  };
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) queue.push(new Uint8Array(data));
    else {
      const said = JSON.parse(data.toString('utf8')) as TalkHeard[T] | TalkEnd;
      if (said.type === 'end') end(null);
      else if (said.type === 'problem') end(errorOfProblem((said as { problem: unknown }).problem));
      else queue.push(said as TalkHeard[T]);
    }
    // The reader below resumes it: what is not shown yet is not read either.
    socket.pause();
    wake();
  });
  socket.on('close', () => end(fail('cli.no_daemon', 'cut')));
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (cause) => reject(fail('cli.no_daemon', 'talk', cause)));
  });
  socket.on('error', (cause) => end(fail('cli.no_daemon', 'cut', cause)));
  socket.send(JSON.stringify(start));

  async function* heard(): AsyncGenerator<TalkHeard[T] | Uint8Array> {
    for (;;) {
      const next = queue.shift();
      if (next) {
        yield next;
        continue;
      }
      if (ended) {
        socket.terminate();
        if (ended.error) throw ended.error;
        return;
      }
      socket.resume();
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (queue.length > 0 || ended) resolve();
      });
    }
  }

  return {
    say: (message) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    async sendBytes(bytes) {
      if (socket.readyState !== WebSocket.OPEN) return;
      await new Promise<void>((resolve) => {
        const waits = socket.bufferedAmount + bytes.length > maxBuffered;
        socket.send(bytes, () => resolve());
        if (!waits) resolve();
      });
    },
    heard: heard(),
    close: () => socket.terminate(),
  };
}
