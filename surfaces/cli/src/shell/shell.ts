import { shellErrors, type Talk } from '@caponier/daemon/client';
import { limits } from '@caponier/protocol';
import type { Run } from '../command.ts';
import { hereDaemon } from '../home/context.ts';
import { nameOf } from '../home/device-name.ts';
import { hangUpFilter } from './hang-up.ts';

/** Exit code of a shell that was ended by a signal, as shells say it. */
const signalled = 128;
/** Bytes of one message to the daemon. */
const chunkBytes = 32 * 1024;

export async function runShell({ args, options, output }: Run): Promise<void> {
  const [device = '', ...rest] = args;
  // Everything behind the device is the command's; a `--` in front of it is only for the eye.
  const words = rest[0] === '--' ? rest.slice(1) : rest;
  nameOf(device, 'the device');
  const { client } = hereDaemon();
  const command = words.length > 0 ? words.join(' ') : null;
  const { stdin, stdout } = process;
  const terminal = stdin.isTTY && stdout.isTTY && options.tty !== false && !output.json;
  const talk = await client.talk('shell', {
    type: 'start',
    device,
    command,
    terminal: terminal ? { ...size(), term: process.env.TERM || 'xterm-256color' } : null,
  });
  const restore = terminal ? enterRaw(talk) : pipeInput(talk);
  const collected: Buffer[][] = [[], []];
  try {
    for await (const heard of talk.heard) {
      if (heard instanceof Uint8Array) {
        const errors = heard[0] === shellErrors;
        const bytes = Buffer.from(heard.subarray(1));
        if (output.json) collected[errors ? 1 : 0]!.push(bytes);
        else await write(errors ? process.stderr : stdout, bytes);
      } else if (heard.type === 'open') {
        if (heard.viewAge > limits.maxRegistryAgeSeconds) {
          process.stderr.write(`warning: ${device} last heard of your owner ${heard.viewAge} s ago\r\n`);
        }
      } else {
        process.exitCode = heard.signal === null ? heard.code : signalled + heard.code;
        const [out, err] = collected.map((chunks) => Buffer.concat(chunks).toString('utf8'));
        output.document({ device, code: heard.code, signal: heard.signal, output: out, errors: err });
      }
    }
  } finally {
    restore();
    talk.close();
  }
}

const size = () => ({ columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 });

/** Waits for the terminal, so that a slow one holds the other side back. */
async function write(stream: NodeJS.WriteStream, bytes: Uint8Array): Promise<void> {
  if (!stream.write(bytes)) await new Promise((resolve) => stream.once('drain', resolve));
}

/** The terminal becomes the other side's: every key goes over, also Ctrl-C. Yields how to have it back. */
function enterRaw(talk: Talk<'shell'>): () => void {
  const { stdin, stdout } = process;
  const hungUp = hangUpFilter();
  const onData = (bytes: Buffer) => {
    const { pass, hangUp } = hungUp(bytes);
    if (pass.length > 0) send(talk, pass);
    if (hangUp) talk.close();
  };
  const onResize = () => talk.say({ type: 'resize', ...size() });
  stdin.setRawMode(true);
  stdin.on('data', onData);
  stdout.on('resize', onResize);
  return () => {
    stdin.off('data', onData);
    stdout.off('resize', onResize);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

function pipeInput(talk: Talk<'shell'>): () => void {
  const { stdin } = process;
  const onData = (bytes: Buffer) => send(talk, bytes);
  const onEnd = () => talk.say({ type: 'inputEnd' });
  stdin.on('data', onData);
  stdin.once('end', onEnd);
  return () => {
    stdin.off('data', onData);
    stdin.off('end', onEnd);
    stdin.pause();
    stdin.unref?.();
  };
}

/** In messages of bounded size; input waits while the other side does not read. */
function send(talk: Talk<'shell'>, bytes: Uint8Array): void {
  process.stdin.pause();
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) parts.push(bytes.subarray(at, at + chunkBytes));
  void parts
    .reduce((before, part) => before.then(() => talk.sendBytes(new Uint8Array(part))), Promise.resolve())
    .then(() => process.stdin.resume());
}
