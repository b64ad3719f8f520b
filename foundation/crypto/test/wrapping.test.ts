import { expect, test } from 'vitest';
import { randomFrom, Secret, utf8 } from '../src/index.ts';
import { makeWrappingKey, unwrapSecret, wrapSecret } from '../src/web/index.ts';
import { expectCodeAsync } from './backends.ts';

const { subtle } = globalThis.crypto;
const random = randomFrom(globalThis.crypto);

test('a secret at rest opens under its key and context, and under no other', async () => {
  const key = await makeWrappingKey(subtle);
  const data = new Uint8Array(32).fill(5);
  const wrapped = await wrapSecret(subtle, key, random, Secret.from(data), utf8('device'));
  expect((await unwrapSecret(subtle, key, wrapped, utf8('device'))).expose()).toEqual(data);
  await expectCodeAsync('crypto.decrypt_failed', unwrapSecret(subtle, key, wrapped, utf8('owner')));
  await expectCodeAsync(
    'crypto.decrypt_failed',
    unwrapSecret(subtle, await makeWrappingKey(subtle), wrapped, utf8('device')),
  );
  for (let at = 0; at < wrapped.length; at++) {
    const altered = Uint8Array.from(wrapped);
    altered[at]! ^= 1;
    await expectCodeAsync('crypto.decrypt_failed', unwrapSecret(subtle, key, altered, utf8('device')));
    await expectCodeAsync('crypto.decrypt_failed', unwrapSecret(subtle, key, wrapped.subarray(0, at), utf8('device')));
  }
});

test('the wrapping key cannot be read, even by who made it', async () => {
  const key = await makeWrappingKey(subtle);
  expect(key.extractable).toBe(false);
  await expect(subtle.exportKey('raw', key)).rejects.toThrow();
});
