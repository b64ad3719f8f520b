import { type Did, type Payload, workerWire } from '@caponier/protocol';
import type {
  AddingEvent,
  CallResults as AgentResults,
  Blocking,
  CallName,
  Card,
  DeviceStatus,
  Draft,
  JoinPeer,
  Letter,
  LogEntry,
  PublishReport,
  SigningNeed,
} from '@caponier/sdk';
import type { Approver, Grant, Policy, Roots, Trust } from '@caponier/verify';
import * as z from 'zod/mini';

/**
 * What a person's hand (the command line) may ask of this device's daemon, over `run/daemon.sock` in the home (0600 in a
 * folder 0700: whoever can open it is the user whose keys these are).
 *
 * | path                  | way                                    | body and answer                                              |
 * |-----------------------|----------------------------------------|--------------------------------------------------------------|
 * | POST /calls/NAME      | JSON, JSON                             | {@link localCalls}, {@link LocalResults}                     |
 * | POST /streams/NAME    | JSON, NDJSON until either side ends it | {@link localStreams}, {@link LocalLines}; a line that is     |
 * |                       |                                        | `{"problem": …}` is the last one and says why it ended       |
 * | GET  /talks/NAME      | WebSocket                              | {@link localTalks}: JSON in text messages, both ways; the    |
 * |                       |                                        | first is the client's `start`. Ends with `{"type":"end"}` or |
 * |                       |                                        | `{"type":"problem","problem": …}` from the daemon            |
 *
 * Errors are RFC 9457 problems with a code of the catalogue. In `shell`, binary messages carry bytes of the terminal: from
 * the client they are input; from the daemon the first byte says which (1 output, 2 errors). Whoever does not read holds
 * the other side back; nothing is dropped. When the client goes, what it started ends: a meeting closes, a shell hangs up,
 * a run's delegation is of no more use.
 */

/** Bytes of one JSON body, line or text message. */
export const maxLocalJson = 4 * 1024 * 1024;
/** Bytes of one binary message of a shell. */
export const maxShellMessage = 64 * 1024;
/** First byte of a binary message from the daemon. */
export const shellOutput = 1;
export const shellErrors = 2;

const line = (most: number) => z.string().check(z.minLength(1), z.maxLength(most));
const base64url = (most: number) => z.string().check(z.maxLength(most), z.regex(/^[A-Za-z0-9_-]*$/));
const hash = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/));
const deviceName = z.string().check(z.regex(/^[a-z0-9][a-z0-9._-]{0,31}$/));
const jws = z.string().check(z.maxLength(16_384), z.regex(/^[\w-]+\.[\w-]+\.[\w-]+$/));
const signed = z.strictObject({ statement: jws, cosigns: z.array(jws) });
const joinKind = z.enum(['member', 'controller', 'approver', 'contact']);
const count = z.int().check(z.gte(0), z.lte(1_000_000));

/** Judged by whoever signs: the hand replays the chain and applies the statement before it signs. */
const draft = z.custom<Draft>(
  (v) => typeof v === 'object' && v !== null && 'kind' in v && 'members' in v && typeof v.members === 'object',
);
const signedNeed = z.strictObject({ statements: z.array(signed), tickets: z.array(jws) });

/** Arguments of each call. */
export const localCalls = {
  /** Answers at once, whatever the network does. */
  status: z.strictObject({}),
  /** Waits until the view is fresh and the relay has taken the device. */
  ready: z.strictObject({ ms: count }),
  /** What the owner's chain says now. */
  view: z.strictObject({}),
  /** What the hand must see to sign these. */
  need: z.strictObject({ drafts: z.array(draft).check(z.minLength(1), z.maxLength(64)) }),
  publish: z.strictObject({ statements: z.array(signed).check(z.minLength(1), z.maxLength(64)) }),
  /** The text of the policy whose statement is in force, to every gate of the owner. */
  tellPolicy: z.strictObject({ policy: hash, text: z.string().check(z.maxLength(8192)) }),
  freeze: z.strictObject({ what: z.enum(['all', 'device', 'agent']), target: z.nullable(line(96)) }),
  /** `service` statements with new addresses. */
  learn: z.strictObject({ services: z.array(jws).check(z.maxLength(16)) }),
  /** Durable here when answered; `waitMs` more for the relay to have it, and then `deliverMs` for the other side. */
  send: z.strictObject({
    to: line(96),
    text: line(32 * 1024),
    /** How long it may wait to be fetched; null: as the relay does. */
    seconds: z.nullable(z.int().check(z.gte(1), z.lte(2 ** 31))),
    waitMs: count,
    deliverMs: count,
  }),
  /** Whether a contact (`bob`), or one of their devices (`bob/phone`), is kept away from this device. */
  block: z.strictObject({ who: line(96), blocked: z.boolean() }),
  /** The person has read it. */
  take: z.strictObject({ letter: line(64) }),
  asks: z.strictObject({}),
  answer: z.strictObject({ id: hash, decision: z.enum(['allow', 'deny']) }),
  log: z.strictObject({ limit: count }),
  capsule: z.strictObject({ request: hash }),
  trustFile: z.strictObject({}),
} as const;

export type LocalCallName = keyof typeof localCalls;
export type LocalArgs<C extends LocalCallName> = z.infer<(typeof localCalls)[C]>;

/** Answers of each call; plain JSON, without further checks: both ends are one user's. */
export interface LocalResults {
  readonly status: DeviceStatus & {
    readonly pid: number;
    /** Mails in the outbox, letters not read, asks not answered. */
    readonly outbox: number;
    readonly letters: number;
    readonly asks: number;
  };
  readonly ready: Record<string, never>;
  readonly view: {
    readonly seq: number;
    /** Seconds since witnesses last said that it is the newest; null where too few did. */
    readonly age: number | null;
    readonly roots: Roots;
    readonly trust: Trust | null;
    readonly grants: readonly Grant[];
    readonly approvers: readonly Approver[];
    readonly policy: Policy | null;
    readonly freezes: readonly { readonly id: string; readonly what: string; readonly target: string | null }[];
  };
  readonly need: SigningNeed;
  readonly publish: PublishReport;
  readonly tellPolicy: { readonly gates: number };
  readonly freeze: PublishReport & { readonly id: string };
  readonly learn: Record<string, never>;
  /** `accepted`: the relay says that it has it for every device. `delivered`: a device of the recipient signed that it has it. */
  readonly send: {
    readonly id: string;
    readonly devices: number;
    readonly accepted: boolean;
    readonly delivered: boolean;
  };
  readonly block: Blocking;
  readonly take: Record<string, never>;
  readonly asks: { readonly asks: readonly Card[] };
  readonly answer: Record<string, never>;
  readonly log: { readonly entries: readonly LogEntry[] };
  /** base64url. */
  readonly capsule: { readonly capsule: string };
  readonly trustFile: { readonly trust: string };
}

/** Arguments of each stream. */
export const localStreams = {
  /** Letters not taken, oldest first, then new ones as they come. Taking them is a call of its own: after they are shown. */
  letters: z.strictObject({}),
  /** Cards that wait, then new ones. */
  cards: z.strictObject({}),
  /** One request of this device for its person, to its end. */
  perform: z.discriminatedUnion('what', [
    z.strictObject({
      what: z.literal('secret.put'),
      name: line(128),
      value: base64url(Math.ceil((workerWire.secretBytes.max * 4) / 3)),
      hosts: z.array(line(255)).check(z.maxLength(16)),
      allowPrivate: z.boolean(),
    }),
    z.strictObject({
      what: z.literal('secret.use'),
      name: line(128),
      purpose: line(256),
      call: workerWire.SecretCall,
    }),
    z.strictObject({ what: z.literal('secret.reveal'), name: line(128), purpose: line(256) }),
    z.strictObject({ what: z.literal('secret.list'), beginning: line(128) }),
    z.strictObject({ what: z.literal('secret.delete'), name: line(128) }),
    z.strictObject({
      what: z.literal('memory.put'),
      place: line(256),
      text: line(64 * 1024),
      expected: z.nullable(z.int()),
    }),
    z.strictObject({ what: z.literal('memory.get'), place: line(256), version: z.nullable(z.int()) }),
    z.strictObject({ what: z.literal('memory.search'), beginning: line(256), query: line(512), limit: count }),
    z.strictObject({ what: z.literal('classify.text'), text: line(workerWire.maxClassifyText) }),
  ]),
} as const;

export type LocalStreamName = keyof typeof localStreams;
export type LocalStreamArgs<S extends LocalStreamName> = z.infer<(typeof localStreams)[S]>;

/** Lines of each stream. */
export interface LocalLines {
  readonly letters: Letter;
  readonly cards: Card;
  readonly perform:
    | { readonly type: 'asking'; readonly request: string; readonly devices: number }
    | {
        readonly type: 'done';
        readonly request: string;
        /** The worker's result; for `secret.reveal` `{ value }` in base64url, opened. */
        readonly result: unknown;
      };
}

/** What the client says in each talk; the first message is `start`. */
export const localTalks = {
  /** Opens a meeting for somebody to join; the hand signs. */
  add: z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('start'),
      kind: joinKind,
      name: z.nullable(deviceName),
      tickets: z.boolean(),
    }),
    z.strictObject({ type: z.literal('confirm'), yes: z.boolean() }),
    z.strictObject({ type: z.literal('signed'), signed: signedNeed }),
  ]),
  /** Joins another owner as a contact, with the owner of this device. */
  joinContact: z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('start'),
      /** The link, or twelve words and the relay's address. */
      code: z.nullable(line(4096)),
      words: z.nullable(line(256)),
      relay: z.nullable(line(512)),
      pin: z.nullable(hash),
      /** What this owner calls the contact. */
      contact: deviceName,
    }),
    z.strictObject({ type: z.literal('confirm'), yes: z.boolean() }),
    z.strictObject({ type: z.literal('signed'), signed: signedNeed }),
  ]),
  /** A shell, or one command, on another device of the owner. */
  shell: z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('start'),
      device: deviceName,
      /** Given to the login shell over there, as ssh does; null: an interactive shell. */
      command: z.nullable(line(64 * 1024)),
      /** Null: no terminal, output and errors apart. */
      terminal: z.nullable(
        z.strictObject({
          columns: z.int().check(z.gte(1), z.lte(1000)),
          rows: z.int().check(z.gte(1), z.lte(1000)),
          term: line(64),
        }),
      ),
    }),
    z.strictObject({
      type: z.literal('resize'),
      columns: z.int().check(z.gte(1), z.lte(1000)),
      rows: z.int().check(z.gte(1), z.lte(1000)),
    }),
    /** Nothing more is typed. */
    z.strictObject({ type: z.literal('inputEnd') }),
  ]),
  /**
   * An agent's session. The supervisor (`runAgent`) holds the run key in its memory and signs; the daemon delegates to it
   * and speaks with the services.
   */
  run: z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('start'),
      /** The agent's name on this device: `claude`. */
      agent: deviceName,
      key: z.custom<Did>((v) => typeof v === 'string' && /^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/.test(v)),
      classes: z.array(line(65)).check(z.minLength(1), z.maxLength(16)),
      ops: z.array(line(65)).check(z.minLength(1), z.maxLength(32)),
      resources: z.array(line(256)).check(z.minLength(1), z.maxLength(32)),
      /** Seconds the delegation lives. */
      lives: z.int().check(z.gte(60), z.lte(7 * 24 * 3600)),
    }),
    /** A call of the agent's, as it came over the supervisor's socket; the daemon checks it again (`parseCall`). */
    z.strictObject({ type: z.literal('call'), id: count, call: z.string().check(z.maxLength(64)), args: z.unknown() }),
    /** The answer to `sign`: base64url. */
    z.strictObject({ type: z.literal('signature'), id: count, signature: base64url(88) }),
  ]),
} as const;

export type LocalTalkName = keyof typeof localTalks;
export type TalkSaid<T extends LocalTalkName> = z.infer<(typeof localTalks)[T]>;

/** What the daemon says in each talk, besides `end` and `problem`. */
export interface TalkHeard {
  readonly add: AddingEvent;
  readonly joinContact:
    | { readonly type: 'compare'; readonly safetyNumber: string; readonly kind: string; readonly peer: JoinPeer }
    | { readonly type: 'sign'; readonly need: SigningNeed }
    | { readonly type: 'done'; readonly contact: { readonly owner: string; readonly name: string } };
  readonly shell:
    | {
        readonly type: 'open';
        readonly device: string;
        /** Seconds of the view by which the other side let us in; above 30 a banner says so. */
        readonly viewAge: number;
      }
    | { readonly type: 'exit'; readonly code: number; readonly signal: string | null };
  readonly run:
    | {
        readonly type: 'delegated';
        /** `claude@laptop` */
        readonly agent: string;
        readonly device: string;
        readonly owner: string;
        /** Seconds since the epoch. */
        readonly expires: number;
      }
    /** Bytes to sign with the run key, base64url. */
    | { readonly type: 'sign'; readonly id: number; readonly message: string }
    | { readonly type: 'asking'; readonly id: number; readonly request: string; readonly devices: number }
    | { readonly type: 'result'; readonly id: number; readonly result: AgentResults[CallName] }
    /** The catalogue's words. */
    | {
        readonly type: 'refused';
        readonly id: number;
        readonly error: { readonly code: string; readonly title: string; readonly hint: string };
      };
}

export type TalkEnd = { readonly type: 'end' } | { readonly type: 'problem'; readonly problem: unknown };

/** What a `service` statement says of one service. */
export type Listed = Payload<'service'>['services'][number];
