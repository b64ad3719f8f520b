import { CaponierError, fromBase64url, type KeyPair, type Random, toBase64url } from '@caponier/crypto';
import { type Did, type ErrorCode, entryOf, fail, keyOf, type Signer, verifyStatement } from '@caponier/protocol';
import { bundleFromMembers, type MailSession, startMail } from '@caponier/session';
import type { Device as Enrolled, Wait } from '@caponier/verify';
import * as z from 'zod/mini';
import type { RelayPort } from '../link/relay-port.ts';
import { jsonBytes, openJson, sortable } from '../store/json.ts';
import type { KeyValue, KeyValueChange } from '../store/key-value.ts';
import type { KeyedLock } from '../sync/lock.ts';
import { type Deferred, deferred } from '../sync/queue.ts';
import { toldToWait } from '../transport/later.ts';
import type { Views } from '../views/views.ts';
import { outPrefix, sessionKey } from './keys.ts';
import type { Receipts } from './receipts.ts';
import { loadSessions, sessionsChange } from './sessions.ts';

/** Mails that may wait here. */
const maxOutbox = 1_000;
/** Milliseconds after which a mail that could not be given to the relay is given up. */
const outboxLifeMs = 7 * 86_400_000;
/** First and longest pause before a mail is tried again, milliseconds; each doubles the one before. */
const resendMs = { first: 500, most: 60_000 } as const;

const itemForm = z.strictObject({
  to: z.string(),
  owner: z.string(),
  /** Under which the relay keeps it: 16 bytes, base64url. The same at every try. */
  relayId: z.string(),
  plaintext: z.string(),
  /** Once it is sealed, the same bytes are sent at every try: sealing again would use another key. */
  sealed: z.nullable(z.string()),
  createdAt: z.int(),
  /** The message whose receipt is waited for; null where none is. */
  receipt: z.nullable(z.string()),
  /** How long it may wait until it is fetched; null where nobody said. */
  seconds: z.nullable(z.int()),
});
type Item = z.infer<typeof itemForm>;

export interface OutboxPorts {
  readonly store: KeyValue;
  readonly lock: KeyedLock;
  readonly relay: RelayPort;
  readonly views: Views;
  readonly signer: Signer;
  readonly box: KeyPair;
  readonly random: Random;
  readonly clock: () => number;
  readonly wait: Wait;
  readonly receipts: Pick<Receipts, 'expect'>;
  readonly trouble: (where: string, code: ErrorCode) => void;
}

/** How a mail is to be sent. */
export interface Posting {
  /** The message whose receipt is waited for. */
  readonly receipt?: string | null;
  readonly seconds?: number | null;
  /** Stored together with the mail. */
  readonly changes?: readonly KeyValueChange[];
}

/** The mails to one device, by key, and what wakes a lane that waits. */
interface Lane {
  readonly keys: string[];
  wake: AbortController;
  done: Promise<void>;
}

/** Mail on its way out: durable, in order for each device, sealed once, sent until the relay keeps it. */
export class Outbox {
  readonly #ports: OutboxPorts;
  readonly #stop = new AbortController();
  /** One lane a device: in order, and a device that cannot be reached holds up nobody else. */
  readonly #lanes = new Map<string, Lane>();
  readonly #settled = new Map<string, Deferred<void>>();
  #last = 0;
  #count = 0;

  constructor(ports: OutboxPorts) {
    this.#ports = ports;
  }

  /** Takes up what an earlier run left. */
  async start(): Promise<void> {
    for (const [key, bytes] of await this.#ports.store.list(outPrefix)) {
      this.#last = Math.max(this.#last, Number(key.slice(outPrefix.length)));
      this.#count += 1;
      this.#enqueue(openJson(bytes, itemForm, 'store.damaged').to, key);
    }
    this.#ports.relay.onState((state) => {
      if (state === 'connected') this.wake();
    });
  }

  /** Tries everything again now. */
  wake(): void {
    for (const lane of this.#lanes.values()) lane.wake.abort();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#lanes.values()].map((lane) => lane.done));
  }

  get waiting(): number {
    return this.#count;
  }

  /** Durable when it resolves; the promises say when the relay keeps each. Throws `mail.outbox_full`. */
  async add(
    owner: string,
    devices: readonly Did[],
    plaintext: Uint8Array,
    { receipt = null, seconds = null, changes = [] }: Posting = {},
  ): Promise<Promise<void>[]> {
    const { store, random, clock } = this.#ports;
    if (this.#count + devices.length > maxOutbox) throw fail('mail.outbox_full');
    this.#count += devices.length;
    const made = devices.map((to) => {
      this.#last += 1;
      const item: Item = {
        to,
        owner,
        relayId: toBase64url(random(16)),
        plaintext: toBase64url(plaintext),
        sealed: null,
        createdAt: clock(),
        receipt,
        seconds,
      };
      return { key: `${outPrefix}${sortable(this.#last)}`, item, settled: deferred<void>() };
    });
    await store.put([...changes, ...made.map(({ key, item }): KeyValueChange => [key, jsonBytes(item)])]);
    for (const { key, item, settled } of made) {
      this.#settled.set(key, settled);
      this.#enqueue(item.to, key);
    }
    return made.map(({ settled }) => settled.promise);
  }

  #enqueue(did: string, key: string): void {
    const known = this.#lanes.get(did);
    if (known) {
      known.keys.push(key);
      return;
    }
    const lane: Lane = { keys: [key], wake: new AbortController(), done: Promise.resolve() };
    this.#lanes.set(did, lane);
    lane.done = this.#drain(did, lane);
  }

  async #drain(did: string, lane: Lane): Promise<void> {
    const { store, wait } = this.#ports;
    let pause: number = resendMs.first;
    for (let key = lane.keys[0]; key !== undefined && !this.#stop.signal.aborted; key = lane.keys[0]) {
      let error: unknown = null;
      const bytes = await store.get(key);
      const item = bytes && openJson(bytes, itemForm, 'store.damaged');
      if (item)
        error = await this.#send(key, item).then(
          () => null,
          (thrown: unknown) => thrown,
        );
      if (!item || error === null || this.#hopeless(item, error)) {
        lane.keys.shift();
        await this.#finish(key, error);
        pause = resendMs.first;
        continue;
      }
      const told = this.#jittered(toldToWait(error));
      lane.wake = new AbortController();
      await wait(told, this.#stop.signal);
      await wait(Math.max(0, pause - told), AbortSignal.any([lane.wake.signal, this.#stop.signal]));
      pause = lane.wake.signal.aborted ? resendMs.first : Math.min(pause * 2, resendMs.most);
    }
    this.#lanes.delete(did);
  }

  /** Never sooner than the relay said; and not all who were told so at the same moment. */
  #jittered(told: number): number {
    return Math.ceil(told * (1 + this.#ports.random(1)[0]! / 1_024));
  }

  /** Whether the item is given up. */
  #hopeless(item: Item, error: unknown): boolean {
    const { clock, trouble } = this.#ports;
    const { code } = entryOf(error);
    if (code !== 'relay.disconnected') trouble('mail.send', code);
    return hopeless.has(code) || clock() - item.createdAt > lifeMs(item);
  }

  async #finish(key: string, error: unknown): Promise<void> {
    await this.#ports.store.delete(key);
    this.#count -= 1;
    const settled = this.#settled.get(key);
    this.#settled.delete(key);
    if (error === null) settled?.resolve();
    else settled?.reject(hopeless.has(entryOf(error).code) ? error : fail('mail.expired', entryOf(error).code));
  }

  async #send(key: string, item: Item): Promise<void> {
    const { store, relay, receipts, clock } = this.#ports;
    const recipient = this.#recipient(item);
    if (relay.state !== 'connected') throw fail('relay.disconnected');
    let { sealed } = item;
    if (sealed === null) {
      const message = await this.#ports.lock.run(sessionKey(item.to), async () => {
        const [current, ...others] = await this.#sessionsWith(recipient);
        const { session, message: bytes } = current!.encrypt(fromBase64url(item.plaintext), this.#ports.random);
        await store.put([
          sessionsChange(item.to, [session, ...others]),
          ...(item.receipt === null ? [] : [receipts.expect(item.receipt, item.to, bytes)]),
          [key, jsonBytes({ ...item, sealed: toBase64url(bytes) })],
        ]);
        return bytes;
      });
      sealed = toBase64url(message);
    }
    // What is left of its time: what waited here shall not wait as long again there.
    const left = item.seconds === null ? 0 : Math.max(1, Math.ceil((item.createdAt + lifeMs(item) - clock()) / 1_000));
    await relay.sendMail(keyOf(item.to, 'ed25519'), fromBase64url(item.relayId), fromBase64url(sealed), left);
  }

  /** The device as its owner's chain has it now. Throws `mail.no_recipient` for one that is gone, `owner.stale_view`, … */
  #recipient({ to, owner }: Item): Enrolled {
    const device = this.#ports.views.fresh('shell', owner).device(to);
    if (!device) throw fail('mail.no_recipient', 'device was revoked');
    return device;
  }

  async #sessionsWith(device: Enrolled): Promise<MailSession[]> {
    const { store, signer, box, relay, random } = this.#ports;
    const sessions = await loadSessions(store, device.did);
    if (sessions.length > 0) return sessions;
    const jws = await relay.fetchPrekeys(keyOf(device.did, 'ed25519'));
    if (jws === null) throw fail('mail.no_prekeys');
    return [
      startMail({
        self: { device: signer.did, box },
        peer: { device: device.did, boxKey: keyOf(device.box, 'x25519') },
        bundle: openPrekeys(jws, device.did),
        random,
      }),
    ];
  }
}

const lifeMs = ({ seconds }: Item): number => (seconds === null ? outboxLifeMs : seconds * 1_000);

/** Trying again would give the same answer. */
const hopeless: ReadonlySet<ErrorCode> = new Set(['mail.no_recipient', 'session.too_large', 'relay.too_large']);

/** The relay hands keys out; the device itself must have signed them. Throws `mail.bad_prekeys`. */
function openPrekeys(jws: string, device: Did) {
  try {
    const statement = verifyStatement(jws, 'prekeys');
    if (statement.kid !== device) throw fail('mail.bad_prekeys', 'of another device');
    return bundleFromMembers(statement.payload);
  } catch (error) {
    if (error instanceof CaponierError && error.code === 'mail.bad_prekeys') throw error;
    throw fail('mail.bad_prekeys', 'statement', error);
  }
}
