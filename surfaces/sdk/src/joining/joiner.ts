import { fromBase64url, type Secret } from '@caponier/crypto';
import { encodeDid, fail, type Verified, verifyStatement } from '@caponier/protocol';
import { type JoinCode, meetingName, parseCode, parseCodeWords } from '@caponier/session';
import { OwnerChain, type OwnerView, replayChain, type WireStatement } from '@caponier/verify';
import { mailGrant } from '../contacts/contacts.ts';
import { findService } from '../directory/directory.ts';
import type { RelayMeeting } from '../link/relay-port.ts';
import { anchorOf } from '../owner/make.ts';
import { sequence } from '../owner/publish.ts';
import type { Draft, PublishReport, SigningNeed, StartMaterial } from '../owner/types.ts';
import type { Platform } from '../platform/platform.ts';
import { deferred } from '../sync/queue.ts';
import { carrierOf, requireSameLog } from './adder.ts';
import { agree } from './agree.ts';
import { Conversation } from './conversation.ts';
import { openEvidence, type ShownOwner } from './evidence.ts';
import {
  adderIntroduction,
  type Evidence,
  type JoinMessage,
  JoinTalk,
  joinerIntroduction,
  mutable,
  openJoin,
} from './messages.ts';
import { socketOfRelay } from './relay-address.ts';
import type { Joining, JoiningEvent, JoinKind, JoinOptions, JoinPeer, JoinResult } from './types.ts';

export type MeetAt = (
  relay: { readonly url: string; readonly pin: string | null },
  name: Uint8Array,
  signal: AbortSignal,
) => Promise<RelayMeeting>;

/** The owner that joins as a contact, where there is one. */
export interface StandingOwner {
  view(): OwnerView;
  evidence(): Promise<Evidence>;
  need(drafts: readonly Draft[]): Promise<SigningNeed>;
  publish(statements: readonly WireStatement[]): Promise<PublishReport>;
}

/** Comes to a meeting by its code. Nothing is stored by this: `done` says what is to be. */
export function join(
  platform: Platform,
  meet: MeetAt,
  options: JoinOptions,
  standing: StandingOwner | null = null,
): Joining {
  const conversation = new Conversation<JoiningEvent>();
  const joiner = new Joiner(platform, meet, options, standing, conversation);
  conversation.run((signal) => joiner.run(signal));
  return {
    events: conversation.events,
    confirm: (yes) => conversation.confirmed.resolve(yes),
    sign: (signed) => conversation.signed.resolve(signed),
    stored: () => joiner.stored(),
    cancel: () => conversation.cancel(),
  };
}

class Joiner {
  readonly #platform: Platform;
  readonly #meet: MeetAt;
  readonly #options: JoinOptions;
  readonly #standing: StandingOwner | null;
  readonly #conversation: Conversation<JoiningEvent>;
  readonly #told = deferred<void>();
  readonly #stored = deferred<void>();

  constructor(
    platform: Platform,
    meet: MeetAt,
    options: JoinOptions,
    standing: StandingOwner | null,
    conversation: Conversation<JoiningEvent>,
  ) {
    this.#platform = platform;
    this.#meet = meet;
    this.#options = options;
    this.#standing = standing;
    this.#conversation = conversation;
  }

  async stored(): Promise<void> {
    this.#stored.resolve();
    await this.#told.promise;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { keys, device } = this.#options;
    const code = readCode(this.#options);
    const name = fromBase64url(meetingName(code.secret));
    const meeting = await this.#meet({ url: socketOfRelay(code.relay), pin: code.pin }, name, signal);
    signal.addEventListener('abort', () => meeting.leave(), { once: true });
    try {
      const introduction = joinerIntroduction.parse({
        v: 1,
        device: keys.signer.did,
        box: encodeDid('x25519', keys.box.publicKey),
        name: device,
      });
      const talk = await JoinTalk.begin('joiner', carrierOf(meeting), code.secret, introduction, this.#platform);
      await this.#talk(talk, code);
    } finally {
      meeting.leave();
      this.#told.resolve();
    }
  }

  async #talk(talk: JoinTalk, code: ReadCode): Promise<void> {
    const { clock } = this.#platform;
    const adder = openJoin(talk.peerIntroduction, adderIntroduction);
    const { evidence } = await talk.hear('show');
    const shown = openEvidence(evidence, clock());
    // The code went another way than the meeting: what is shown must lead back to it.
    if (shown.view.id !== adder.owner || (code.trust !== null && code.trust !== adder.owner))
      throw fail('code.wrong_owner');
    if (code.kind !== null && code.kind !== adder.kind) throw fail('code.wrong_owner', 'kind');
    if (!shown.view.device(adder.device)) throw fail('owner.not_enrolled', 'the device that adds');
    const peer: JoinPeer = { owner: adder.owner, device: adder.device, name: adder.name };
    const result =
      adder.kind === 'contact'
        ? await this.#contact(talk, shown, evidence, peer)
        : await this.#member(talk, shown, peer, adder.kind);
    this.#conversation.events.push({ type: 'done', result });
    await this.#stored.promise;
    await talk.say({ type: 'stored' }).catch(() => {});
  }

  // ---- as a device of that owner ----

  async #member(talk: JoinTalk, shown: ShownOwner, peer: JoinPeer, kind: JoinKind): Promise<JoinResult> {
    if (this.#standing) throw fail('owner.conflict', 'this home has an owner');
    await talk.say({ type: 'ready' });
    await this.#compare(talk, kind, peer);
    const enrolled = await talk.hear('enrolled');
    return this.#enrolled(enrolled, shown, kind);
  }

  #enrolled(
    { chain, evidence, tickets }: Extract<JoinMessage, { type: 'enrolled' }>,
    shown: ShownOwner,
    kind: JoinKind,
  ): JoinResult {
    const { clock } = this.#platform;
    const { keys } = this.#options;
    const view = replayChain(chain);
    const proven = openEvidence(evidence, clock());
    // The chain in full, the membership that the log proves, and what was shown before the yes are one and the same.
    const ids = new Set(chain.map(({ statement }) => statement));
    const missing = evidence.chain.some(({ statement }) => statement !== undefined && !ids.has(statement));
    if (view.id !== shown.view.id || proven.view.id !== view.id || missing) throw fail('code.wrong_owner', 'chain');
    const device = proven.view.device(keys.signer.did);
    const role = kind === 'member' ? 'member' : 'controller';
    if (!device || device.box !== encodeDid('x25519', keys.box.publicKey) || device.role !== role)
      throw fail('owner.not_enrolled', 'not as agreed');
    if (kind === 'approver' && !proven.view.approver(device.did)) throw fail('owner.not_authorised', 'no approver');
    findService(proven.services, 'relay');
    const start: StartMaterial = {
      owner: view.id,
      anchor: anchorOf(trustOf(view)),
      services: evidence.services,
      chain,
      tickets: openTickets(tickets),
    };
    return { kind, start, name: device.name, role, contact: null };
  }

  // ---- as another owner ----

  async #contact(talk: JoinTalk, shown: ShownOwner, evidence: Evidence, peer: JoinPeer): Promise<JoinResult> {
    const name = this.#options.contact ?? peer.name;
    const contact = { owner: shown.view.id, name };
    if (this.#standing) return this.#asStanding(talk, this.#standing, shown, peer, contact);
    const { root } = this.#options;
    if (!root) throw fail('code.needs_owner');
    const chain = await this.#makeOwner(shown);
    await talk.say({ type: 'new', chain: mutable(chain.wire()) });
    await this.#compare(talk, 'contact', peer);
    const { tickets } = await talk.hear('granted');
    await chain.add('grant', mailGrant(contact.owner, name));
    const start: StartMaterial = {
      owner: chain.view.id,
      anchor: anchorOf(trustOf(chain.view)),
      services: evidence.services,
      chain: chain.wire(),
      tickets: openTickets(tickets),
    };
    await this.#register(shown, start);
    await talk.say({ type: 'granted', tickets: [] });
    return { kind: 'contact', start, name: this.#options.device, role: 'controller', contact };
  }

  async #asStanding(
    talk: JoinTalk,
    standing: StandingOwner,
    shown: ShownOwner,
    peer: JoinPeer,
    contact: { readonly owner: string; readonly name: string },
  ): Promise<JoinResult> {
    const { signer } = this.#options.keys;
    requireSameLog(standing.view(), shown.view);
    await talk.say({ type: 'show', evidence: await standing.evidence() });
    await this.#compare(talk, 'contact', peer);
    const need = await standing.need([{ kind: 'grant', members: mailGrant(contact.owner, contact.name) }]);
    this.#conversation.events.push({ type: 'sign', need });
    const { statements } = await this.#conversation.signed.promise;
    await talk.hear('granted');
    const { sequenced, code } = await standing.publish(statements);
    if (!sequenced) throw fail((code ?? 'host.unreachable') as 'host.unreachable', 'not sequenced');
    await talk.say({ type: 'granted', tickets: [] });
    const self = standing.view().device(signer.did);
    return { kind: 'contact', start: null, name: self?.name ?? '', role: self?.role ?? 'controller', contact };
  }

  /** An owner whose trust is the inviter's log, witnesses and relays, and no broker, gate or worker: those come with `up`. */
  async #makeOwner(shown: ShownOwner): Promise<OwnerChain> {
    const { keys, device, root } = this.#options;
    const { operators, log, witnesses, k, relays } = trustOf(shown.view);
    const chain = await OwnerChain.begin({ signer: root!, ...this.#platform });
    const lists = { operators: [...operators], witnesses: [...witnesses], relays: [...relays] };
    await chain.add('trust', { ...lists, log, k, broker: [], gate: [], workers: [] });
    const box = encodeDid('x25519', keys.box.publicKey);
    await chain.add('enroll', { device: keys.signer.did, box, role: 'controller', name: device });
    return chain;
  }

  async #register(shown: ShownOwner, { chain, tickets }: StartMaterial): Promise<void> {
    const registry = findService(shown.services, 'registry');
    const ticket = tickets.find((jws) => verifyStatement(jws, 'ticket').payload.aud === registry.key);
    const ports = { ...this.#platform, services: shown.services, ...(ticket !== undefined && { ticket }) };
    await sequence(ports, chain);
  }

  async #compare(talk: JoinTalk, kind: JoinKind, peer: JoinPeer): Promise<void> {
    this.#conversation.events.push({ type: 'compare', safetyNumber: talk.safetyNumber, kind, peer });
    await agree(talk, this.#conversation.confirmed.promise);
  }
}

function trustOf(view: OwnerView) {
  if (!view.trust) throw fail('owner.unknown', 'no trust');
  return view.trust;
}

const openTickets = (tickets: readonly string[]): string[] =>
  tickets.map((jws): Verified<'ticket'> => verifyStatement(jws, 'ticket')).map(({ jws }) => jws);

interface ReadCode extends Pick<JoinCode, 'relay' | 'pin'> {
  readonly secret: Secret;
  /** Null where twelve words were typed: then the safety number alone says who is there. */
  readonly trust: string | null;
  readonly kind: JoinCode['kind'] | null;
}

function readCode({ code, words, relay, pin = null }: JoinOptions): ReadCode {
  if (code !== undefined) return parseCode(code);
  if (words === undefined || relay === undefined) throw fail('code.malformed', 'neither code nor words and relay');
  return { secret: parseCodeWords(words), relay, pin, trust: null, kind: null };
}
