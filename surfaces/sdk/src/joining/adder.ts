import { fromBase64url, type Random } from '@caponier/crypto';
import { type BoxDid, type Did, fail, limits, type Signer } from '@caponier/protocol';
import { codeWords, encodeCode, meetingName, newCodeSecret } from '@caponier/session';
import { type OwnerView, replayChain, type WireStatement } from '@caponier/verify';
import { mailGrant } from '../contacts/contacts.ts';
import type { Service } from '../directory/types.ts';
import type { RelayMeeting, RelayPort } from '../link/relay-port.ts';
import type { Draft, PublishReport, SignedNeed, SigningNeed, TicketDraft } from '../owner/types.ts';
import { agree } from './agree.ts';
import { Conversation } from './conversation.ts';
import { openEvidence } from './evidence.ts';
import { adderIntroduction, type Evidence, JoinTalk, joinerIntroduction, mutable, openJoin } from './messages.ts';
import { originOfRelay } from './relay-address.ts';
import type { Adding, AddingEvent, AddOptions, JoinPeer } from './types.ts';

/** Seconds a ticket for a newcomer is good: it is used at once. */
const ticketSeconds = 3_600;

export interface AddingPorts {
  readonly signer: Signer;
  readonly random: Random;
  readonly clock: () => number;
  readonly relay: RelayPort;
  service(role: Service['role']): Service;
  /** Our owner's view, once it is fresh. */
  ready(): Promise<OwnerView>;
  /** Our owner's view, fresh. */
  view(): OwnerView;
  evidence(): Promise<Evidence>;
  need(drafts: readonly Draft[], tickets: readonly TicketDraft[]): Promise<SigningNeed>;
  publish(statements: readonly WireStatement[]): Promise<PublishReport>;
  /** Tickets of other operators that let several owners in, and may be passed on. */
  tickets(): readonly string[];
  /** Our whole chain, once it has this many statements. */
  chain(atLeast: number): Promise<WireStatement[]>;
}

/** Opens a meeting, waits in it for whoever has the code, and takes them in once both people said yes. */
export function add(ports: AddingPorts, options: AddOptions): Adding {
  const conversation = new Conversation<AddingEvent>();
  conversation.run((signal) => new Adder(ports, options, conversation).run(signal));
  return {
    events: conversation.events,
    confirm: (yes) => conversation.confirmed.resolve(yes),
    sign: (signed) => conversation.signed.resolve(signed),
    cancel: () => conversation.cancel(),
  };
}

class Adder {
  readonly #ports: AddingPorts;
  readonly #options: AddOptions;
  readonly #conversation: Conversation<AddingEvent>;

  constructor(ports: AddingPorts, options: AddOptions, conversation: Conversation<AddingEvent>) {
    this.#ports = ports;
    this.#options = options;
    this.#conversation = conversation;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { random, clock, relay, signer, service, ready } = this.#ports;
    const { kind } = this.#options;
    const owner = await ready();
    const self = owner.device(signer.did);
    if (!self) throw fail('owner.not_enrolled');
    const secret = newCodeSecret(random);
    const at = service('relay');
    const address = originOfRelay(at.url);
    const code = encodeCode({ secret, relay: address, pin: at.pin, trust: owner.id, kind });
    const opened = await relay.openMeeting(fromBase64url(meetingName(secret)));
    const expires = clock() + limits.meetingSeconds * 1000;
    this.#conversation.events.push({ type: 'code', code, words: codeWords(secret), relay: address, expires });
    signal.addEventListener('abort', () => opened.leave(), { once: true });
    const meeting = await opened.met;
    signal.addEventListener('abort', () => meeting.leave(), { once: true });
    try {
      const introduction = adderIntroduction.parse({
        v: 1,
        kind,
        owner: owner.id,
        device: signer.did,
        name: self.name,
      });
      const talk = await JoinTalk.begin('adder', carrierOf(meeting), secret, introduction, this.#ports);
      await this.#talk(talk);
    } finally {
      meeting.leave();
    }
  }

  async #talk(talk: JoinTalk): Promise<void> {
    const { evidence } = this.#ports;
    const { kind } = this.#options;
    const joiner = openJoin(talk.peerIntroduction, joinerIntroduction);
    await talk.say({ type: 'show', evidence: await evidence() });
    if (kind === 'contact') return this.#contact(talk, joiner);
    await talk.hear('ready');
    const peer: JoinPeer = { owner: null, device: joiner.device, name: this.#nameFor(joiner.name) };
    await this.#compare(talk, peer);
    const signed = await this.#signed(this.#enrolment(joiner, peer.name), 'enroll');
    const before = this.#ports.view().seq;
    await this.#published(signed);
    const chain = await this.#ports.chain(before + 1 + signed.statements.length);
    await talk.say({
      type: 'enrolled',
      chain: mutable(chain),
      evidence: await evidence(),
      tickets: [...signed.tickets],
    });
    await this.#farewell(talk);
    this.#conversation.events.push({ type: 'done', kind, peer });
  }

  async #contact(talk: JoinTalk, joiner: { readonly device: Did; readonly name: string }): Promise<void> {
    const { view, clock } = this.#ports;
    const shown = await talk.hear('show', 'new');
    const theirs = shown.type === 'new' ? replayChain(shown.chain) : openEvidence(shown.evidence, clock()).view;
    requireSameLog(view(), theirs);
    if (theirs.id === view().id) throw fail('owner.conflict', 'a contact of oneself');
    if (!theirs.device(joiner.device)) throw fail('owner.not_enrolled', 'the device that joins');
    const name = this.#options.name ?? joiner.name;
    const peer: JoinPeer = { owner: theirs.id, device: joiner.device, name };
    await this.#compare(talk, peer);
    const signed = await this.#signed([{ kind: 'grant', members: mailGrant(theirs.id, name) }], shown.type);
    await this.#published(signed);
    // Where the relay is somebody else's, our own word opens nothing there: its operator's ticket does.
    const passed = shown.type === 'new' ? this.#ports.tickets() : [];
    await talk.say({ type: 'granted', tickets: [...passed, ...signed.tickets] });
    await talk.hear('granted');
    this.#conversation.events.push({ type: 'done', kind: 'contact', peer });
  }

  async #compare(talk: JoinTalk, peer: JoinPeer): Promise<void> {
    this.#conversation.events.push({ type: 'compare', safetyNumber: talk.safetyNumber, peer });
    await agree(talk, this.#conversation.confirmed.promise);
  }

  async #signed(drafts: readonly Draft[], whom: 'enroll' | 'show' | 'new'): Promise<SignedNeed> {
    const { need, service } = this.#ports;
    // A device's owner is admitted already; only an owner that begins needs to be let in.
    const drafted: TicketDraft[] =
      this.#options.tickets && whom === 'new'
        ? [service('registry'), service('relay')].map(({ key }) => ({ aud: key, uses: 1, lives: ticketSeconds }))
        : [];
    this.#conversation.events.push({ type: 'sign', need: await need(drafts, drafted) });
    return this.#conversation.signed.promise;
  }

  async #published({ statements }: SignedNeed): Promise<void> {
    const { sequenced, code } = await this.#ports.publish(statements);
    if (!sequenced) throw fail((code ?? 'host.unreachable') as 'host.unreachable', 'not sequenced');
  }

  #enrolment({ device, box }: { readonly device: Did; readonly box: BoxDid }, name: string): Draft[] {
    const { kind } = this.#options;
    const role = kind === 'member' ? 'member' : 'controller';
    const enroll: Draft = { kind: 'enroll', members: { device, box, role, name } };
    if (kind !== 'approver') return [enroll];
    return [enroll, { kind: 'approver', members: { key: device, name, passkey: null } }];
  }

  /** A name is had once: whoever comes second gets a number. */
  #nameFor(wanted: string): string {
    const view = this.#ports.view();
    const name = this.#options.name ?? wanted;
    const taken = (candidate: string) =>
      view.deviceByName(candidate) !== undefined || view.approvers().some((a) => a.name === candidate);
    if (!taken(name)) return name;
    for (let n = 2; ; n++) {
      const next = `${name.slice(0, 28)}-${n}`;
      if (!taken(next)) return next;
    }
  }

  /** The newcomer is enrolled whatever happens now: it may go without a word. */
  async #farewell(talk: JoinTalk): Promise<void> {
    await talk.hear('stored').catch(() => {});
  }
}

/** Both ends must be able to follow each other's chain and reach each other's devices. Throws `owner.other_deployment`. */
export function requireSameLog(a: OwnerView, b: OwnerView): void {
  const same = a.trust?.log.key === b.trust?.log.key && a.trust?.log.origin === b.trust?.log.origin;
  const relay = a.trust?.relays.some((key) => b.trust?.relays.includes(key)) ?? false;
  if (!same || !relay) throw fail('owner.other_deployment');
}

export const carrierOf = (meeting: RelayMeeting) => ({
  send: (body: Uint8Array) => meeting.send(body),
  messages: meeting.messages,
  close: () => meeting.leave(),
});
