import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from '../src/index.ts';

test('no way of printing shows the bytes', () => {
  const secret = Secret.from(Uint8Array.of(222, 173, 190, 239));
  const printed = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect(secret, { showHidden: true, depth: 10 }),
    inspect({ nested: [secret] }, { depth: 10 }),
    inspect(new Error('x', { cause: secret })),
    JSON.stringify(Object.entries(secret)),
    JSON.stringify(structuredClone({ ...secret })),
  ];
  for (const text of printed) expect(text).not.toMatch(/222|173|dead|beef/i);
  expect(printed[0]).toBe('[secret]');
  expect(secret.length).toBe(4);
});

test('a prepared form is made once, and wiping drops it and zeroes the bytes', () => {
  const raw = Uint8Array.of(1, 2, 3);
  const secret = Secret.from(raw);
  const form = Symbol('form');
  let made = 0;
  const prepare = () =>
    secret.prepared(form, (bytes) => {
      made += 1;
      return Secret.from(Uint8Array.from(bytes));
    });
  const first = prepare();
  expect(prepare()).toBe(first);
  expect(made).toBe(1);
  secret.wipe();
  expect(raw).toEqual(new Uint8Array(3));
  expect(first.expose()).toEqual(new Uint8Array(3));
  expect(prepare().expose()).toEqual(new Uint8Array(3));
  expect(made).toBe(2);
});
