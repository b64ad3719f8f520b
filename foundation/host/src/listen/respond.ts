import type { ServerResponse } from 'node:http';

/** Bytes that are written at once: with the time for each, the slowest reader that still gets all of an answer. */
const PIECE_BYTES = 64 * 1024;

/** How long the other side may take for a piece of an answer, in milliseconds, and what is called when it takes longer. */
export interface Patience {
  readonly ms: number;
  readonly onStall: () => void;
}

/**
 * Until what was written has gone out, or the connection is gone. A reader that stops, or takes a byte now and then, would
 * otherwise hold its answer in our memory for as long as it likes: its whole connection is cut.
 */
function gone(outgoing: ServerResponse, event: 'drain' | 'finish', { ms, onStall }: Patience): Promise<void> {
  return new Promise((resolve) => {
    if (outgoing.closed || (event === 'finish' && outgoing.writableFinished)) return resolve();
    const end = () => {
      clearTimeout(timer);
      outgoing.off(event, end).off('close', end);
      resolve();
    };
    const timer = setTimeout(() => {
      onStall();
      outgoing.req.socket.destroy();
      end();
    }, ms);
    outgoing.on(event, end).on('close', end);
  });
}

/** Ends an answer, and cuts the connection of a reader that does not take it. */
export function finish(outgoing: ServerResponse, patience: Patience, last?: string): Promise<void> {
  outgoing.end(last);
  return gone(outgoing, 'finish', patience);
}

/**
 * Writes an application's answer out. The adapter's own writer prints a broken stream's message to the other side; here
 * a stream that breaks cuts the connection, and nobody outside learns why. A slow reader holds back the stream.
 */
export async function respond(response: Response, outgoing: ServerResponse, patience: Patience): Promise<void> {
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
  if (response.body === null || outgoing.req.method === 'HEAD') {
    await response.body?.cancel();
    return finish(outgoing, patience);
  }
  const reader = response.body.getReader();
  const stop = () => void reader.cancel().catch(() => {});
  outgoing.once('close', stop);
  try {
    outgoing.flushHeaders();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || outgoing.destroyed || outgoing.req.socket.destroyed) break;
      for (let at = 0; at < value.length; at += PIECE_BYTES) {
        if (!outgoing.write(value.subarray(at, at + PIECE_BYTES))) await gone(outgoing, 'drain', patience);
      }
    }
    await finish(outgoing, patience);
  } catch (error) {
    outgoing.destroy();
    throw error;
  } finally {
    outgoing.off('close', stop);
    stop();
  }
}
