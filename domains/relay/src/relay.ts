import { CaponierError, type Random } from '@caponier/crypto';
import { type ErrorCode, entryOf, keyOf, relayNumberOf } from '@caponier/protocol';
import type { Hono } from 'hono';
import { Admission, refusalOf } from './admission/admission.ts';
import { ResumeTokens } from './admission/resume.ts';
import { createApp } from './app.ts';
import { Connection, type ConnectionHandler } from './connection.ts';
import type { Relay, RelayCounts, RelayOptions } from './contract.ts';
import { Desk } from './desk.ts';
import { AddressBook } from './door/addresses.ts';
import { Doors } from './door/door.ts';
import { Newcomers } from './door/newcomers.ts';
import { Turns } from './door/proving.ts';
import { RateKeeper } from './door/rate-keeper.ts';
import { closeReason, retryAfter } from './door/retry.ts';
import { Strangers } from './door/strangers.ts';
import { Greeting } from './greeting.ts';
import { type RelayLimitName, type RelayLimits, relayLimitsWith } from './limits.ts';
import { Mail } from './mail.ts';
import { Meetings } from './meetings.ts';
import { type RelayMeter, silentMeter } from './meter.ts';
import { Outbox } from './outbox.ts';
import type { OwnerNews } from './owners/changes.ts';
import { type MembershipSource, Owners } from './owners/owners.ts';
import { Prekeys } from './prekeys.ts';
import { Reach } from './reach.ts';
import { Rounds, type Steps } from './rounds.ts';
import { Slots } from './slots.ts';
import type { RelayLink, RelaySocket } from './socket.ts';
import type { RelayStore } from './store/open.ts';
import { Streams } from './streams.ts';
import { Switchboard } from './switchboard.ts';
import { Tending } from './tending.ts';
import { Alerts } from './watch/alerts.ts';
import { Spells } from './watch/spells.ts';
import { StorageWatch } from './watch/storage-watch.ts';

/** Milliseconds between two looks at all connections: the one timer there is. */
const sweepMs = 1_000;
/** Looks between two times that rates are kept, that storage is looked at, and that old message ids are forgotten. */
const sweepsPerKeep = 5;
const sweepsPerStorage = 60;
const sweepsPerForget = 600;
const goingAway = 1001;
/** Seconds within which those who are told to go may come back, each at its own time. */
const awaySeconds = 15;
const hourMs = 3_600_000;

/** Throws `host.bad_config` for limits that contradict each other, and for a resume secret that could be guessed. */
export function createRelay(options: RelayOptions): Relay {
  return new Hub(options);
}

class Hub implements Relay, ConnectionHandler {
  readonly app: Hono;
  readonly admission: Admission;
  readonly #store: RelayStore;
  readonly #views: MembershipSource | undefined;
  readonly #clock: () => number;
  readonly #random: Random;
  readonly #limits: RelayLimits;
  readonly #meter: RelayMeter;
  readonly #alerts: Alerts;
  readonly #spells: Spells;
  readonly #storage: StorageWatch;
  readonly #relayKey: Uint8Array;
  readonly #owners: Owners;
  readonly #addresses: AddressBook;
  readonly #strangers = new Strangers();
  readonly #newcomers: Newcomers;
  readonly #doors: Doors;
  readonly #rates: RateKeeper;
  readonly #outbox: Outbox;
  readonly #slots: Slots;
  readonly #streams: Streams;
  readonly #meetings: Meetings;
  readonly #mail: Mail;
  readonly #greeting: Greeting;
  readonly #switchboard: Switchboard;
  readonly #tending: Tending;
  readonly #turns = new Turns();
  readonly #rounds = new Rounds(() => this.#round());
  readonly #connections = new Set<Connection>();
  readonly #stopSweeping: () => void;
  #sweeps = 0;
  #hasMoreToForget = false;
  #knowsRates = false;
  #closed = false;

  constructor(options: RelayOptions) {
    const { store, clock, random, signer, admission, views, resume, services = [], tls = null } = options;
    const { log = () => {}, alert = () => {}, meter = silentMeter } = options;
    const limits = relayLimitsWith(options.limits);
    this.#store = store;
    this.#views = views;
    this.#clock = clock;
    this.#random = random;
    this.#limits = limits;
    this.#meter = meter;
    this.#relayKey = keyOf(signer.did, 'ed25519');
    const hit = (limit: RelayLimitName) => meter.add('limit_hits', limit);
    this.#alerts = new Alerts(limits, { log, alert }, meter, clock);
    this.#spells = new Spells(limits, log, this.#alerts, hit);
    this.#storage = new StorageWatch(store, limits, this.#alerts, meter, clock);
    this.#owners = new Owners(store, views, limits, clock, hit);
    this.#addresses = new AddressBook(limits, hit);
    this.#newcomers = new Newcomers(limits, hit);
    this.#outbox = new Outbox(limits.bufferedBytes, (connection) => {
      hit('bufferedBytes');
      this.#terminate(connection, 'relay.too_slow');
    });
    this.#slots = new Slots(limits, {
      hit,
      flapping: ({ did, owner }) =>
        this.#alerts.raise('relay.flapping', {
          device: did,
          ...(owner !== null && { owner }),
          count: limits.replacements,
        }),
    });
    const addresses = this.#addresses;
    const outbox = this.#outbox;
    const slots = this.#slots;
    const storageFailed = (code: ErrorCode) => this.#alerts.storageFailed(code);
    this.#rates = new RateKeeper(
      store,
      clock,
      {
        challenges: addresses.challenges,
        failures: addresses.failures,
        newOwners: addresses.newOwners,
        newOwnersTogether: addresses.newOwnersTogether,
        mail: slots.mailRate,
        ownerMail: slots.ownerMailRate,
        requests: slots.requestRate,
        hellos: slots.helloRate,
      },
      storageFailed,
    );
    void this.#rates.load(limits.addresses).then(() => {
      this.#knowsRates = true;
    });
    const reach = new Reach(store, this.#owners, slots);
    this.#streams = new Streams({
      outbox,
      slots,
      limits,
      clock,
      meter,
      mayReach: (from, to) => reach.allows(from.ready, to),
    });
    const mail = new Mail({ store, outbox, slots, limits, clock, reach, meter, log: storageFailed });
    this.#mail = mail;
    this.#meetings = new Meetings(outbox, limits, clock, (guest) => this.#close(guest, 1000), meter);
    const prekeys = new Prekeys({ store, limits, clock, reach, meter });
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
      addresses,
      newcomers: this.#newcomers,
      slots,
      meetings: this.#meetings,
      outbox,
      store,
      turns: this.#turns,
      limits,
      clock,
      spells: this.#spells,
      meter,
      alert: (event, fields) => this.#alerts.raise(event, fields),
      barred: () => this.#rates.save(),
      proven: (connection) => this.#proven(connection),
      met: (connection) => this.#strangers.forget(connection),
      turnAway: (connection, code, seconds, close = relayNumberOf(code)) => this.#close(connection, close, seconds),
      replace: (connection) => this.#end(connection, 'relay.replaced'),
    });
    const desk = new Desk({
      outbox,
      slots,
      streams: this.#streams,
      reach,
      meter,
      mail,
      meetings: this.#meetings,
      prekeys,
      owners: this.#owners,
      turns: this.#turns,
      store,
      limits,
      clock,
      // Of a store that fails, a line for every request would be too many.
      log: (_event, { code }) => storageFailed(code as ErrorCode),
    });
    this.#doors = new Doors({
      limits,
      addresses,
      strangers: this.#strangers,
      spells: this.#spells,
      meter,
      open: () => this.#connections.size,
      displace: (connection) => this.#displace(connection),
    });
    this.#switchboard = new Switchboard({
      limits,
      greeting: this.#greeting,
      desk,
      streams: this.#streams,
      meetings: this.#meetings,
      outbox,
      hit,
      heard: (connection, bytes) => {
        this.#strangers.hear(connection, bytes);
        if (this.#strangers.bytes > limits.strangerBytes) this.#doors.bound();
      },
      failed: (connection, error) => this.#failed(connection, error),
    });
    this.#tending = new Tending({
      limits,
      connections: this.#connections,
      hit,
      end: (connection, code) => this.#end(connection, code),
      terminate: (connection, code) => this.#terminate(connection, code),
      ask: (connection) => outbox.send(connection, 'ping', {}),
      begun: (connection, bytes) => this.#strangers.hold(connection, bytes),
    });
    this.#owners.onChange((owner) => this.#recheck(owner));
    this.#owners.onNews((news) => this.#tell(news));
    this.app = createApp({ isAlive: () => !this.#closed, isReady: () => this.isReady() });
    this.#storage.look();
    this.#stopSweeping = options.every(sweepMs, () => this.#sweep());
  }

  present(statements: readonly string[]): Promise<void> {
    return this.#owners.present(statements, this.#turns.pace(true));
  }

  async isReady(): Promise<boolean> {
    if (this.#closed || !this.#knowsRates) return false;
    return (await this.#storage.answers()) && this.#views?.isFresh?.() !== false;
  }

  counts(): RelayCounts {
    let streams = 0;
    let bufferedBytes = 0;
    for (const connection of this.#connections) {
      streams += connection.streams?.size ?? 0;
      bufferedBytes += connection.buffered;
    }
    const { owners = 0, mails = 0, mailBytes = 0 } = this.#storage.newest ?? {};
    return {
      connections: this.#connections.size,
      strangers: this.#strangers.size,
      proving: this.#greeting.proving,
      devices: this.#slots.size,
      meetings: this.#meetings.size,
      // Each has two ends; one that waits for its other end counts as half.
      streams: Math.ceil(streams / 2),
      bufferedBytes,
      owners,
      mails,
      mailBytes,
    };
  }

  // ---- connections ----

  turnsAway(address: string) {
    if (this.#closed) return { status: 503, retryAfter: this.#awayFor() } as const;
    const refusal = this.#doors.turnsAway(address, this.#clock());
    if (!refusal) return null;
    const status = refusal.code === 'relay.unavailable' ? 503 : 429;
    return { status, retryAfter: refusal.seconds } as const;
  }

  handleSocket(socket: RelaySocket, group: string): RelayLink {
    const now = this.#clock();
    const connection = new Connection(this, socket, group, now);
    this.#connections.add(connection);
    this.#strangers.add(connection);
    if (this.#closed) {
      this.#close(connection, goingAway, this.#awayFor());
      return connection;
    }
    const refusal = this.#doors.receive(group, now);
    if (refusal) {
      this.#close(connection, refusal.close, refusal.seconds);
      return connection;
    }
    this.#doors.makeRoom();
    // Where devices hold all places, the newest stranger is the only one there is to go.
    if (connection.state !== 'new') return connection;
    connection.challenge = this.#random(32);
    this.#outbox.send(connection, 'challenge', { relay: this.#relayKey, challenge: connection.challenge });
    return connection;
  }

  /** A connection counts as a stranger until it has proven a device, or is gone. */
  #proven(connection: Connection): void {
    if (!connection.stranger) return;
    this.#strangers.remove(connection);
    connection.stranger = false;
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
    this.#newcomers.remove(connection);
    this.#slots.leave(connection);
    connection.challenge = null;
    connection.chain = null;
    connection.proof = null;
    connection.feed = null;
  }

  /** `seconds`: when to come back; 0 where that is not said. */
  #close(connection: Connection, code: number, seconds = 0): void {
    if (connection.state === 'closed') return;
    this.#outbox.drain(connection);
    this.#leave(connection);
    connection.socket.close(code, closeReason(seconds));
  }

  #end(connection: Connection, code: ErrorCode, error?: unknown): void {
    if (connection.state === 'closed') return;
    this.#note(connection, code);
    this.#close(connection, relayNumberOf(code), retryAfter(code, error));
  }

  /** Its place is free at once: a close that it has seconds to answer would free nothing for who comes now. */
  #displace(connection: Connection): void {
    this.#end(connection, 'relay.unavailable');
    connection.socket.terminate();
    this.ended(connection);
  }

  /** For a peer that does not read, so would not see a close frame either. */
  #terminate(connection: Connection, code: ErrorCode): void {
    if (connection.state === 'closed') return;
    this.#note(connection, code);
    this.#leave(connection);
    connection.socket.terminate();
  }

  #note({ state, device, group }: Connection, code: ErrorCode): void {
    const now = this.#clock();
    const value = code as ErrorCode & `relay.${string}`;
    if (state === 'new' || state === 'proving') {
      this.#spells.refused(group, code, now);
      this.#meter.add('connections_refused', value);
    } else {
      this.#spells.cut(device ? { device: device.did } : { address: group }, code, now);
      this.#meter.add('connections_cut', value);
    }
  }

  #awayFor(): number {
    return 1 + (this.#random(1)[0]! % awaySeconds);
  }

  receive(connection: Connection, message: Uint8Array | null): void {
    if (connection.state === 'closed') return;
    connection.heard = this.#clock();
    this.#switchboard.take(connection, message);
  }

  #failed(connection: Connection, error: unknown): void {
    const code = error instanceof CaponierError ? entryOf(error).code : 'host.internal';
    this.#end(connection, code.startsWith('relay.') ? code : 'relay.unavailable', error);
  }

  // ---- owners ----

  /** Cuts the devices of an owner that no longer stand well. */
  #recheck(owner: string): void {
    for (const slot of [...this.#slots.ofOwner(owner)]) {
      const standing = this.#owners.standing(owner, slot.device.did);
      if (standing === 'enrolled') continue;
      const code = refusalOf(standing);
      for (const connection of [...slot.connections]) this.#end(connection, code);
    }
  }

  #tell({ owner, rotated, gone }: OwnerNews): void {
    if (rotated) this.#alerts.raise('relay.key_changed', { owner });
    for (const device of gone) this.#alerts.raise('relay.revoked', { owner, device });
  }

  // ---- time ----

  #sweep(): void {
    const now = this.#clock();
    this.#streams.sweep();
    this.#meetings.sweep(now);
    this.#mail.sweep(now);
    this.#rounds.begin();
    this.#sweeps += 1;
    if (this.#sweeps % sweepsPerKeep === 0) this.#rates.save();
    if (this.#sweeps % sweepsPerStorage === 0) this.#storage.look();
    if (this.#sweeps % sweepsPerForget === 0 || this.#hasMoreToForget) this.#forget(now);
  }

  *#round(): Steps {
    yield* this.#tending.round(this.#clock);
    this.#doors.bound();
    yield* this.#slots.round(this.#clock);
    yield* this.#addresses.round(this.#clock);
    yield* this.#spells.round(this.#clock);
  }

  /** A piece at a look, and another at the next while there is more: else devices could add faster than this takes away. */
  #forget(now: number): void {
    this.#hasMoreToForget = false;
    this.#store
      .run('forgetOld', { before: now - this.#limits.rememberIdsHours * hourMs, now })
      .then(({ ids, hasMore }) => {
        this.#hasMoreToForget = hasMore;
        if (ids > 0) this.#meter.add('limit_hits', 'rememberIdsHours');
      })
      .catch((error: unknown) => this.#alerts.storageFailed(entryOf(error).code));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopSweeping();
    this.#rounds.end();
    this.#owners.close();
    for (const connection of this.#connections) this.#close(connection, goingAway, this.#awayFor());
    this.#rates.end();
  }
}
