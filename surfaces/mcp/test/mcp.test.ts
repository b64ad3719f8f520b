import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail } from '@caponier/protocol';
import { encodeFailure, encodeResult, parseCall } from '@caponier/sdk';
import { Client } from '@modelcontextprotocol/client';
import { InMemoryTransport } from '@modelcontextprotocol/server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createMcpServer, linkToSupervisor, type SupervisorLink } from '../src/index.ts';

let folder: string;
let server: Server;
let path: string;
let answer: (line: string, socket: Socket) => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcp-'));
  path = join(folder, 'run.sock');
  server = createServer((socket) => {
    socket.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n').slice(0, -1)) answer(line, socket);
    });
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
});

afterEach(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

async function connected(): Promise<{ client: Client; link: SupervisorLink }> {
  const link = await linkToSupervisor(path);
  const [left, right] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: 'test', version: '1' });
  await Promise.all([createMcpServer(link, '0.0.0').connect(left), client.connect(right)]);
  return { client, link };
}

test('the tools are the four an agent needs', async () => {
  const { client, link } = await connected();
  expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual([
    'whoami',
    'secret_use',
    'memory_get',
    'send_message',
  ]);
  link.close();
});

test('a tool call goes to the supervisor as it is, and its answer comes back', async () => {
  const calls: unknown[] = [];
  answer = (line, socket) => {
    const call = parseCall(line);
    calls.push(call);
    socket.write(encodeResult(call.id, { status: 201, headers: {}, body: 'made' }));
  };
  const { client, link } = await connected();
  const result = await client.callTool({
    name: 'secret_use',
    arguments: { secret: 'github', purpose: 'why', url: 'https://api.example' },
  });
  expect(calls).toEqual([
    {
      id: 0,
      call: 'secret_use',
      args: { secret: 'github', purpose: 'why', method: 'GET', url: 'https://api.example', headers: {}, body: null },
    },
  ]);
  expect(result.content).toEqual([{ type: 'text', text: '{"status":201,"headers":{},"body":"made"}' }]);
  link.close();
});

test('a refusal reaches the agent as an error with code and hint, without what the supervisor knows', async () => {
  answer = (line, socket) =>
    socket.write(encodeFailure(parseCall(line).id, fail('approval.missing', 'internal detail')));
  const { client, link } = await connected();
  const result = await client.callTool({ name: 'memory_get', arguments: { key: 'notes/plan' } });
  expect(result.isError).toBe(true);
  expect(JSON.stringify(result.content)).toContain('approval.missing');
  expect(JSON.stringify(result.content)).not.toContain('internal detail');
  link.close();
});

test('a supervisor that goes away or talks nonsense fails the call, and never hangs it', async () => {
  for (const nonsense of ['not json\n', '{"id":0}\n', `${'x'.repeat(1024 * 1024 + 1)}`]) {
    answer = (_line, socket) => void socket.write(nonsense);
    const link = await linkToSupervisor(path);
    await expect(link.call('whoami', {})).rejects.toMatchObject({ code: expect.stringMatching(/^(host|mcp)\./) });
  }
  answer = (_line, socket) => socket.destroy();
  const link = await linkToSupervisor(path);
  await expect(link.call('whoami', {})).rejects.toMatchObject({ code: 'mcp.no_supervisor' });
});

test('without a supervisor there is no server', async () => {
  await expect(linkToSupervisor(undefined)).rejects.toMatchObject({ code: 'mcp.no_supervisor' });
  await expect(linkToSupervisor(join(folder, 'nobody.sock'))).rejects.toMatchObject({ code: 'mcp.no_supervisor' });
});
