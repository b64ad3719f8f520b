import { fromBase64url } from '@caponier/crypto';
import { keyOf, type Verdict } from '@caponier/protocol';
import { testSigner } from '@caponier/testkit';
import { expect, test } from 'vitest';
import { AllowedContacts } from '../src/contacts/allowed.ts';
import { BlockList } from '../src/contacts/blocked.ts';
import { mailGrant } from '../src/contacts/contacts.ts';
import { type KeyValue, memoryKeyValue } from '../src/index.ts';
import type { RelayPort } from '../src/link/relay-port.ts';
import type { Views } from '../src/views/views.ts';

const owner = (letter: string) => `${letter.repeat(42)}A`;
const [bob, carol] = [owner('b'), owner('c')];
const phone = testSigner('phone of bob').did;

/** What a run of the device tells a relay. */
async function run(store: KeyValue, contacts: readonly string[], refuses = false) {
  const blocked = new BlockList(store);
  await blocked.load();
  const told: [string, Uint8Array, Verdict][] = [];
  const troubles: string[] = [];
  const relay = {
    state: 'connected',
    onState: () => () => {},
    judge: async (who: string, id: Uint8Array, verdict: Verdict) => {
      if (refuses) throw new Error('gone');
      told.push([who, id, verdict]);
    },
  } as unknown as RelayPort;
  const grants = contacts.map((id, n) => ({ id: `${n}`, ...mailGrant(id, `contact-${n}`) }));
  const views = { get: () => ({ view: { grants: () => grants } }), onChange: () => () => {} } as unknown as Views;
  const allowed = new AllowedContacts({
    owner: owner('a'),
    store,
    views,
    relay,
    blocked,
    clock: () => 0,
    trouble: (where) => troubles.push(where),
  });
  await allowed.settled();
  return { blocked, allowed, told, troubles };
}

test('the relay is told who is allowed and who is blocked; a block goes before the grant', async () => {
  const store = memoryKeyValue();
  const { blocked, allowed, told } = await run(store, [bob, carol]);
  expect(told.splice(0)).toEqual([
    ['owner', fromBase64url(bob), 'allow'],
    ['owner', fromBase64url(carol), 'allow'],
  ]);
  expect(await blocked.set({ owner: carol }, true)).toBe(true);
  expect(await blocked.set({ device: phone }, true)).toBe(true);
  await allowed.settled();
  expect(told.splice(0)).toEqual([
    ['owner', fromBase64url(carol), 'block'],
    ['device', keyOf(phone, 'ed25519'), 'block'],
  ]);
  expect([blocked.has(carol, testSigner('any').did), blocked.has(bob, phone)]).toEqual([true, true]);
  expect(blocked.has(bob, testSigner('any').did)).toBe(false);
  await blocked.set({ owner: carol }, false);
  await blocked.set({ device: phone }, false);
  await allowed.settled();
  expect(told.splice(0)).toEqual([
    ['device', keyOf(phone, 'ed25519'), 'forget'],
    ['owner', fromBase64url(carol), 'allow'],
  ]);
});

test('a block lasts over a restart, also where the relay did not hear of it', async () => {
  const store = memoryKeyValue();
  const first = await run(store, [bob], true);
  await first.blocked.set({ device: phone }, true);
  await first.allowed.settled();
  expect(first.troubles.length).toBeGreaterThan(0);
  const { told, blocked } = await run(store, [bob]);
  expect(told).toEqual([
    ['owner', fromBase64url(bob), 'allow'],
    ['device', keyOf(phone, 'ed25519'), 'block'],
  ]);
  expect(blocked.has(bob, phone)).toBe(true);
});

test('there is room for so many blocks; one that stands can be set again', async () => {
  const { blocked } = await run(memoryKeyValue(), []);
  const names = Array.from({ length: 256 }, (_, n) => `${n}`);
  for (const name of names) expect(await blocked.set({ owner: name }, true)).toBe(true);
  expect(await blocked.set({ owner: 'one more' }, true)).toBe(false);
  expect(await blocked.set({ owner: '7' }, true)).toBe(true);
  await blocked.set({ owner: '7' }, false);
  expect(await blocked.set({ owner: 'one more' }, true)).toBe(true);
});
