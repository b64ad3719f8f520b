import { CaponierError, type Random } from '@caponier/crypto';
import {
  type Did,
  type ErrorCode,
  entryOf,
  type Frame,
  type FrameName,
  fail,
  type Signer,
  type Verdict,
} from '@caponier/protocol';
import type { Wait } from '@caponier/verify';
import type { DeliveredMail, RelayCredentials, RelayMeeting, RelayPort, RelayStream } from '../link/relay-port.ts';
import { toldToWait } from '../transport/later.ts';
import type { Transport } from '../transport/types.ts';
import { type Identity, sayHello } from './hello.ts';
import { Inbox } from './inbox.ts';
import {
  GREETING_TIME,
  PING_AFTER,
  RETRY_AFTER_MOST,
  RETRY_FIRST,
  RETRY_JITTER,
  RETRY_MOST,
  SILENT_AFTER,
  TEND_EVERY,
} from './limits.ts';
import { Meetings } from './meetings.ts';
import { Outbox } from './outbox.ts';
import { Requests } from './requests.ts';
import { type StreamHandler, Streams } from './streams.ts';
import { openWire, type RelayAddress, type Wire } from './wire.ts';

export interface RelayClientOptions {
  readonly address: RelayAddress;
  /** The key that the relay must have. */
  readonly relay: Did;
  /** The device's key (or a service's). */
  readonly signer: Signer;
  /** Null for a service. */
  readonly owner: string | null;
  /** `exclusive`, the default, takes the place of older connections of this device; `shared` stands beside them. */
  readonly mode?: 'exclusive' | 'shared';
  readonly credentials: RelayCredentials;
  readonly transport: Transport;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly random: Random;
  readonly wait: Wait;
}

/** A relay that says one of these will say it again: it is asked rarely, and the user is told. */
const refusals: ReadonlySet<ErrorCode> = new Set([
  'relay.bad_hello',
  'relay.not_admitted',
  'relay.revoked',
  'relay.frozen',
  'relay.stale_chain',
  'relay.wrong_relay',
  'relay.replaced',
  'host.pin_mismatch',
]);

/** Of these, refusals that only people can change: asking again costs everybody, and says nothing new. */
const final: ReadonlySet<ErrorCode> = new Set([
  'relay.not_admitted',
  'relay.revoked',
  // Another of us took the place on purpose: coming back would only take turns with it.
  'relay.replaced',
]);

interface Ended {
  readonly code: ErrorCode;
  /** Whether the relay had welcomed us. */
  readonly connected: boolean;
  /** Seconds after which it wants us back; 0 where it did not say. */
  readonly retryAfter: number;
}

export interface RelayClient extends RelayPort {
  /** Why there is no connection, as far as it is known; null while there is one. */
  readonly trouble: ErrorCode | null;
}

/**
 * A device's way to its relay. `start` connects and keeps connecting, until the relay refuses for good (state `refused`,
 * and `trouble` says why); then it may be started again. `close` ends it.
 */
export function createRelayClient(options: RelayClientOptions): RelayClient {
  return new Client(options);
}

type Handlers = { readonly [N in FrameName]?: (frame: Frame<N>) => void };

class Client implements RelayClient {
  readonly #options: RelayClientOptions;
  readonly #identity: Identity;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<(state: RelayPort['state']) => void>();
  readonly #outbox: Outbox;
  readonly #inbox: Inbox;
  readonly #streams = new Streams();
  readonly #meetings: Meetings;
  readonly #requests: Requests;
  readonly #handlers: Handlers;
  #state: RelayPort['state'] = 'connecting';
  #trouble: ErrorCode | null = null;
  #wire: Wire | null = null;
  #resume: Uint8Array = new Uint8Array(0);
  #oneTime: number | null = null;
  #heard = 0;
  #started = false;
  #gaveUp: ErrorCode | null = null;

  constructor(options: RelayClientOptions) {
    this.#options = options;
    const { signer, owner, mode = 'exclusive', relay, address } = options;
    this.#identity = { signer, owner, mode, relay, pin: address.pin };
    const pause = (milliseconds: number) => options.wait(milliseconds, this.#stop.signal);
    this.#outbox = new Outbox(pause, options.random);
    this.#inbox = new Inbox(pause);
    // Requests and meetings are numbered in one space: an error says only the number.
    let number = 0;
    const nextNumber = () => ++number;
    this.#meetings = new Meetings(nextNumber);
    this.#requests = new Requests(nextNumber);
    this.#handlers = this.#makeHandlers();
  }

  #makeHandlers(): Handlers {
    return {
      accepted: (frame) => this.#outbox.accepted(frame),
      refused: (frame) => this.#outbox.refused(frame),
      deliver: (frame) => this.#inbox.deliver(frame),
      data: (frame) => this.#streams.data(frame),
      credit: (frame) => this.#streams.credit(frame),
      open: (frame) => this.#streams.offered(frame),
      opened: (frame) => this.#streams.opened(frame),
      close: (frame) => this.#streams.close(frame),
      met: (frame) => this.#meetings.met(frame),
      say: (frame) => this.#meetings.say(frame),
      leave: (frame) => this.#meetings.leave(frame),
      done: (frame) => this.#requests.done(frame),
      prekeys: (frame) => this.#requests.prekeys(frame),
      error: (frame) => {
        if (!this.#requests.error(frame)) this.#meetings.error(frame);
      },
      ping: () => this.#wire?.send('pong', {}),
    };
  }

  // ---- the port ----

  get state(): RelayPort['state'] {
    return this.#state;
  }

  get trouble(): ErrorCode | null {
    return this.#trouble;
  }

  get oneTimeLeft(): number | null {
    return this.#oneTime;
  }

  onState(listener: (state: RelayPort['state']) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  sendMail(to: Uint8Array, id: Uint8Array, body: Uint8Array, seconds?: number): Promise<void> {
    if (this.#isOver) return Promise.reject(fail(this.#isOver));
    return this.#outbox.send(to, id, body, seconds);
  }

  receiveMail(handler: (mail: DeliveredMail) => Promise<void>): void {
    this.#inbox.handle(handler);
    this.#listen();
  }

  openStream(peer: Uint8Array, purpose: number): Promise<RelayStream> {
    return this.#streams.openTo(peer, purpose);
  }

  acceptStreams(handler: StreamHandler): void {
    this.#streams.handle(handler);
    this.#listen();
  }

  openMeeting(name: Uint8Array): Promise<{ readonly met: Promise<RelayMeeting>; leave(): void }> {
    if (this.#isOver) return Promise.reject(fail(this.#isOver));
    return this.#meetings.open(name);
  }

  async offer(statements: readonly string[]): Promise<void> {
    await this.#requests.ask('offer', { statements });
  }

  async fetchPrekeys(device: Uint8Array): Promise<string | null> {
    const statement = await this.#requests.ask('fetch', { device });
    return statement === '' ? null : statement;
  }

  async judge(who: 'owner' | 'device', id: Uint8Array, verdict: Verdict): Promise<void> {
    await this.#requests.ask('allow', { device: who === 'device', id, verdict });
  }

  async tell(statements: readonly string[]): Promise<void> {
    await this.#requests.ask('news', { statements });
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#gaveUp = null;
    void this.#run();
  }

  /** Why nothing will be sent any more; null while there is hope. */
  get #isOver(): ErrorCode | null {
    return this.#stop.signal.aborted ? 'relay.disconnected' : this.#gaveUp;
  }

  close(): void {
    if (this.#stop.signal.aborted) return;
    this.#inbox.handle(null);
    this.#stop.abort();
    this.#wire?.close();
    this.#down('relay.disconnected');
    this.#outbox.fail('relay.disconnected');
    this.#meetings.fail('relay.disconnected');
  }

  // ---- connections, one after another ----

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let pause = RETRY_FIRST;
    while (!signal.aborted) {
      const before = this.#resume;
      const { code, connected, retryAfter } = await this.#connectOnce();
      if (signal.aborted) return;
      this.#trouble = code;
      const refused = refusals.has(code);
      this.#say(refused ? 'refused' : 'connecting');
      if (final.has(code)) return this.#giveUp(code);
      if (code === 'relay.stale_resume' && before.length > 0) {
        this.#resume = new Uint8Array(0);
        continue;
      }
      if (connected) pause = RETRY_FIRST;
      await this.#pause(refused ? RETRY_MOST : pause, retryAfter * 1_000);
      pause = Math.min(pause * 2, RETRY_MOST);
    }
  }

  #giveUp(code: ErrorCode): void {
    this.#gaveUp = code;
    this.#started = false;
    this.#outbox.fail(code);
    this.#meetings.fail(code);
  }

  /** A pause, a fifth more or less; and never below `least`, which a fifth at most is added to. */
  #pause(milliseconds: number, least: number): Promise<void> {
    const { wait, random } = this.#options;
    const chance = new DataView(random(4).buffer).getUint32(0) / 2 ** 32;
    const ours = milliseconds * (1 + RETRY_JITTER * (2 * chance - 1));
    return wait(Math.round(Math.max(ours, least * (1 + RETRY_JITTER * chance))), this.#stop.signal);
  }

  /** Resolves when the connection is over. */
  async #connectOnce(): Promise<Ended> {
    const { transport, address, wait } = this.#options;
    const closed = Promise.withResolvers<ErrorCode>();
    const over = new AbortController();
    const stop = () => over.abort();
    this.#stop.signal.addEventListener('abort', stop, { once: true });
    let connected = false;
    let retryAfter = 0;
    try {
      let greeted: Promise<void> | null = null;
      this.#heard = this.#options.clock();
      const wire = await openWire(transport, address, over.signal, {
        onFrame: (frame) => {
          this.#heard = this.#options.clock();
          if (connected) this.#take(frame);
          else if (frame.type === 'challenge' && !greeted) {
            greeted = this.#greet(wire, frame).catch((error: unknown) => closed.resolve(codeOf(error)));
          } else if (frame.type === 'welcome' && greeted) {
            connected = true;
            this.#up(wire, frame);
          }
        },
        onClose: (code, seconds) => {
          retryAfter = seconds;
          closed.resolve(code);
        },
      });
      void wait(GREETING_TIME, over.signal).then(() => {
        if (!connected) closed.resolve('relay.timeout');
      });
      void this.#tend(wire, over.signal, closed.resolve);
      const code = await closed.promise;
      wire.close();
      return { code, connected, retryAfter };
    } catch (error) {
      return { code: codeOf(error), connected, retryAfter: Math.min(toldToWait(error) / 1_000, RETRY_AFTER_MOST) };
    } finally {
      over.abort();
      this.#stop.signal.removeEventListener('abort', stop);
      if (connected) this.#down(await closed.promise);
    }
  }

  async #greet(wire: Wire, challenge: Frame<'challenge'>): Promise<void> {
    const { credentials, clock, random } = this.#options;
    const resume = this.#resume;
    const chain = resume.length > 0 || this.#identity.owner === null ? [] : await credentials.chain();
    await sayHello(wire, challenge, this.#identity, { resume, chain, ticket: credentials.ticket ?? '' }, clock, random);
  }

  /** Asks when it is quiet, and gives up when nothing answers: a connection can be dead without anybody saying so. */
  async #tend(wire: Wire, signal: AbortSignal, closed: (code: ErrorCode) => void): Promise<void> {
    const { clock, wait } = this.#options;
    for (;;) {
      await wait(TEND_EVERY, signal);
      if (signal.aborted) return;
      const quiet = clock() - this.#heard;
      if (quiet >= SILENT_AFTER) closed('relay.timeout');
      else if (quiet >= PING_AFTER) wire.send('ping', {});
    }
  }

  #up(wire: Wire, welcome: Frame<'welcome'>): void {
    this.#wire = wire;
    this.#resume = welcome.resume;
    this.#oneTime = welcome.oneTime;
    this.#trouble = null;
    this.#requests.up(wire);
    this.#streams.up(wire, welcome);
    this.#inbox.up(wire);
    this.#listen();
    this.#meetings.up(wire);
    this.#outbox.up(wire);
    this.#say('connected');
  }

  #down(code: ErrorCode): void {
    if (!this.#wire) return;
    this.#wire = null;
    this.#requests.down(code);
    this.#streams.down(code);
    this.#inbox.down();
    this.#meetings.down(code);
    this.#outbox.down();
  }

  #listen(): void {
    const mail = this.#inbox.wanted;
    const streams = this.#streams.wanted;
    if (mail || streams) this.#wire?.send('listen', { mail, streams });
  }

  #say(state: RelayPort['state']): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }

  #take(frame: Frame): void {
    const handle = this.#handlers[frame.type] as ((frame: Frame) => void) | undefined;
    handle?.(frame);
  }
}

function codeOf(error: unknown): ErrorCode {
  return error instanceof CaponierError ? entryOf(error).code : 'relay.disconnected';
}
