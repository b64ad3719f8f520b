import type { Random, Secret } from '@caponier/crypto';
import { fromUtf8 } from '@caponier/crypto';
import { type BoxDid, type Did, fail, isDid } from '@caponier/protocol';
import { type Joined, startJoining } from '@caponier/session';
import type { WireStatement } from '@caponier/verify';
import * as z from 'zod/mini';
import type { Carrier } from '../channels/duplex.ts';
import { MessageDuplex } from '../channels/duplex.ts';
import { jsonBytes } from '../store/json.ts';

/** What two sides say to each other while one joins: introductions in the handshake, then one JSON object a message. */

const hash = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/));
const name = z.string().check(z.regex(/^[a-z0-9][a-z0-9._-]{0,31}$/));
const jws = z.string().check(z.maxLength(16_384), z.regex(/^[\w-]+\.[\w-]+\.[\w-]+$/));
const did = z.custom<Did>((v) => typeof v === 'string' && isDid(v, 'ed25519'));
const box = z.custom<BoxDid>((v) => typeof v === 'string' && isDid(v, 'x25519'));
const cosigns = z.array(jws).check(z.maxLength(16));
const wire = z.strictObject({ statement: jws, cosigns });
const maxChain = 4_096;

const joinKinds = ['member', 'controller', 'approver', 'contact'] as const;

/** Bound into the safety number. */
export const adderIntroduction = z.strictObject({
  v: z.literal(1),
  kind: z.enum(joinKinds),
  owner: hash,
  device: did,
  name,
});
export const joinerIntroduction = z.strictObject({ v: z.literal(1), device: did, box, name });

/** An owner's membership statements, private ones by id alone; that the newest is in the log; where the services are. */
export const evidenceForm = z.strictObject({
  chain: z
    .array(z.strictObject({ id: hash, statement: z.optional(jws), cosigns: z.optional(cosigns) }))
    .check(z.minLength(1), z.maxLength(maxChain)),
  proof: z.string().check(z.maxLength(65_536)),
  services: z.array(jws).check(z.maxLength(16)),
});
export type Evidence = z.infer<typeof evidenceForm>;

/** A chain as the forms have it. */
export const mutable = (chain: readonly WireStatement[]) =>
  chain.map(({ statement, cosigns }) => ({ statement, cosigns: [...cosigns] }));

const chainForm = z.array(wire).check(z.minLength(1), z.maxLength(maxChain));

export const joinMessage = z.discriminatedUnion('type', [
  /** An owner that stands in a log. */
  z.strictObject({ type: z.literal('show'), evidence: evidenceForm }),
  /** An owner that is being made, and nobody has seen yet. */
  z.strictObject({ type: z.literal('new'), chain: chainForm }),
  /** A device that has nothing to show but itself. */
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({ type: z.literal('yes') }),
  z.strictObject({ type: z.literal('no') }),
  z.strictObject({
    type: z.literal('enrolled'),
    chain: chainForm,
    evidence: evidenceForm,
    tickets: z.array(jws).check(z.maxLength(4)),
  }),
  z.strictObject({ type: z.literal('granted'), tickets: z.array(jws).check(z.maxLength(4)) }),
  z.strictObject({ type: z.literal('stored') }),
]);
export type JoinMessage = z.infer<typeof joinMessage>;
type MessageType = JoinMessage['type'];

/** Bytes of one message: a long chain. */
const maxMessage = 1024 * 1024;

/** The encrypted talk of two sides after their handshake. */
export class JoinTalk {
  readonly safetyNumber: string;
  readonly peerIntroduction: Uint8Array;
  readonly #duplex: MessageDuplex;
  readonly #messages: AsyncIterator<Uint8Array>;

  private constructor(joined: Joined, carrier: Carrier, bodies: AsyncIterator<Uint8Array>) {
    this.safetyNumber = joined.safetyNumber;
    this.peerIntroduction = joined.peerIntroduction;
    this.#duplex = new MessageDuplex(joined.channel, carrier, bodies, {
      maxBytes: maxMessage,
      cut: 'relay.meeting_over',
    });
    this.#messages = this.#duplex.messages[Symbol.asyncIterator]();
  }

  /** Runs the handshake. Throws `session.*`, `relay.*`. */
  static async begin(
    role: 'adder' | 'joiner',
    carrier: Carrier,
    secret: Secret,
    introduction: unknown,
    { random, clock }: { readonly random: Random; readonly clock: () => number },
  ): Promise<JoinTalk> {
    const joining = startJoining({ role, secret, introduction: jsonBytes(introduction), random, clock });
    const bodies = carrier.messages[Symbol.asyncIterator]();
    while (!joining.done) {
      if (joining.myTurn) await carrier.send(joining.write());
      else {
        const next = await bodies.next();
        if (next.done) throw fail('relay.meeting_over');
        joining.read(next.value);
      }
    }
    return new JoinTalk(joining.finish(), carrier, bodies);
  }

  say(message: JoinMessage): Promise<void> {
    return this.#duplex.send(jsonBytes(message));
  }

  /** The next message, which must be of one of these types. Throws `code.bad_message`, `code.declined`, `relay.*`, `session.*`. */
  async hear<T extends MessageType>(...types: readonly T[]): Promise<Extract<JoinMessage, { type: T }>> {
    const next = await this.#messages.next();
    if (next.done) throw fail('relay.meeting_over');
    const message = openJoin(next.value, joinMessage);
    if (message.type === 'no') throw fail('code.declined');
    if (!(types as readonly string[]).includes(message.type)) throw fail('code.bad_message', message.type);
    return message as Extract<JoinMessage, { type: T }>;
  }

  close(): void {
    this.#duplex.close();
  }
}

/** The wall for what the other side says. Throws `code.bad_message`. */
export function openJoin<T extends z.ZodMiniType>(bytes: Uint8Array, form: T): z.infer<T> {
  try {
    return form.parse(JSON.parse(fromUtf8(bytes)));
  } catch (cause) {
    throw fail('code.bad_message', 'not of its form', cause);
  }
}
