import { fail, problemOf } from '@caponier/protocol';
import type { WebSocket } from 'ws';
import type * as z from 'zod/mini';
import { type LocalTalkName, localTalks, maxShellMessage, type TalkHeard, type TalkSaid } from '../../local-api.ts';

/** Messages of the client that may wait here before it is not read any further. */
const maxWaiting = 16;

/** The daemon's side of one talk. */
export interface TalkSide<T extends LocalTalkName> {
  /** What the client says next; bytes in a shell; null once it has gone. Throws `host.bad_body` for what is no message. */
  next(): Promise<TalkSaid<T> | Uint8Array | null>;
  say(message: TalkHeard[T]): void;
  /** Waits while the client does not read. */
  sayBytes(type: number, bytes: Uint8Array): Promise<void>;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

export type TalkHandler<T extends LocalTalkName> = (
  talk: TalkSide<T>,
  start: Extract<TalkSaid<T>, { type: 'start' }>,
) => Promise<void>;

/** Runs a talk over a WebSocket: its `start`, the handler, then `end` or `problem`. Never throws. */
export async function runTalk<T extends LocalTalkName>(
  socket: WebSocket,
  name: T,
  handler: TalkHandler<T>,
): Promise<void> {
  const talk = talkOver(socket, name);
  try {
    const start = await talk.next();
    if (start === null) return;
    if (start instanceof Uint8Array || start.type !== 'start') throw fail('host.bad_body', 'talk without a start');
    await handler(talk, start as Extract<TalkSaid<T>, { type: 'start' }>);
    socket.send(JSON.stringify({ type: 'end' }));
  } catch (error) {
    socket.send(JSON.stringify({ type: 'problem', problem: problemOf(error) }));
  } finally {
    socket.close();
  }
}

function talkOver<T extends LocalTalkName>(socket: WebSocket, name: T): TalkSide<T> {
  const form = localTalks[name] as unknown as z.ZodMiniType<TalkSaid<T>>;
  const gone = new AbortController();
  const waiting: (() => TalkSaid<T> | Uint8Array)[] = [];
  let wake: () => void = () => {};

  socket.on('message', (data: Buffer, isBinary) => {
    // Parsed when it is its turn, so that what is wrong is the error of whoever reads it.
    waiting.push(() => (isBinary ? bytesOf(data) : parse(form, data)));
    if (waiting.length > maxWaiting) socket.pause();
    wake();
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    gone.abort();
    wake();
  });

  return {
    signal: gone.signal,
    async next() {
      for (;;) {
        const first = waiting.shift();
        if (first) {
          if (socket.isPaused && waiting.length <= maxWaiting / 2) socket.resume();
          return first();
        }
        if (gone.signal.aborted) return null;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    say: (message) => socket.send(JSON.stringify(message)),
    sayBytes: (type, bytes) =>
      new Promise((resolve) => {
        const message = new Uint8Array(1 + bytes.length);
        message[0] = type;
        message.set(bytes, 1);
        socket.send(message, () => resolve());
      }),
  };
}

function bytesOf(data: Buffer): Uint8Array {
  if (data.length > maxShellMessage) throw fail('host.body_too_large', 'shell input');
  return new Uint8Array(data);
}

function parse<T>(form: z.ZodMiniType<T>, data: Buffer): T {
  let value: unknown;
  try {
    value = JSON.parse(data.toString('utf8'));
  } catch (cause) {
    throw fail('host.bad_body', 'talk', cause);
  }
  const parsed = form.safeParse(value);
  if (!parsed.success) throw fail('host.bad_body', 'talk');
  return parsed.data;
}
