import { toBase64url } from '@caponier/crypto';
import {
  claimedKind,
  type Did,
  type ErrorCode,
  entryOf,
  fail,
  type Payload,
  type Signer,
  sign,
  type Verified,
  verifyStatement,
} from '@caponier/protocol';
import {
  type DatedView,
  type OwnerView,
  openChainStatement,
  type Purpose,
  replayChain,
  type WireStatement,
} from '@caponier/verify';
import { buildDeviceCapsule, buildTrustFile } from '../capsule/capsule.ts';
import { DeviceChannels } from '../channels/channels.ts';
import { AllowedContacts } from '../contacts/allowed.ts';
import { BlockList } from '../contacts/blocked.ts';
import { findService, openServices, servicesOf } from '../directory/directory.ts';
import type { Service } from '../directory/types.ts';
import { add } from '../joining/adder.ts';
import { gatherEvidence } from '../joining/evidence.ts';
import { join } from '../joining/joiner.ts';
import { socketOfRelay } from '../joining/relay-address.ts';
import type { Adding, AddOptions, Joining } from '../joining/types.ts';
import type { RelayPort } from '../link/relay-port.ts';
import { resolveOther } from '../mail/address.ts';
import { DeviceMail } from '../mail/mailbox.ts';
import { publish } from '../owner/publish.ts';
import type { Draft, FreezeTarget, PublishReport, SigningNeed, TicketDraft } from '../owner/types.ts';
import { DeviceAsks } from '../permits/asks.ts';
import { Journal } from '../permits/journal.ts';
import { createPermits } from '../permits/permits.ts';
import type { Permits } from '../permits/types.ts';
import { createRelayClient, joinMeeting } from '../relay/index.ts';
import { membershipOf, Views } from '../views/views.ts';
import { AlarmBook } from './alarms.ts';
import { KnownServices } from './services.ts';
import { statusOf } from './status.ts';
import type { Blocking, Device, DeviceOptions, DeviceStatus, LogEntry } from './types.ts';

/** Milliseconds that `ready` waits unless said otherwise. */
const readyMs = 30_000;
/** Milliseconds between two looks while something is waited for. */
const lookMs = 100;

/** Opens what the device keeps; `start` begins. Throws `store.damaged`, `statement.*`, `owner.*` for bad start material. */
export async function createDevice(options: DeviceOptions): Promise<Device> {
  const { identity, start, store } = options;
  const first = replayChain(start.chain);
  if (first.id !== start.owner || identity.owner !== start.owner)
    throw fail('owner.conflict', 'start of another owner');
  const known = await KnownServices.open(store, start.services);
  const alarms = new AlarmBook(options);
  const services = servicesOf(first, openServices(known.statements));
  const views = await Views.open({
    ...options,
    owner: start.owner,
    signer: identity.signer,
    anchor: start.anchor,
    registry: findService(services, 'registry'),
    alarm: (code, facts) => void alarms.raise(code, facts),
  });
  const blocked = new BlockList(store);
  await blocked.load();
  return new CaponierDevice(options, first, known, views, blocked);
}

class CaponierDevice implements Device {
  readonly owner: string;
  readonly did: Did;
  readonly views: Device['views'];
  readonly mail: DeviceMail;
  readonly channels: DeviceChannels;
  readonly asks: DeviceAsks;
  readonly permits: Permits;
  readonly #options: DeviceOptions;
  readonly #signer: Signer;
  /** The chain of the start: what counts until the log was reached. */
  readonly #first: OwnerView;
  readonly #known: KnownServices;
  readonly #views: Views;
  readonly #relay: RelayPort & { readonly trouble: ErrorCode | null };
  readonly #journal: Journal;
  readonly #allowed: AllowedContacts;
  readonly #blocked: BlockList;

  constructor(options: DeviceOptions, first: OwnerView, known: KnownServices, views: Views, blocked: BlockList) {
    const { identity, store, random, clock, wait, transport } = options;
    const { signer, box } = identity;
    this.#options = options;
    this.#signer = signer;
    this.#first = first;
    this.#known = known;
    this.#views = views;
    this.#blocked = blocked;
    this.owner = first.id;
    this.did = signer.did;
    const at = this.service('relay');
    const ticket = options.start.tickets.find((jws) => verifyStatement(jws, 'ticket').payload.aud === at.key) ?? null;
    const relay = createRelayClient({
      address: { url: socketOfRelay(at.url), ...(at.pin !== null && { pin: at.pin }) },
      relay: at.key,
      signer,
      owner: this.owner,
      credentials: { chain: () => this.#membership(), ticket },
      transport,
      clock,
      random,
      wait,
    });
    this.#relay = relay;
    const trouble = (where: string, code: ErrorCode) => options.onTrouble?.(where, code);
    const shared = { store, relay, views, signer, box, random, clock, wait, trouble, blocked };
    const asks: DeviceAsks = new DeviceAsks({
      ...shared,
      mail: async (devices, content) => {
        await this.mail.sendContent(this.owner, devices, content);
      },
    });
    this.asks = asks;
    this.mail = new DeviceMail({ ...shared, onContent: asks.onContent });
    this.channels = new DeviceChannels(shared);
    this.#journal = new Journal(store, clock);
    this.permits = createPermits({
      ...options,
      ...shared,
      asks,
      journal: this.#journal,
      service: (role, of) => this.service(role, of),
    });
    this.#allowed = new AllowedContacts({ ...shared, owner: this.owner });
    this.views = {
      get: (owner?: string): DatedView => views.get(owner),
      fresh: (purpose: Purpose, owner?: string) => views.fresh(purpose, owner),
      onChange: (listener) => views.onChange(listener),
      until: (condition, ms) => views.until(condition, ms),
    };
  }

  // ---- life ----

  start(): void {
    this.#views.start();
    this.channels.start();
    this.#allowed.start();
    void this.mail.start().catch((error: unknown) => this.#trouble('mail.start', error));
    this.#relay.start();
  }

  #trouble(where: string, error: unknown): void {
    this.#options.onTrouble?.(where, entryOf(error).code);
  }

  async ready(ms: number = readyMs): Promise<void> {
    const { clock, wait } = this.#options;
    const end = clock() + ms;
    await this.#views.until((view) => view.device(this.did) !== undefined, ms);
    const never = new AbortController().signal;
    while (this.#relay.state !== 'connected') {
      if (clock() >= end) throw fail(this.#relay.trouble ?? 'relay.disconnected', 'not connected in time');
      await wait(lookMs, never);
    }
    // Mail to us can begin from here on: keys are offered, contacts allowed.
    await this.mail.reachable;
    await this.#allowed.settled();
  }

  async close(): Promise<void> {
    this.channels.close();
    this.#relay.close();
    await Promise.all([this.mail.close(), this.#views.close()]);
  }

  async status(): Promise<DeviceStatus> {
    const { clock } = this.#options;
    return statusOf({
      did: this.did,
      view: this.#view(),
      views: this.#views,
      relay: this.#relay.state,
      services: this.services(),
      now: clock(),
    });
  }

  // ---- what is known ----

  /** The newest view there is, fresh or not: for what is shown and for where services are, never for what is allowed. */
  #view(): OwnerView {
    try {
      const { view } = this.#views.get();
      return view.seq >= this.#first.seq ? view : this.#first;
    } catch {
      return this.#first;
    }
  }

  services(): readonly Service[] {
    return servicesOf(this.#view(), openServices(this.#known.statements));
  }

  service(role: Service['role'], of: string | null = null): Service {
    return findService(this.services(), role, of);
  }

  learn(services: readonly string[]): Promise<void> {
    return this.#known.learn(services, this.#view());
  }

  async #chain(): Promise<readonly WireStatement[]> {
    const chain = await this.#views.chain();
    return chain.length >= this.#options.start.chain.length ? chain : this.#options.start.chain;
  }

  async #membership(): Promise<string[]> {
    return membershipOf(await this.#chain());
  }

  // ---- whom it does not want to hear ----

  async block(who: string, blocked: boolean): Promise<Blocking> {
    const { clock } = this.#options;
    const found = resolveOther(who, this.#views, clock());
    if (!(await this.#blocked.set(found, blocked))) throw fail('contact.too_many_blocked');
    const told = this.#relay.state === 'connected';
    if (told) await this.#allowed.settled();
    return { who, blocked, told };
  }

  // ---- the owner's hand ----

  need(drafts: readonly Draft[]): Promise<SigningNeed> {
    return this.#need(drafts, []);
  }

  async #need(drafts: readonly Draft[], tickets: readonly TicketDraft[]): Promise<SigningNeed> {
    // Caught up first: what is signed on an old chain is void.
    await this.#views.until(() => true);
    return { owner: this.owner, chain: await this.#chain(), drafts, tickets };
  }

  async publish(statements: readonly WireStatement[]): Promise<PublishReport> {
    const { transport, clock, wait } = this.#options;
    const report = await publish(
      {
        transport,
        clock,
        wait,
        services: this.services(),
        obey: (removal) => this.#views.offer(removal),
        ...(this.#relay.state === 'connected' && {
          tellRelay: (removals: readonly string[]) => this.#relay.tell(removals),
        }),
      },
      statements,
    );
    const last = statements.findLast(({ statement }) => claimedKind(statement) !== 'freeze');
    // Whoever goes on from here sees what was written.
    if (report.sequenced && last) {
      const { seq } = openChainStatement(last.statement).payload;
      await this.#views.until((view) => view.seq >= seq);
    }
    return report;
  }

  async freeze({ what, target }: FreezeTarget): Promise<PublishReport & { readonly id: string }> {
    const { random, clock } = this.#options;
    const view = this.#view();
    if (!view.approver(this.did)) throw fail('owner.not_authorised', 'not an approver');
    const statement = await sign(this.#signer, 'freeze', {
      aud: this.owner,
      what,
      target,
      iat: Math.floor(clock() / 1000),
      nonce: toBase64url(random(16)),
    });
    const freeze: Verified<'freeze'> = verifyStatement(statement, 'freeze');
    view.withFreeze(freeze);
    return { ...(await this.publish([{ statement, cosigns: [] }])), id: freeze.id };
  }

  // ---- joining ----

  add(options: AddOptions): Adding {
    const { random, clock } = this.#options;
    return add(
      {
        signer: this.#signer,
        random,
        clock,
        relay: this.#relay,
        service: (role) => this.service(role),
        ready: () => this.#views.until(() => true),
        view: () => this.#views.fresh('permit'),
        evidence: () => this.#evidence(),
        need: (drafts, tickets) => this.#need(drafts, tickets),
        publish: (statements) => this.publish(statements),
        tickets: () => this.#spare(),
        chain: async (atLeast) => {
          await this.#views.until((view) => view.seq + 1 >= atLeast);
          return this.#views.chain();
        },
      },
      options,
    );
  }

  /** Tickets for the relay with which more owners than ours get in. Those of our own operator it signs when they are needed. */
  #spare(): string[] {
    const { key } = this.service('relay');
    const now = this.#options.clock() / 1000;
    const isGood = ({ aud, uses, exp }: Payload<'ticket'>) => aud === key && uses > 1 && exp > now;
    return this.#options.start.tickets.filter((jws) => isGood(verifyStatement(jws, 'ticket').payload)).slice(0, 1);
  }

  joinContact(options: Parameters<Device['joinContact']>[0]): Joining {
    const { identity, transport, wait } = this.#options;
    const keys = { signer: identity.signer, box: identity.box };
    const name = this.#view().device(this.did)?.name ?? 'device';
    return join(
      this.#options,
      ({ url, pin }, meeting, signal) =>
        joinMeeting({ transport, wait }, { url, ...(pin !== null && { pin }) }, meeting, signal),
      { ...options, keys, device: name },
      {
        view: () => this.#views.fresh('permit'),
        evidence: () => this.#evidence(),
        need: (drafts) => this.need(drafts),
        publish: (statements) => this.publish(statements),
      },
    );
  }

  #evidence() {
    return gatherEvidence(this.#options.transport, this.owner, this.services(), this.#known.statements);
  }

  // ---- what happened ----

  capsule(request: string): Promise<Uint8Array> {
    return buildDeviceCapsule(this.#capsulePorts(), request);
  }

  async trustFile(): Promise<Uint8Array> {
    return buildTrustFile(this.#capsulePorts());
  }

  #capsulePorts() {
    return {
      ...this.#options,
      owner: this.owner,
      signer: this.#signer,
      services: this.services(),
      chain: () => this.#chain(),
    };
  }

  log({ limit }: { readonly limit?: number } = {}): Promise<readonly LogEntry[]> {
    return this.#journal.list(limit);
  }
}
