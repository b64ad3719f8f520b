import { CaponierError } from '@caponier/crypto';
import { type ErrorCode, entryOf, type Frame, fail, limits as wire } from '@caponier/protocol';
import type { Admission, Admitted, Company } from './admission/admission.ts';
import type { ResumeTokens } from './admission/resume.ts';
import { resumeSeconds } from './admission/resume.ts';
import type { Connection } from './connection.ts';
import type { AddressBook } from './door/addresses.ts';
import type { Newcomers } from './door/newcomers.ts';
import { Places, type Turns } from './door/proving.ts';
import { failUntil, retryAfter } from './door/retry.ts';
import type { RelayLimits } from './limits.ts';
import type { RelayAlert, RelayFields } from './log.ts';
import type { Meetings } from './meetings.ts';
import type { RelayMeter } from './meter.ts';
import type { Outbox } from './outbox.ts';
import type { Slots } from './slots.ts';
import type { Registered } from './store/door.ts';
import type { RelayStore } from './store/open.ts';
import type { Spells } from './watch/spells.ts';

export interface GreetingPorts {
  readonly admission: Admission;
  readonly tokens: ResumeTokens;
  readonly addresses: AddressBook;
  readonly newcomers: Newcomers;
  readonly slots: Slots;
  readonly meetings: Meetings;
  readonly outbox: Outbox;
  readonly store: RelayStore;
  readonly turns: Turns;
  readonly limits: RelayLimits;
  readonly clock: () => number;
  readonly spells: Spells;
  readonly meter: RelayMeter;
  readonly alert: (event: RelayAlert, fields: RelayFields) => void;
  /** The failures of this address are to be durable at once: it has none left. */
  readonly barred: (address: string) => void;
  /** The connection is no stranger any more. */
  readonly proven: (connection: Connection) => void;
  /** The connection is a guest now: what it said before is not held any more. */
  readonly met: (connection: Connection) => void;
  /** Ends a connection with a code; `seconds`: when to come back. Says nothing in the log. */
  readonly turnAway: (connection: Connection, code: ErrorCode, seconds: number, close?: number) => void;
  /** Ends a connection that another one replaces. */
  readonly replace: (connection: Connection) => void;
}

/** WebSocket close code for an address that failed too often (RFC 6455 section 7.4.1: policy violation). */
export const barredClose = 1008;
/** Looks into the store for whom a `hello` claims to be of, at once. */
const asking = 64;

/** What a connection may do before it has proven a device: show statements, say `hello`, or join a meeting. */
export class Greeting {
  readonly #ports: GreetingPorts;
  readonly #asking = new Places(asking);
  readonly #strangers: Places;
  readonly #known: Places;

  constructor(ports: GreetingPorts) {
    this.#ports = ports;
    const places = () => new Places(ports.limits.proving, () => ports.meter.add('limit_hits', 'proving'));
    this.#strangers = places();
    this.#known = places();
  }

  /** Proofs of devices not known here that are under way. */
  get proving(): number {
    return this.#strangers.taken;
  }

  /** The beginning of a chain that does not fit beside its `hello`. */
  news(connection: Connection, { statements }: Frame<'news'>): void {
    // Not a copy each time: frames with next to nothing in them come by the hundred thousand.
    connection.chain ??= [];
    connection.chain.push(...statements);
    if (connection.chain.length > wire.maxBundleStatements) throw fail('relay.too_large', 'statements');
  }

  hello(connection: Connection, frame: Frame<'hello'>): Promise<void> {
    const { challenge } = connection;
    const chain = [...(connection.chain ?? []), ...frame.chain];
    if (!challenge) throw fail('relay.protocol', 'no challenge');
    if (chain.length > wire.maxBundleStatements) throw fail('relay.too_large', 'statements');
    // A challenge is good for one answer, right or wrong.
    connection.challenge = null;
    connection.chain = null;
    connection.state = 'proving';
    connection.since = this.#ports.clock();
    const { hello, ticket, resume } = frame;
    connection.proof = { challenge, hello, ticket, resume, chain };
    return this.#judge(connection);
  }

  /**
   * Threat: whoever shows a megabyte and goes away is no longer counted, while what was shown waits for its turn. Measure: it
   * hangs on the connection, and goes with it. What remains: proofs that are under way, twice `proving` of them.
   */
  async #judge(connection: Connection): Promise<void> {
    const { admission, store, clock, meter } = this.#ports;
    const began = connection.since;
    try {
      const slotOwner = (device: Uint8Array) =>
        this.#asking.run(connection.group, () => store.read('ownerOfSlot', { device }));
      const isKnown = await admission.isKnown(connection.proof!, slotOwner);
      connection.unknown = !isKnown;
      const places = isKnown ? this.#known : this.#strangers;
      await places.run(connection.group, () => this.#prove(connection, isKnown));
    } catch (error) {
      this.#refuse(connection, error);
    }
    meter.time('hello', clock() - began);
  }

  async #prove(connection: Connection, isKnown: boolean): Promise<void> {
    const { admission, turns } = this.#ports;
    const { proof } = connection;
    // Whoever went away while waiting costs nothing more.
    if (!proof) return;
    const company = { pace: turns.pace(isKnown), newOwners: this.#newOwners(connection.group) };
    const device = await admission.prove(proof, company);
    connection.proof = null;
    await this.#enter(connection, device, proof.resume.length > 0 && proof.chain.length === 0);
  }

  #newOwners(address: string): Company['newOwners'] {
    const { addresses, clock, meter } = this.#ports;
    return {
      take: () => {
        const bites = addresses.takeNewOwner(address, clock());
        if (!bites) return 0;
        meter.add('limit_hits', bites);
        return Math.max(1, addresses.newOwnerWait(address, clock()));
      },
      giveBack: () => addresses.giveBackNewOwner(address, clock()),
    };
  }

  /** The slot is durable before anybody is told that it is theirs. */
  async #enter(connection: Connection, device: Admitted, resumed: boolean): Promise<void> {
    const { admission, store, limits, slots, addresses, clock, meter } = this.#ports;
    const { key, owner } = device;
    const wait = slots.helloWait(device, clock());
    if (wait > 0) throw failUntil('relay.rate_limited', 'proofs of one device', wait);
    // The slots of services stand under no owner.
    const most = owner === null ? Number.MAX_SAFE_INTEGER : limits.devicesPerOwner;
    const registered = await store.run('registerDevice', { device: key, owner: owner ?? '', most }).catch((error) => {
      if (entryOf(error).code === 'relay.too_many') meter.add('limit_hits', 'devicesPerOwner');
      throw error;
    });
    // It may have been revoked while the store was asked; from here to its slot nothing is awaited.
    const objection = admission.objection(device);
    if (objection) throw fail(objection);
    // The connection may have gone, or been ended, while the store was asked.
    if (connection.state !== 'proving') return;
    this.#announce(connection, device, registered);
    this.#welcome(connection, device, Math.min(registered.oneTime, 0xffff), resumed);
    // Owners cost nothing to make: whoever brings new ones is bounded like whoever fails.
    if (!device.isFirst) addresses.challenges.giveBack(connection.group, clock());
  }

  #announce({ group: address }: Connection, { did, owner, isFirst }: Admitted, registered: Registered): void {
    if (owner === null) return;
    const { alert } = this.#ports;
    const fields = { owner, device: did, address };
    if (isFirst) alert('relay.first_owner', fields);
    if (registered.isFirst) alert('relay.first_device', fields);
    if (registered.before !== null) alert('relay.key_changed', fields);
  }

  #welcome(connection: Connection, device: Admitted, oneTime: number, resumed: boolean): void {
    const { slots, newcomers, outbox, tokens, clock, proven, replace, limits, spells, meter } = this.#ports;
    const now = clock();
    newcomers.demandRoom(connection, device);
    const replaced = slots.join(connection, device, now);
    proven(connection);
    connection.state = 'ready';
    connection.device = device;
    newcomers.add(connection);
    for (const older of replaced) replace(older);
    const resume = device.owner === null ? new Uint8Array(0) : tokens.issue(device.did, device.owner, now);
    outbox.send(connection, 'welcome', {
      window: limits.window,
      maxWindow: limits.maxWindow,
      maxStreams: limits.streams,
      oneTime,
      seconds: resume.length > 0 ? resumeSeconds : 0,
      resume,
    });
    meter.add('connections_welcomed', device.owner === null ? 'service' : resumed ? 'resume' : 'chain');
    spells.ready(device.did, device.owner, now);
  }

  #refuse(connection: Connection, error: unknown): void {
    const { addresses, clock } = this.#ports;
    const found = entryOf(error).code;
    const code = found.startsWith('relay.') ? found : 'relay.unavailable';
    // Our own trouble is not the caller's failure, nor is a limit that others filled; and a stale token is renewed at once
    // by showing the chain. That costs a challenge all the same: anybody can show a token that is none, in a loop.
    const innocent = code === 'relay.unavailable';
    const harmless = code === 'relay.rate_limited' || code === 'relay.too_many' || code === 'relay.stale_resume';
    if (innocent) addresses.challenges.giveBack(connection.group, clock());
    // The cause stays in our log: whoever guesses learns only that it was wrong.
    const cause = error instanceof CaponierError ? (error.cause as { code?: ErrorCode } | undefined)?.code : undefined;
    this.#turnAway(connection, code, cause ?? found, !innocent && !harmless, retryAfter(code, error));
  }

  #turnAway(connection: Connection, code: ErrorCode, logged: ErrorCode, failed: boolean, seconds: number): void {
    const { addresses, clock, spells, meter, barred, turnAway } = this.#ports;
    const { group } = connection;
    const now = clock();
    // Also of one that did not wait to hear it: going away makes a failure no success.
    if (failed) addresses.failures.take(group, now);
    if (connection.state === 'closed') return;
    spells.refused(group, logged, now);
    meter.add('connections_refused', code as ErrorCode & `relay.${string}`);
    const wait = failed ? addresses.barredFor(group, now) : 0;
    if (wait === 0) {
      turnAway(connection, code, seconds);
      return;
    }
    meter.add('limit_hits', 'failuresPerMinute');
    barred(group);
    turnAway(connection, code, wait, barredClose);
  }

  /** A stranger joins a meeting that a device has opened, or is sent away. */
  meet(connection: Connection, frame: Frame<'meet'>): void {
    const { meetings, addresses, clock } = this.#ports;
    if (!frame.join) throw fail('relay.protocol', 'only devices open meetings');
    connection.challenge = null;
    connection.chain = null;
    if (!meetings.join(connection, frame)) {
      this.#turnAway(connection, 'relay.no_meeting', 'relay.no_meeting', true, 0);
      return;
    }
    // Its name cannot be guessed: whoever names it was given the code.
    addresses.challenges.giveBack(connection.group, clock());
    this.#ports.met(connection);
    connection.state = 'guest';
  }
}
