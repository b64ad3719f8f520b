import { CaponierError, type Random } from '@caponier/crypto';
import {
  type Did,
  decodeFrame,
  type ErrorCode,
  entryOf,
  type Frame,
  fail,
  isDataFrame,
  keyOf,
  relayNumberOf,
  type Signer,
} from '@caponier/protocol';
import type { Hono } from 'hono';
import { Admission, type AdmissionPolicy, refusalOf } from './admission/admission.ts';
import { type ResumeSecrets, ResumeTokens } from './admission/resume.ts';
import { createApp } from './app.ts';
import { Connection, type ConnectionHandler } from './connection.ts';
import { Desk } from './desk.ts';
import { Greeting } from './greeting.ts';
import { type RelayLimits, relayLimits } from './limits.ts';
import type { RelayLog } from './log.ts';
import { Mail } from './mail.ts';
import { Meetings } from './meetings.ts';
import { Outbox } from './outbox.ts';
import { type MembershipSource, Owners } from './owners/owners.ts';
import { Prekeys } from './prekeys.ts';
import { AddressBook } from './rates.ts';
import { Reach } from './reach.ts';
import { Slots } from './slots.ts';
import type { RelayLink, RelaySocket } from './socket.ts';
import type { RelayStore } from './store/open.ts';
import { Streams } from './streams.ts';

export interface RelayOptions {
  /** Where mail, slots and owners are kept. The relay does not close it. */
  readonly store: RelayStore;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly random: Random;
  /** The relay's own key, by which devices name it. It signs nothing here. */
  readonly signer: Pick<Signer, 'did'>;
  readonly admission: AdmissionPolicy;
  /** Calls `work` every so many milliseconds; yields how to stop. */
  readonly every: (ms: number, work: () => void) => () => void;
  /** A reader of the registry, where there is one. */
  readonly views?: MembershipSource;
  readonly resume?: ResumeSecrets;
  /** Keys of services that connect without an owner. */
  readonly services?: readonly Did[];
  /** The pin of the certificate, as clients know it, where TLS ends here: a `hello` names it, or null. */
  readonly tls?: string | null;
  /** Limits other than the defaults. */
  readonly limits?: Partial<RelayLimits>;
  readonly log?: RelayLog;
}

export interface Relay {
  /**
   * Takes a new connection; yields what to tell about it. `address` is what limits count by: an IPv4 address, or the /64
   * of an IPv6 one (`addressKey` of the host module).
   */
  handleSocket(socket: RelaySocket, address: string): RelayLink;
  /** Statements that only remove authority, from any source: in effect on sight. Throws the codes of statements and owners. */
  present(statements: readonly string[]): Promise<void>;
  /** The one way to a slot, without a socket. */
  readonly admission: Admission;
  /** Answers /healthz. */
  readonly app: Hono;
  /** Connections, of them unproven ones, and meetings at this moment. */
  counts(): { readonly connections: number; readonly strangers: number; readonly meetings: number };
  /** Tells everybody to go (1001) and stops. */
  close(): void;
}

/** Milliseconds between two looks at all connections: the one timer there is. */
const sweepMs = 1_000;
/** Looks between two times that old message ids are forgotten. */
const sweepsPerForget = 600;
const goingAway = 1001;
const hourMs = 3_600_000;

export function createRelay(options: RelayOptions): Relay {
  return new Hub(options);
}

class Hub implements Relay, ConnectionHandler {
  readonly app: Hono;
  readonly admission: Admission;
  readonly #store: RelayStore;
  readonly #clock: () => number;
  readonly #random: Random;
  readonly #limits: RelayLimits;
  readonly #log: RelayLog;
  readonly #relayKey: Uint8Array;
  readonly #owners: Owners;
  readonly #addresses: AddressBook;
  readonly #outbox: Outbox;
  readonly #slots: Slots;
  readonly #streams: Streams;
  readonly #meetings: Meetings;
  readonly #greeting: Greeting;
  readonly #desk: Desk;
  readonly #connections = new Set<Connection>();
  readonly #stopSweeping: () => void;
  #strangers = 0;
  #sweeps = 0;
  #closed = false;

  constructor(options: RelayOptions) {
    const { store, clock, random, signer, admission, views, resume, services = [], tls = null } = options;
    const limits: RelayLimits = { ...relayLimits, ...options.limits };
    this.#store = store;
    this.#clock = clock;
    this.#random = random;
    this.#limits = limits;
    this.#log = options.log ?? (() => {});
    this.#relayKey = keyOf(signer.did, 'ed25519');
    this.#owners = new Owners(store, views, limits, clock);
    this.#addresses = new AddressBook(limits.challengesPerMinute, limits.failuresPerMinute, limits.addresses);
    this.#outbox = new Outbox(limits.bufferedBytes, (connection) => this.#terminate(connection, 'relay.too_slow'));
    this.#slots = new Slots(limits);
    const outbox = this.#outbox;
    const slots = this.#slots;
    const reach = new Reach(store, this.#owners, slots);
    this.#streams = new Streams({
      outbox,
      slots,
      limits,
      clock,
      mayReach: (from, to) => reach.allows(from.ready, to),
    });
    const storageFailed = (code: ErrorCode) => this.#log('relay.storage_failed', { code });
    const mail = new Mail({ store, outbox, slots, limits, clock, reach, log: storageFailed });
    this.#meetings = new Meetings(outbox, limits, clock, (guest) => this.#close(guest, 1000));
    const prekeys = new Prekeys({ store, limits, clock, reach });
    const tokens = new ResumeTokens(resume, signer.did);
    this.admission = new Admission({
      relay: signer.did,
      policy: admission,
      owners: this.#owners,
      tokens,
      services,
      tls,
      clock,
    });
    this.#greeting = new Greeting({
      admission: this.admission,
      tokens,
      addresses: this.#addresses,
      slots,
      meetings: this.#meetings,
      outbox,
      store,
      limits,
      clock,
      log: this.#log,
      proven: (connection) => this.#proven(connection),
      end: (connection, code, close) => this.#end(connection, code, close),
    });
    this.#desk = new Desk({
      outbox,
      slots,
      streams: this.#streams,
      mail,
      meetings: this.#meetings,
      prekeys,
      owners: this.#owners,
      store,
      limits,
      clock,
      log: this.#log,
    });
    this.#owners.onChange((owner) => this.#recheck(owner));
    this.app = createApp(() => !this.#closed);
    this.#stopSweeping = options.every(sweepMs, () => this.#sweep());
  }

  present(statements: readonly string[]): Promise<void> {
    return this.#owners.present(statements);
  }

  counts() {
    return { connections: this.#connections.size, strangers: this.#strangers, meetings: this.#meetings.size };
  }

  // ---- connections ----

  handleSocket(socket: RelaySocket, group: string): RelayLink {
    const now = this.#clock();
    const connection = new Connection(this, socket, group, now);
    this.#connections.add(connection);
    this.#strangers += 1;
    this.#addresses.addStranger(group, 1, now);
    const turnedAway = this.#turnAway(group, now);
    if (turnedAway !== 0) {
      this.#log('relay.refused', { address: group, code: 'relay.rate_limited' });
      this.#close(connection, turnedAway);
      return connection;
    }
    connection.challenge = this.#random(32);
    this.#outbox.send(connection, 'challenge', { relay: this.#relayKey, challenge: connection.challenge });
    return connection;
  }

  /** The close code for a stranger that is not even challenged; 0 for one that is. */
  #turnAway(group: string, now: number): number {
    const { connections, strangers, strangersPerAddress } = this.#limits;
    if (this.#closed) return goingAway;
    if (this.#addresses.isBarred(group, now)) return 1008;
    if (this.#connections.size > connections || this.#strangers > strangers) {
      return relayNumberOf('relay.unavailable');
    }
    const tooMany = this.#addresses.strangers(group, now) > strangersPerAddress;
    return tooMany || !this.#addresses.takeChallenge(group, now) ? relayNumberOf('relay.rate_limited') : 0;
  }

  /** A connection counts as a stranger until it has proven a device, or is gone. */
  #proven(connection: Connection): void {
    if (!connection.stranger) return;
    connection.stranger = false;
    this.#strangers -= 1;
    this.#addresses.addStranger(connection.group, -1, this.#clock());
  }

  ended(connection: Connection): void {
    this.#leave(connection);
    this.#proven(connection);
    this.#connections.delete(connection);
  }

  /** Takes a connection out of everything; it stays counted until its socket is gone. */
  #leave(connection: Connection): void {
    if (connection.state === 'closed') return;
    connection.state = 'closed';
    connection.closedAt = this.#clock();
    this.#streams.leave(connection);
    this.#meetings.gone(connection);
    this.#slots.leave(connection);
    connection.challenge = null;
    connection.chain = null;
    connection.feed = null;
  }

  #close(connection: Connection, code: number): void {
    if (connection.state === 'closed') return;
    this.#outbox.drain(connection);
    this.#leave(connection);
    connection.socket.close(code);
  }

  #end(connection: Connection, code: ErrorCode, close: number = relayNumberOf(code)): void {
    if (connection.state === 'closed') return;
    const { device, group } = connection;
    this.#log('relay.cut', device ? { device: device.did, code } : { address: group, code });
    this.#close(connection, close);
  }

  /** For a peer that does not read, so would not see a close frame either. */
  #terminate(connection: Connection, code: ErrorCode): void {
    if (connection.state === 'closed') return;
    this.#log('relay.cut', { address: connection.group, code });
    this.#leave(connection);
    connection.socket.terminate();
  }

  // ---- frames ----

  receive(connection: Connection, message: Uint8Array | null): void {
    if (connection.state === 'closed') return;
    connection.heard = this.#clock();
    try {
      if (message === null) throw fail('relay.protocol', 'a text message');
      if (connection.state === 'ready' && isDataFrame(message)) this.#streams.pass(connection, message);
      else this.#dispatch(connection, message);
    } catch (error) {
      this.#failed(connection, error);
    }
  }

  #failed(connection: Connection, error: unknown): void {
    this.#end(connection, error instanceof CaponierError ? entryOf(error).code : 'host.internal');
  }

  #dispatch(connection: Connection, message: Uint8Array): void {
    const { state } = connection;
    if (state !== 'ready') {
      connection.greeted += message.length;
      if (state !== 'guest' && connection.greeted > this.#limits.greetingBytes)
        throw fail('relay.too_large', 'greeting');
    }
    const frame = decodeFrame(message, 'device');
    if (state === 'ready') this.#run(connection, this.#desk.take(connection, connection.ready, frame));
    else if (state === 'guest') this.#guest(connection, frame);
    else if (state === 'new') this.#stranger(connection, frame);
    else throw fail('relay.protocol', 'before the answer to hello');
  }

  #stranger(connection: Connection, frame: Frame): void {
    switch (frame.type) {
      case 'news':
        if (frame.channel !== 0) throw fail('relay.protocol', 'a request of a stranger');
        this.#greeting.news(connection, frame);
        return;
      case 'hello':
        this.#run(connection, this.#greeting.hello(connection, frame));
        return;
      case 'meet':
        this.#greeting.meet(connection, frame);
        return;
      default:
        throw fail('relay.protocol', `${frame.type} from a stranger`);
    }
  }

  #guest(connection: Connection, frame: Frame): void {
    switch (frame.type) {
      case 'say':
        this.#meetings.say(connection, frame);
        return;
      case 'leave':
        this.#meetings.leave(connection, frame);
        return;
      case 'ping':
        this.#outbox.send(connection, 'pong', {});
        return;
      case 'pong':
        return;
      default:
        throw fail('relay.protocol', `${frame.type} from a guest`);
    }
  }

  /** What goes wrong later ends the connection just as what goes wrong at once. */
  #run(connection: Connection, work: Promise<void> | void): void {
    work?.catch((error: unknown) => this.#failed(connection, error));
  }

  /** Cuts the devices of an owner that no longer stand well. */
  #recheck(owner: string): void {
    for (const slot of this.#slots.ofOwner(owner)) {
      const standing = this.#owners.standing(owner, slot.device.did);
      if (standing === 'enrolled') continue;
      const code = refusalOf(standing);
      for (const connection of [...slot.connections]) this.#end(connection, code);
    }
  }

  // ---- time ----

  #sweep(): void {
    const now = this.#clock();
    for (const connection of this.#connections) this.#tend(connection, now);
    this.#relieve();
    this.#streams.sweep(now);
    this.#meetings.sweep(now);
    this.#slots.sweep(now);
    this.#addresses.sweep(now);
    this.#sweeps += 1;
    if (this.#sweeps % sweepsPerForget === 0) this.#forget(now);
  }

  /**
   * Threat: each connection may keep some megabytes waiting, and many that do not read would keep gigabytes. Measure: they
   * have one sum together, and whoever holds most of it goes first. What remains: what arrives between two looks.
   */
  #relieve(): void {
    const held = [...this.#connections].map((connection) => ({ connection, bytes: connection.socket.bufferedAmount }));
    let sum = held.reduce((all, { bytes }) => all + bytes, 0);
    if (sum <= this.#limits.bufferedBytesTogether) return;
    for (const { connection, bytes } of held.sort((a, b) => b.bytes - a.bytes)) {
      if (sum <= this.#limits.bufferedBytesTogether) return;
      if (connection.state === 'closed') connection.socket.terminate();
      else this.#terminate(connection, 'relay.too_slow');
      sum -= bytes;
    }
  }

  #tend(connection: Connection, now: number): void {
    const { handshakeMs, pingMs, silentMs, closeMs } = this.#limits;
    switch (connection.state) {
      case 'closed':
        if (now - connection.closedAt >= closeMs) connection.socket.terminate();
        return;
      case 'new':
        if (now - connection.since >= handshakeMs) this.#end(connection, 'relay.timeout');
        return;
      case 'proving':
        return;
      default:
        if (now - connection.heard >= silentMs) this.#terminate(connection, 'relay.timeout');
        else if (now - connection.heard >= pingMs && now - connection.asked >= pingMs) {
          connection.asked = now;
          this.#outbox.send(connection, 'ping', {});
        }
    }
  }

  #forget(now: number): void {
    this.#store
      .run('forgetOld', { before: now - this.#limits.rememberIdsHours * hourMs, now })
      .catch((error: unknown) => this.#log('relay.storage_failed', { code: entryOf(error).code }));
  }

  close(): void {
    this.#closed = true;
    this.#stopSweeping();
    this.#owners.close();
    for (const connection of this.#connections) this.#close(connection, goingAway);
  }
}
