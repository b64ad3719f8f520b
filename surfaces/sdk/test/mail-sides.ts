import { crypto, Secret } from '@caponier/crypto';
import { type Did, type ErrorCode, encodeDid, fail, keyOf } from '@caponier/protocol';
import { manualClock, seededRandom, testSigner } from '@caponier/testkit';
import { type KeyValue, memoryKeyValue } from '../src/index.ts';
import type { DeliveredMail, RelayPort } from '../src/link/relay-port.ts';
import { DeviceMail } from '../src/mail/mailbox.ts';
import { refusal } from '../src/transport/later.ts';
import type { Views } from '../src/views/views.ts';

/** Two devices of one owner, and for each a relay in hand. */

export interface Side {
  readonly mail: DeviceMail;
  readonly relay: FakeRelay;
  readonly troubles: string[];
  readonly store: KeyValue;
  readonly blocked: Set<Did>;
  /** Every pause, in milliseconds. */
  readonly waits: number[];
}

export class FakeRelay implements RelayPort {
  state: RelayPort['state'] = 'connected';
  readonly sent: { to: Uint8Array; id: Uint8Array; body: Uint8Array; seconds: number }[] = [];
  readonly offered: string[] = [];
  /** What the next sends answer, in order; afterwards they are taken. */
  refusals: (ErrorCode | { readonly code: ErrorCode; readonly retry: number })[] = [];
  prekeys: () => string | null = () => null;
  handler: (mail: DeliveredMail) => Promise<void> = async () => {};
  readonly listeners: ((state: RelayPort['state']) => void)[] = [];
  readonly oneTimeLeft = 0;

  onState(listener: (state: RelayPort['state']) => void) {
    this.listeners.push(listener);
    return () => {};
  }
  async sendMail(to: Uint8Array, id: Uint8Array, body: Uint8Array, seconds = 0) {
    const refused = this.refusals.shift();
    if (typeof refused === 'string') throw fail(refused);
    if (refused) throw refusal(refused.code, refused.retry);
    this.sent.push({ to, id, body, seconds });
  }
  receiveMail(handler: (mail: DeliveredMail) => Promise<void>) {
    this.handler = handler;
  }
  async offer(statements: readonly string[]) {
    this.offered.push(...statements);
  }
  async fetchPrekeys() {
    return this.prekeys();
  }
  async judge() {}
  async tell() {}
  openStream = () => Promise.reject(fail('relay.not_reachable'));
  acceptStreams() {}
  openMeeting = () => Promise.reject(fail('relay.not_reachable'));
  start() {}
  close() {}
}

export const owner = 'o'.repeat(43);
export const clock = manualClock();
const keysOf = (name: string) => {
  const box = crypto.x25519.keyPair(Secret.from(seededRandom(`box ${name}`)(32)));
  const signer = testSigner(name);
  return { name, signer, box, did: signer.did, boxDid: encodeDid('x25519', box.publicKey) };
};
export const [ann, ben, eve] = ['ann', 'ben', 'eve'].map(keysOf) as [Keys, Keys, Keys];
export type Keys = ReturnType<typeof keysOf>;
const enrolled = (keys: Keys) => ({
  id: '',
  seq: 1,
  did: keys.did,
  box: keys.boxDid,
  role: 'member' as const,
  name: keys.name,
});

/** A view of three devices of one owner; `stale` and `gone` are what a test says. */
export const world = { stale: false, gone: new Set<string>() };
const view = {
  id: owner,
  device: (did: string) =>
    world.gone.has(did) ? undefined : [ann, ben].map(enrolled).find((device) => device.did === did),
  deviceByName: (name: string) => [ann, ben].map(enrolled).find((device) => device.name === name),
  grants: () => [],
  frozen: () => undefined,
};
const views = {
  get: () => ({ view }),
  fresh: () => {
    if (world.stale) throw fail('owner.stale_view');
    return view;
  },
  soon: async () => {
    if (world.stale) throw fail('owner.stale_view');
    return { view, age: 0 };
  },
} as unknown as Views;

export function open(keys: Keys, store: KeyValue = memoryKeyValue(), random = seededRandom(`mail ${keys.name}`)): Side {
  const relay = new FakeRelay();
  const troubles: string[] = [];
  const waits: number[] = [];
  const blocked = new Set<Did>();
  const mail = new DeviceMail({
    store,
    relay,
    views,
    signer: keys.signer,
    box: keys.box,
    random,
    clock,
    wait: (ms, signal) =>
      new Promise((resolve) => {
        waits.push(ms);
        if (signal.aborted) return resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
        setTimeout(resolve, 5);
      }),
    trouble: (where, code) => troubles.push(`${where} ${code}`),
    onContent: async () => ({ changes: [], tell: () => {} }),
    blocked: { has: (_owner, device) => blocked.has(device) },
  });
  return { mail, relay, troubles, store, blocked, waits };
}

export async function pair() {
  const [from, to] = [open(ann), open(ben)];
  await Promise.all([from.mail.start(), to.mail.start()]);
  await to.mail.reachable;
  from.relay.prekeys = () => to.relay.offered.at(-1) ?? null;
  return { from, to };
}

export const deliver = (to: Side, from: Keys, mail: { id: Uint8Array; body: Uint8Array }) =>
  to.relay.handler({ from: keyOf(from.did, 'ed25519'), id: mail.id, body: mail.body });
export const texts = async (side: Side) => (await side.mail.list()).map(({ text }) => text);
