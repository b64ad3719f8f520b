import { entryOf, fail } from '@caponier/protocol';
import type { Duplex } from '@caponier/sdk';
import { type ClientFrame, decodeClientFrame, encodeHostFrame, type ShellStart } from './frames.ts';
import type { ShellProcess } from './process.ts';

/** Largest piece of output in one message; a channel's messages are bounded. */
const maxPiece = 32 * 1024;

/** Starts what the start frame asks for. May throw a coded error, which the client is told. */
export type StartShell = (start: ShellStart) => ShellProcess;

/** Serves one admitted channel of purpose `shell` until either side ends it. */
export async function serveShell(channel: Duplex, startShell: StartShell): Promise<void> {
  const frames = channel.messages[Symbol.asyncIterator]();
  let child: ShellProcess;
  try {
    child = startShell(await readStart(frames));
  } catch (error) {
    await channel.send(encodeHostFrame({ type: 'refused', code: entryOf(error).code }));
    await channel.end();
    return;
  }
  // Whoever leaves takes the process along: a shell without a person is nobody's.
  const reading = readInput(frames, child).finally(() => child.hangUp());
  try {
    for await (const { type, bytes } of child.output) {
      for (let at = 0; at < bytes.length; at += maxPiece) {
        await channel.send(encodeHostFrame({ type, bytes: bytes.subarray(at, at + maxPiece) }));
      }
    }
    await channel.send(encodeHostFrame({ type: 'exit', ...(await child.exit) }));
    await channel.end();
    // A client that never ends its side does not keep the stream open.
    channel.close();
  } catch {
    channel.close();
  } finally {
    child.hangUp();
    await reading;
  }
}

async function readStart(frames: AsyncIterator<Uint8Array>): Promise<ShellStart> {
  const first = await frames.next();
  const frame = first.done ? undefined : decodeClientFrame(first.value);
  if (frame?.type !== 'start') throw fail('session.bad_record', 'shell without a start');
  return { command: frame.command, terminal: frame.terminal };
}

async function readInput(frames: AsyncIterator<Uint8Array>, child: ShellProcess): Promise<void> {
  try {
    for (let next = await frames.next(); !next.done; next = await frames.next())
      take(decodeClientFrame(next.value), child);
  } catch {
    // A cut channel or a malformed frame ends the shell; `serveShell` hangs up.
  }
}

function take(frame: ClientFrame, child: ShellProcess): void {
  if (frame.type === 'input') child.write(frame.bytes);
  else if (frame.type === 'resize') child.resize(frame.columns, frame.rows);
  else if (frame.type === 'inputEnd') child.endInput();
  else throw fail('session.bad_record', 'a second start');
}
