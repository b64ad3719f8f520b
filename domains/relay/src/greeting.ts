import { CaponierError } from '@caponier/crypto';
import { type ErrorCode, entryOf, type Frame, fail, limits as wire } from '@caponier/protocol';
import type { Admission, Admitted } from './admission/admission.ts';
import type { ResumeTokens } from './admission/resume.ts';
import { resumeSeconds } from './admission/resume.ts';
import type { Connection } from './connection.ts';
import type { RelayLimits } from './limits.ts';
import type { RelayLog } from './log.ts';
import type { Meetings } from './meetings.ts';
import type { Outbox } from './outbox.ts';
import type { AddressBook } from './rates.ts';
import type { Slots } from './slots.ts';
import type { RelayStore } from './store/open.ts';

export interface GreetingPorts {
  readonly admission: Admission;
  readonly tokens: ResumeTokens;
  readonly addresses: AddressBook;
  readonly slots: Slots;
  readonly meetings: Meetings;
  readonly outbox: Outbox;
  readonly store: RelayStore;
  readonly limits: RelayLimits;
  readonly clock: () => number;
  readonly log: RelayLog;
  /** The connection is no stranger any more. */
  readonly proven: (connection: Connection) => void;
  /** Ends a connection with a code. */
  readonly end: (connection: Connection, code: ErrorCode, close?: number) => void;
}

/** WebSocket close code for an address that failed too often (RFC 6455 section 7.4.1: policy violation). */
const barredClose = 1008;

/** What a connection may do before it has proven a device: show statements, say `hello`, or join a meeting. */
export class Greeting {
  readonly #ports: GreetingPorts;

  constructor(ports: GreetingPorts) {
    this.#ports = ports;
  }

  /** The beginning of a chain that does not fit beside its `hello`. */
  news(connection: Connection, { statements }: Frame<'news'>): void {
    connection.chain = [...(connection.chain ?? []), ...statements];
    if (connection.chain.length > wire.maxBundleStatements) throw fail('relay.too_large', 'statements');
  }

  async hello(connection: Connection, frame: Frame<'hello'>): Promise<void> {
    const { admission, limits, addresses, clock } = this.#ports;
    const { challenge } = connection;
    const chain = [...(connection.chain ?? []), ...frame.chain];
    if (!challenge) throw fail('relay.protocol', 'no challenge');
    if (chain.length > wire.maxBundleStatements) throw fail('relay.too_large', 'statements');
    // A challenge is good for one answer, right or wrong.
    connection.challenge = null;
    connection.chain = null;
    connection.state = 'proving';
    let device: Admitted;
    let oneTime: number;
    try {
      device = await admission.prove({ ...frame, challenge, chain });
      oneTime = await this.#prepare(device);
      // It may have been revoked while the store was asked; from here to its slot nothing is awaited.
      const objection = admission.objection(device);
      if (objection) throw fail(objection);
    } catch (error) {
      this.#refuse(connection, error);
      return;
    }
    // The connection may have gone, or been ended, while the store was asked.
    if (connection.state !== 'proving') return;
    // Owners cost nothing to make: whoever brings new ones is bounded like whoever fails.
    if (!device.isFirst) addresses.giveBackChallenge(connection.group, clock());
    this.#welcome(connection, device, Math.min(oneTime, 0xffff), limits);
  }

  /** The slot is durable before anybody is told that it is theirs. */
  async #prepare({ key, owner }: Admitted): Promise<number> {
    const { store, limits } = this.#ports;
    // The slots of services stand under no owner.
    const most = owner === null ? Number.MAX_SAFE_INTEGER : limits.devicesPerOwner;
    await store.run('makeSlot', { device: key, owner: owner ?? '', most });
    return store.read('oneTimeLeft', { device: key });
  }

  #welcome(connection: Connection, device: Admitted, oneTime: number, limits: RelayLimits): void {
    const { slots, outbox, tokens, clock, proven, end, log } = this.#ports;
    const now = clock();
    let replaced: readonly Connection[];
    try {
      replaced = slots.join(connection, device, now);
    } catch (error) {
      end(connection, entryOf(error).code);
      return;
    }
    proven(connection);
    connection.state = 'ready';
    connection.device = device;
    for (const older of replaced) end(older, 'relay.replaced');
    const resume = device.owner === null ? new Uint8Array(0) : tokens.issue(device.did, device.owner, now);
    outbox.send(connection, 'welcome', {
      window: limits.window,
      maxWindow: limits.maxWindow,
      maxStreams: limits.streams,
      oneTime,
      seconds: resume.length > 0 ? resumeSeconds : 0,
      resume,
    });
    log('relay.ready', { device: device.did, ...(device.owner ? { owner: device.owner } : {}) });
  }

  #refuse(connection: Connection, error: unknown): void {
    const { addresses, clock, end, log } = this.#ports;
    const now = clock();
    const { code } = entryOf(error);
    // Our own trouble is not the caller's failure, and a stale token is renewed at once by showing the chain.
    const innocent = code === 'relay.unavailable' || code === 'relay.stale_resume';
    if (innocent) addresses.giveBackChallenge(connection.group, now);
    else addresses.failed(connection.group, now);
    // The cause stays in our log: whoever guesses learns only that it was wrong.
    const cause = error instanceof CaponierError ? (error.cause as { code?: string } | undefined)?.code : undefined;
    log('relay.refused', { address: connection.group, code: cause ?? code });
    if (!innocent && addresses.isBarred(connection.group, now)) end(connection, code, barredClose);
    else end(connection, code);
  }

  /** A stranger joins a meeting that a device has opened, or is sent away. */
  meet(connection: Connection, frame: Frame<'meet'>): void {
    const { meetings, addresses, clock, log, end } = this.#ports;
    if (!frame.join) throw fail('relay.protocol', 'only devices open meetings');
    const now = clock();
    connection.challenge = null;
    connection.chain = null;
    if (!meetings.join(connection, frame)) {
      addresses.failed(connection.group, now);
      log('relay.refused', { address: connection.group, code: 'relay.no_meeting' });
      if (addresses.isBarred(connection.group, now)) end(connection, 'relay.no_meeting', barredClose);
      else end(connection, 'relay.no_meeting');
      return;
    }
    // Its name cannot be guessed: whoever names it was given the code.
    addresses.giveBackChallenge(connection.group, now);
    connection.state = 'guest';
  }
}
