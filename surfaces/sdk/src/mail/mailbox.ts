import { type KeyPair, type Random, toBase64url } from '@caponier/crypto';
import { type Did, type ErrorCode, encodeDid, entryOf, fail, keyOf, type Signer } from '@caponier/protocol';
import type { Wait } from '@caponier/verify';
import * as z from 'zod/mini';
import type { BlockList } from '../contacts/blocked.ts';
import type { DeliveredMail, RelayPort } from '../link/relay-port.ts';
import { jsonBytes, openJson, sortable } from '../store/json.ts';
import type { KeyValue, KeyValueChange } from '../store/key-value.ts';
import { KeyedLock } from '../sync/lock.ts';
import type { Views } from '../views/views.ts';
import { nameOfSender, resolveAddress, resolveSender, type Sender } from './address.ts';
import { type Envelope, encodeEnvelope, openEnvelope } from './form.ts';
import { inPrefix, prekeysKey, seenPrefix, sessionKey } from './keys.ts';
import { Outbox, type Posting } from './outbox.ts';
import { PrekeyShelf } from './prekeys.ts';
import { Receipts } from './receipts.ts';
import { openMail } from './sessions.ts';
import type { Letter, Mailbox, MailContent, Queued, SendOptions, Sent } from './types.ts';

/** Letters kept until somebody takes them; above it the oldest goes. */
const maxLetters = 10_000;
/** Milliseconds for which ids of messages are remembered: longer than any sender goes on sending one. */
const seenMs = 9 * 86_400_000;

const letterForm = z.strictObject({
  id: z.string(),
  from: z.string(),
  fromAgent: z.nullable(z.string()),
  fromDevice: z.string(),
  fromOwner: z.string(),
  toAgent: z.nullable(z.string()),
  text: z.string(),
  sentAt: z.number(),
  receivedAt: z.number(),
});

type Agents = Pick<Envelope, 'from' | 'to'>;

/** What asks and answers do with a mail of theirs: changes to be stored with it, and what to tell afterwards. */
export type ContentHandler = (
  content: Extract<MailContent, { type: 'ask' | 'answer' }>,
  sender: Sender,
) => Promise<{ readonly changes: readonly KeyValueChange[]; tell(): void }>;

export interface MailPorts {
  readonly store: KeyValue;
  readonly relay: RelayPort;
  readonly views: Views;
  readonly signer: Signer;
  readonly box: KeyPair;
  readonly random: Random;
  readonly clock: () => number;
  readonly wait: Wait;
  readonly trouble: (where: string, code: ErrorCode) => void;
  readonly onContent: ContentHandler;
  readonly blocked: Pick<BlockList, 'has'>;
}

/** Mail of one device, both ways. */
export class DeviceMail implements Mailbox {
  readonly #ports: MailPorts;
  readonly #lock = new KeyedLock();
  readonly #outbox: Outbox;
  readonly #shelf: PrekeyShelf;
  readonly #receipts: Receipts;
  readonly #listeners = new Set<(letter: Letter) => void>();
  readonly #delivered = new Set<(id: string, device: Did) => void>();
  #closed = false;
  #latest = 0;
  #offering: Promise<boolean> = Promise.resolve(false);

  constructor(ports: MailPorts) {
    this.#ports = ports;
    this.#receipts = new Receipts({
      ...ports,
      send: (owner, device, content, changes) => this.#post(owner, [device], content, noAgents, { changes }),
    });
    this.#outbox = new Outbox({ ...ports, lock: this.#lock, receipts: this.#receipts });
    this.#shelf = new PrekeyShelf({ ...ports, box: ports.box.publicKey, lock: this.#lock });
  }

  async start(): Promise<void> {
    const { relay } = this.#ports;
    await this.#forgetSeen();
    await this.#outbox.start();
    await this.#receipts.start();
    relay.receiveMail((mail) => this.#receive(mail));
    relay.onState((state) => {
      if (state === 'connected') this.#offer(this.#shelf.connected());
    });
    if (relay.state === 'connected') this.#offer(this.#shelf.connected());
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#outbox.close(), this.#receipts.close()]);
  }

  /** What fails is tried again at the next connection or use. */
  #offer(filling: Promise<void>): void {
    this.#offering = filling.then(
      () => true,
      (error: unknown) => {
        this.#ports.trouble('mail.prekeys', entryOf(error).code);
        return false;
      },
    );
  }

  /** Whether others can begin mail to this device: after the keys that were being offered are there. */
  get reachable(): Promise<boolean> {
    return this.#offering;
  }

  // ---- out ----

  async send({ to, text, fromAgent = null, seconds }: SendOptions): Promise<Sent> {
    const { views, clock, random, signer } = this.#ports;
    const { owner, devices, agent } = resolveAddress(to, views, clock());
    const receipt = toBase64url(random(16));
    const dids = devices.map((d) => d.did);
    const { promise: delivered, resolve } = Promise.withResolvers<void>();
    const stop = this.onDelivered((id) => {
      if (id !== receipt) return;
      stop();
      resolve();
    });
    const agents = { from: fromAgent, to: agent };
    try {
      const queued = await this.#post(owner, dids, { type: 'text', text }, agents, {
        receipt,
        seconds: seconds ?? null,
      });
      if (dids.includes(signer.did)) for (const listener of this.#delivered) listener(receipt, signer.did);
      // Nothing will come of what could not even be sent.
      queued.accepted.catch(stop);
      return { ...queued, delivered };
    } catch (error) {
      stop();
      throw error;
    }
  }

  /** To devices in hand, without a receipt. */
  sendContent(
    owner: string,
    devices: readonly Did[],
    content: MailContent,
    agents: Agents = noAgents,
  ): Promise<Queued> {
    return this.#post(owner, devices, content, agents, {});
  }

  async #post(
    owner: string,
    devices: readonly Did[],
    content: MailContent,
    agents: Agents,
    posting: Posting,
  ): Promise<Queued> {
    const { random, clock, signer } = this.#ports;
    const id = posting.receipt ?? toBase64url(random(16));
    const envelope: Envelope = { id, ...agents, sentAt: clock(), content };
    const plaintext = encodeEnvelope(envelope);
    const away = devices.filter((did) => did !== signer.did);
    const accepted = away.length > 0 ? await this.#outbox.add(owner, away, plaintext, posting) : [];
    // To an agent, or person, of this very device: it need not go round by the relay.
    if (devices.includes(signer.did)) await this.#keep(this.#self(), envelope, null, []);
    const all = Promise.all(accepted).then(() => {});
    all.catch(() => {});
    return { id, devices, accepted: all };
  }

  #self(): Sender {
    const { views, signer } = this.#ports;
    const { view } = views.get();
    const device = view.device(signer.did);
    if (!device) throw fail('owner.not_enrolled');
    return { owner: view.id, device, contact: null };
  }

  async waiting(): Promise<number> {
    return this.#outbox.waiting;
  }

  // ---- in ----

  /** Resolves when the mail may be forgotten by the relay: stored here, or nothing to store. Throws: it comes again. */
  async #receive({ from, body }: DeliveredMail): Promise<void> {
    const { views, clock, trouble, blocked } = this.#ports;
    if (this.#closed) throw fail('relay.disconnected', 'closing');
    let sender: Sender;
    try {
      await views.soon('shell');
      sender = resolveSender(encodeDid('ed25519', from), views, clock());
      // The relay was told so, too; a relay that does not care changes nothing.
      if (blocked.has(sender.owner, sender.device.did)) throw fail('mail.not_allowed', 'blocked');
    } catch (error) {
      const { code } = entryOf(error);
      // What cannot be judged now waits at the relay; what is not allowed is not wanted later either.
      if (code !== 'mail.not_allowed' && code !== 'owner.frozen') throw error;
      trouble('mail.receive', code);
      return;
    }
    // Prekeys may be offered at the same time, mail be sealed: both would change what is stored of them.
    await this.#lock.run(sessionKey(sender.device.did), () =>
      this.#lock.run(prekeysKey, () => this.#read(sender, body)),
    );
  }

  async #read(sender: Sender, body: Uint8Array): Promise<void> {
    const { store, signer, box, trouble } = this.#ports;
    const { did, box: boxDid } = sender.device;
    let opened: Awaited<ReturnType<typeof openMail>>;
    try {
      const self = { device: signer.did, box };
      opened = await openMail(store, self, { device: did, boxKey: keyOf(boxDid, 'x25519') }, body);
    } catch (error) {
      const { code } = entryOf(error);
      if (!code.startsWith('mail.') && !code.startsWith('session.') && !code.startsWith('crypto.')) throw error;
      if (code !== 'mail.replayed') trouble('mail.receive', code);
      return;
    }
    let envelope: Envelope;
    try {
      envelope = openEnvelope(opened.plaintext);
    } catch (error) {
      trouble('mail.receive', entryOf(error).code);
      await store.put(opened.changes);
      return;
    }
    await this.#keep(sender, envelope, body, opened.changes);
    if (opened.began) this.#offer(this.#shelf.used());
  }

  /** The message and the session it moved on become durable in one step; then it may be acknowledged and told. */
  async #keep(
    sender: Sender,
    envelope: Envelope,
    sealed: Uint8Array | null,
    changes: readonly KeyValueChange[],
  ): Promise<void> {
    const { store, clock, trouble } = this.#ports;
    const seen = `${seenPrefix}${sender.device.did}/${envelope.id}`;
    const remember: KeyValueChange = [seen, jsonBytes(clock())];
    const wrongAgent = this.#wrongAgent(sender, envelope);
    if (wrongAgent) trouble('mail.receive', 'mail.bad_message');
    if (wrongAgent || (await store.get(seen))) return store.put([...changes, remember]);
    const { content } = envelope;
    if (content.type === 'text') {
      const letter = this.#letterOf(sender, envelope, content.text);
      const owed = sealed === null ? [] : this.#receipts.changes(sender, envelope.id, sealed);
      await store.put([...changes, remember, [keyOfLetter(letter), jsonBytes(letter)], ...owed]);
      if (sealed !== null) this.#receipts.owe(sender.device.did);
      for (const listener of this.#listeners) listener(letter);
      return;
    }
    if (content.type === 'delivered') return this.#takeReceipts(sender, content.receipts, [...changes, remember]);
    try {
      const done = await this.#ports.onContent(content, sender);
      await store.put([...changes, remember, ...done.changes]);
      done.tell();
    } catch (error) {
      const { code } = entryOf(error);
      if (code.startsWith('store.') || code === 'host.internal') throw error;
      trouble(`mail.${content.type}`, code);
      await store.put([...changes, remember]);
    }
  }

  async #takeReceipts(sender: Sender, receipts: readonly string[], changes: readonly KeyValueChange[]): Promise<void> {
    const { store, trouble } = this.#ports;
    const { did } = sender.device;
    const taken: Awaited<ReturnType<Receipts['take']>>[] = [];
    for (const jws of receipts) {
      try {
        taken.push(await this.#receipts.take(jws, did));
      } catch (error) {
        const { code } = entryOf(error);
        if (code.startsWith('store.') || code === 'host.internal') throw error;
        trouble('mail.delivered', code);
      }
    }
    await store.put([...changes, ...taken.map(({ change }) => change)]);
    for (const { message } of taken) for (const listener of this.#delivered) listener(message, did);
  }

  /** An agent's name ends in its device's: no device speaks for another's agents. */
  #wrongAgent({ device }: Sender, { from, to }: Envelope): boolean {
    const own = this.#self().device.name;
    return (from !== null && !from.endsWith(`@${device.name}`)) || (to !== null && !to.endsWith(`@${own}`));
  }

  #letterOf(sender: Sender, { id, from, to, sentAt }: Envelope, text: string): Letter {
    return {
      id,
      from: nameOfSender(sender, from),
      fromAgent: from,
      fromDevice: sender.device.did,
      fromOwner: sender.owner,
      toAgent: to,
      text,
      sentAt,
      receivedAt: this.#now(),
    };
  }

  /** Each letter later than the one before, so that they sort as they came. */
  #now(): number {
    this.#latest = Math.max(this.#ports.clock(), this.#latest + 1);
    return this.#latest;
  }

  async list({ limit = maxLetters }: { readonly limit?: number } = {}): Promise<readonly Letter[]> {
    const entries = await this.#ports.store.list(inPrefix, { limit });
    return entries.map(([, bytes]) => openJson(bytes, letterForm, 'store.damaged') as Letter);
  }

  async take(id: string): Promise<void> {
    const { store } = this.#ports;
    const entries = await store.list(inPrefix);
    await store.delete(...entries.flatMap(([key]) => (key.endsWith(`/${id}`) ? [key] : [])));
  }

  onDelivered(listener: (id: string, device: Did) => void): () => void {
    this.#delivered.add(listener);
    return () => this.#delivered.delete(listener);
  }

  onMail(listener: (letter: Letter) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #forgetSeen(): Promise<void> {
    const { store, clock } = this.#ports;
    const old = (await store.list(seenPrefix)).filter(
      ([, bytes]) => clock() - openJson(bytes, z.number(), 'store.damaged') > seenMs,
    );
    if (old.length > 0) await store.delete(...old.map(([key]) => key));
    const letters = await store.list(inPrefix);
    if (letters.length > maxLetters) await store.delete(...letters.slice(0, -maxLetters).map(([key]) => key));
  }
}

const noAgents: Agents = { from: null, to: null };
const keyOfLetter = ({ receivedAt, id }: Letter) => `${inPrefix}${sortable(receivedAt)}/${id}`;
