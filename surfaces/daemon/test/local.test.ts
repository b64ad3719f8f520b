import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret, toBase64url } from '@caponier/crypto';
import { createLog } from '@caponier/host';
import { fail, seedSigner, sign, verifyStatement } from '@caponier/protocol';
import type { Card, Device, Duplex, Letter } from '@caponier/sdk';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { runAgent } from '../src/index.ts';
import { type LocalServer, serveLocal } from '../src/local/server.ts';
import { localClient } from '../src/local-client.ts';
import { spawnShell } from '../src/shell/process.ts';
import { serveShell } from '../src/shell/serve.ts';
import { duplexPair } from './duplex-pair.ts';

const owner = toBase64url(new Uint8Array(32));
const deviceSigner = seedSigner(Secret.from(new Uint8Array(32).fill(7)));
const letter = (id: string, text: string): Letter => ({
  id,
  from: 'box',
  fromAgent: null,
  fromDevice: deviceSigner.did,
  fromOwner: owner,
  toAgent: null,
  text,
  sentAt: 0,
  receivedAt: 0,
});

let folder: string;
let path: string;
let server: LocalServer;
let performed: { op: string; asker: string | null; signature: boolean }[];
let tellMail: (letter: Letter) => void;
let channel: () => Promise<Duplex>;

/** The part of a device that the local API calls, with answers a test can tell apart. */
function deviceFor(): Device {
  const device = {
    owner,
    did: deviceSigner.did,
    status: async () => ({ owner, did: deviceSigner.did, name: 'laptop', role: 'controller' }),
    mail: {
      list: async () => [letter('a', 'first')],
      waiting: async () => 2,
      onMail: (tell: (letter: Letter) => void) => {
        tellMail = tell;
        return () => {};
      },
      send: async ({ to }: { to: string }) => {
        if (to === 'nobody') throw fail('mail.no_recipient', 'the detail stays here');
        const never = new Promise<void>(() => {});
        const accepted = to === 'box' ? never : Promise.resolve();
        return { id: 'm1', devices: [deviceSigner.did], accepted, delivered: to === 'there' ? accepted : never };
      },
    },
    block: async (who: string, blocked: boolean) => ({ who, blocked, told: true }),
    asks: { list: async () => [] as Card[] },
    channels: { open: () => channel() },
    permits: {
      delegate: async (asked: {
        agent: string;
        key: `did:key:z${string}`;
        classes: string[];
        ops: string[];
        resources: string[];
        lives: number;
      }) =>
        verifyStatement(
          await sign(deviceSigner, 'delegate', {
            aud: owner,
            device: deviceSigner.did,
            key: asked.key,
            agent: asked.agent,
            parent: null,
            classes: asked.classes,
            ops: asked.ops,
            resources: asked.resources,
            iat: 1000,
            exp: 1000 + asked.lives,
            nonce: toBase64url(new Uint8Array(16)),
          }),
          'delegate',
        ),
      memory: {
        get: async (
          place: string,
          { asker }: { asker: { agent: string; signer: { did: string; sign(m: Uint8Array): Promise<Uint8Array> } } },
        ) => {
          if (place === 'notes/none') throw fail('memory.no_entry');
          const signature = await asker.signer.sign(new TextEncoder().encode('to be signed'));
          performed.push({ op: 'memory.get', asker: asker.agent, signature: signature.length === 64 });
          return { result: { text: 'remembered', version: 3 } };
        },
      },
    },
  };
  return device as unknown as Device;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daemon-'));
  path = join(folder, 'daemon.sock');
  performed = [];
  server = await serveLocal(path, {
    device: deviceFor(),
    transport: undefined as never,
    log: createLog({ service: 'test', clock: () => 0, level: 'silent' }),
  });
});

afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

function raw(method: string, at: string, body: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: path, path: at, method }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body: text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

test('the socket is its user’s alone', async () => {
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('a call is answered; what the device refuses arrives with its code and nothing internal', async () => {
  const client = localClient(path);
  expect(await client.call('status', {})).toMatchObject({ name: 'laptop', outbox: 2, letters: 1, asks: 0 });
  await expect(
    client.call('send', { to: 'nobody', text: 'x', seconds: null, waitMs: 0, deliverMs: 0 }),
  ).rejects.toMatchObject({
    code: 'mail.no_recipient',
  });
  expect(
    (await raw('POST', '/calls/send', '{"to":"nobody","text":"x","seconds":null,"waitMs":0,"deliverMs":0}')).body,
  ).not.toContain('the detail stays here');
  const letterTo = (to: string) => client.call('send', { to, text: 'x', seconds: 60, waitMs: 10, deliverMs: 10 });
  expect(await letterTo('box')).toEqual({ id: 'm1', devices: 1, accepted: false, delivered: false });
  // What the relay says is one thing, what the other side signed another.
  expect(await letterTo('away')).toMatchObject({ accepted: true, delivered: false });
  expect(await letterTo('there')).toMatchObject({ accepted: true, delivered: true });
  expect(await client.call('block', { who: 'bob/phone', blocked: true })).toMatchObject({ who: 'bob/phone' });
});

test.each([
  ['GET', '/calls/status', '', 'host.not_found'],
  ['POST', '/calls/toString', '{}', 'host.not_found'],
  ['POST', '/calls/constructor', '{}', 'host.not_found'],
  ['POST', '/streams/hasOwnProperty', '{}', 'host.not_found'],
  ['POST', '/', '{}', 'host.not_found'],
  ['POST', '/calls/status', 'nonsense', 'host.bad_body'],
  ['POST', '/calls/status', '{"extra":1}', 'host.bad_body'],
  ['POST', '/calls/freeze', '{"what":"universe","target":null}', 'host.bad_body'],
  ['POST', '/calls/status', `"${'x'.repeat(4 * 1024 * 1024)}"`, 'host.body_too_large'],
])('%s %s with a bad body gets a coded problem, and the daemon lives', async (method, at, body, code) => {
  const answer = await raw(method, at, body);
  expect(JSON.parse(answer.body)).toMatchObject({ code });
  expect((await localClient(path).call('status', {})).name).toBe('laptop');
});

test('a stream gives what is there, then what comes, each once', async () => {
  const seen: string[] = [];
  for await (const { id, text } of localClient(path).stream('letters', {})) {
    seen.push(text);
    if (id === 'a') {
      tellMail(letter('a', 'first again'));
      tellMail(letter('b', 'second'));
    } else break;
  }
  expect(seen).toEqual(['first', 'second']);
});

test('a page in a browser cannot open a talk', async () => {
  const open = (origin?: string) =>
    new Promise((resolve) => {
      const socket = new WebSocket(`ws+unix:${path}:/talks/shell`, origin ? { origin } : {});
      socket.once('open', () => {
        socket.terminate();
        resolve('open');
      });
      socket.once('error', () => resolve('refused'));
    });
  expect(await open('http://localhost:8080')).toBe('refused');
  expect(await open()).toBe('open');
});

test('a shell talk carries bytes both ways, and the exit', async () => {
  channel = async () => {
    const [here, there] = duplexPair();
    void serveShell(there, (start) =>
      spawnShell({ ...start, shell: '/bin/sh', cwd: '/', env: { PATH: process.env.PATH! } }),
    );
    return here;
  };
  const talk = await localClient(path).talk('shell', {
    type: 'start',
    device: 'box',
    command: 'read x; echo "got $x"; exit 3',
    terminal: null,
  });
  await talk.sendBytes(new TextEncoder().encode('typed\n'));
  let output = '';
  let last: unknown;
  for await (const said of talk.heard) {
    if (said instanceof Uint8Array) output += String.fromCharCode(...said);
    else last = said;
  }
  expect(output).toBe('\u0001got typed\n');
  expect(last).toEqual({ type: 'exit', code: 3, signal: null });
});

test('a talk that does not begin with its start ends with a problem', async () => {
  const socket = new WebSocket(`ws+unix:${path}:/talks/run`);
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send('{"type":"call","id":0,"call":"whoami","args":{}}');
  const said = await new Promise<string>((resolve) => socket.once('message', (data) => resolve(String(data))));
  expect(JSON.parse(said)).toMatchObject({ type: 'problem', problem: { code: 'host.bad_body' } });
});

/** A program as an agent runs it: it knows the socket from its environment, sends calls, prints the answers. */
const agentProgram = `
import { connect } from 'node:net';
const socket = connect(process.env.CAPONIER_RUN_SOCKET);
const calls = process.argv.slice(2);
let text = '';
socket.setEncoding('utf8').on('data', (more) => {
  text += more;
  if (text.split('\\n').length > calls.length) {
    process.stdout.write(process.env.CAPONIER_AGENT + '\\n' + text);
    socket.destroy();
  }
});
socket.on('close', () => process.exit(text === '' ? 9 : 0));
calls.forEach((call) => socket.write(call + '\\n'));
`;

async function runCalls(...calls: string[]): Promise<{ code: number; lines: string[] }> {
  const program = join(folder, 'agent.mjs');
  const output = join(folder, 'output');
  await writeFile(program, agentProgram);
  const code = await runAgent({
    client: localClient(path),
    agent: 'claude',
    command: ['/bin/sh', '-c', `exec "$0" "$@" > ${output}`, process.execPath, program, ...calls],
    env: process.env,
    runFolder: folder,
  });
  const { readFile } = await import('node:fs/promises');
  return { code, lines: (await readFile(output, 'utf8')).trim().split('\n') };
}

test('an agent asks through its supervisor, whose key signs; the agent has only a socket', async () => {
  const { code, lines } = await runCalls(
    '{"id":1,"call":"whoami","args":{}}',
    '{"id":2,"call":"memory_get","args":{"key":"notes/plan"}}',
    '{"id":3,"call":"memory_get","args":{"key":"notes/none"}}',
  );
  expect(code).toBe(0);
  expect(lines[0]).toBe('claude@laptop');
  const answers = lines.slice(1).map((line) => JSON.parse(line) as { id: number });
  const by = (id: number) => answers.find((answer) => answer.id === id);
  expect(by(1)).toMatchObject({
    result: { agent: 'claude@laptop', ops: ['secret.use', 'memory.get', 'memory.search'] },
  });
  expect(by(2)).toEqual({ id: 2, result: { key: 'notes/plan', text: 'remembered', version: 3 } });
  expect(by(3)).toMatchObject({ error: { code: 'memory.no_entry' } });
  expect(performed).toEqual([{ op: 'memory.get', asker: 'claude@laptop', signature: true }]);
});

test('an agent that sends what is no call is cut off, and nothing is done for it', async () => {
  const { code } = await runCalls('{"id":1,"call":"memory_get","args":{"key":"notes/plan"},"as":"root"}');
  expect(code).toBe(9);
  expect(performed).toEqual([]);
});
