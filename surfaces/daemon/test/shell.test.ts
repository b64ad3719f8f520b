import { expect, test } from 'vitest';
import { type ClientFrame, decodeHostFrame, encodeClientFrame, type HostFrame } from '../src/shell/frames.ts';
import { type SpawnOptions, spawnShell } from '../src/shell/process.ts';
import { serveShell } from '../src/shell/serve.ts';
import { duplexPair } from './duplex-pair.ts';

const place: Omit<SpawnOptions, 'command' | 'terminal'> = {
  shell: '/bin/sh',
  cwd: '/',
  env: { PATH: process.env.PATH!, LANG: 'C.UTF-8' },
};

async function converse(
  start: Omit<ClientFrame & { type: 'start' }, 'type'>,
  say: (send: (frame: ClientFrame) => Promise<void>) => Promise<void>,
) {
  const [client, host] = duplexPair();
  const serving = serveShell(host, (asked) => spawnShell({ ...place, ...asked }));
  const send = (frame: ClientFrame) => client.send(encodeClientFrame(frame));
  await send({ type: 'start', ...start });
  await say(send);
  const frames: HostFrame[] = [];
  for await (const message of client.messages) frames.push(decodeHostFrame(message));
  await serving;
  const text = (type: 'output' | 'errors') =>
    Buffer.concat(frames.filter((f) => f.type === type).map((f) => (f as { bytes: Uint8Array }).bytes)).toString();
  return { output: text('output'), errors: text('errors'), last: frames.at(-1) };
}

test('a command without a terminal keeps output and errors apart, and its exit code', async () => {
  const { output, errors, last } = await converse(
    { command: 'echo out; echo err >&2; exit 7', terminal: null },
    async () => {},
  );
  expect(output).toBe('out\n');
  expect(errors).toBe('err\n');
  expect(last).toEqual({ type: 'exit', code: 7, signal: null });
});

test('what is typed reaches the command, up to the end of input', async () => {
  const { output } = await converse({ command: 'cat', terminal: null }, async (send) => {
    await send({ type: 'input', bytes: Buffer.from('hello ') });
    await send({ type: 'input', bytes: Buffer.from('box') });
    await send({ type: 'inputEnd' });
  });
  expect(output).toBe('hello box');
});

test('a terminal has its size, also after it changed', async () => {
  const { output, last } = await converse(
    { command: 'stty size; read x; stty size', terminal: { columns: 80, rows: 24, term: 'xterm' } },
    async (send) => {
      await send({ type: 'resize', columns: 120, rows: 40 });
      await send({ type: 'input', bytes: Buffer.from('\r') });
    },
  );
  expect(output).toContain('40 120');
  expect(last).toMatchObject({ type: 'exit', code: 0 });
});

test('a flood of output goes through whole, whatever the reader’s pace', async () => {
  const { output } = await converse(
    { command: 'head -c 3000000 /dev/zero | tr "\\0" x', terminal: null },
    async () => {},
  );
  expect(output.length).toBe(3_000_000);
});

test('when the client goes, the process goes', async () => {
  const [client, host] = duplexPair();
  let pid = 0;
  const serving = serveShell(host, (asked) => {
    const child = spawnShell({ ...place, ...asked });
    return child;
  });
  await client.send(encodeClientFrame({ type: 'start', command: 'echo $$; sleep 600', terminal: null }));
  for await (const message of client.messages) {
    const frame = decodeHostFrame(message);
    if (frame.type === 'output') {
      pid = Number(Buffer.from(frame.bytes).toString());
      break;
    }
  }
  client.close();
  await serving;
  await expect.poll(() => alive(pid)).toBe(false);
});

test.each([
  ['input first', { type: 'input', bytes: new Uint8Array(1) } as ClientFrame],
  ['resize first', { type: 'resize', columns: 1, rows: 1 } as ClientFrame],
])('a client that begins with %s is refused, and nothing is started', async (_what, frame) => {
  const [client, host] = duplexPair();
  const serving = serveShell(host, () => expect.fail('started'));
  await client.send(encodeClientFrame(frame));
  const frames: HostFrame[] = [];
  for await (const message of client.messages) frames.push(decodeHostFrame(message));
  await serving;
  expect(frames).toEqual([{ type: 'refused', code: 'session.bad_record' }]);
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
