import { utf8 } from '@caponier/crypto';
import { registryWire, verifyStatement } from '@caponier/protocol';
import { makeOwner, seededRandom } from '@caponier/testkit';
import { expect, test } from 'vitest';
import { RegistryHttp } from '../../src/index.ts';

const challenge = 'A'.repeat(43);

/** A registry over HTTP that answers what a test wants; notes what it was asked. */
async function over(answer: (path: string) => Response, signed = true) {
  const owner = await makeOwner();
  const asked: { path: string; hello: string | null }[] = [];
  const http = new RegistryHttp({
    url: 'http://registry.example',
    fetch: async (url, init) => {
      const path = url.replace('http://registry.example', '');
      asked.push({ path, hello: new Headers(init?.headers).get(registryWire.registryHelloHeader) });
      return path === '/challenge' ? Response.json({ challenge, expires: 1 }) : answer(path);
    },
    signer: signed ? owner.gate : null,
    registry: owner.registry.did,
    owner: null,
    random: seededRandom('http'),
    clock: owner.clock,
  });
  return { http, asked, owner };
}

const signal = new AbortController().signal;
const pieces = (...parts: Uint8Array[]) =>
  new Response(
    new ReadableStream({
      start(c) {
        for (const part of parts) c.enqueue(part);
        c.close();
      },
    }),
  );
const read = async (lines: AsyncIterable<string>) => {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
};

test('lines come whole, however the network cuts them', async () => {
  const text = utf8('{"a":"ä"}\n{"b":2}\n{"cut');
  const { http, asked, owner } = await over(() => pieces(...Array.from(text, (byte) => Uint8Array.of(byte))));
  expect(await read(http.follow(7, 'full', signal))).toEqual(['{"a":"ä"}', '{"b":2}']);
  expect(asked.map(({ path }) => path)).toEqual(['/challenge', '/follow?from=7']);
  const hello = verifyStatement(asked[1]!.hello!, 'hello');
  expect(hello.kid).toBe(owner.gate.did);
  expect(hello.payload).toMatchObject({ aud: owner.registry.did, challenge, owner: null });
});

test('a reader without a key asks as anybody', async () => {
  const { http, asked } = await over(() => pieces(), false);
  expect(await read(http.follow(0, 'membership', signal))).toEqual([]);
  expect(asked).toEqual([{ path: '/follow?from=0&class=membership', hello: null }]);
});

test('a line without an end is cut before it fills the memory', async () => {
  const { http } = await over(() => pieces(new Uint8Array(registryWire.registryMaxLine + 1).fill(0x61)));
  await expect(read(http.follow(0, 'full', signal))).rejects.toMatchObject({ code: 'log.bad_leaf' });
});

test('a statement, a statement that is not shown, and answers that are neither', async () => {
  const shown = { statement: 'a.b.c', cosigns: [] };
  const get = async (response: Response) => (await over(() => response)).http.statement(challenge, signal);
  expect(await get(Response.json(shown))).toEqual(shown);
  for (const status of [403, 404]) expect(await get(new Response('{}', { status }))).toBeUndefined();
  await expect(get(new Response('x', { status: 500 }))).rejects.toMatchObject({ code: 'host.unreachable' });
  await expect(get(new Response('not json'))).rejects.toMatchObject({ code: 'host.unreachable' });
  await expect(get(Response.json({ statement: 1 }))).rejects.toMatchObject({ code: 'log.bad_leaf' });
  await expect(get(new Response(new Uint8Array(3 * registryWire.registryMaxLine).fill(0x20)))).rejects.toMatchObject({
    code: 'host.body_too_large',
  });
});
