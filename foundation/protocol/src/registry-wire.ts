import * as z from 'zod/mini';
import { count, hash } from './kinds/members.ts';

/**
 * The registry's wire: every path, body and line that crosses between a registry, its writers and its readers.
 * Bodies are JSON unless said otherwise; errors are RFC 9457 problems with a code of the catalogue.
 *
 * | method and path                     | body                        | answer                                                   |
 * |-------------------------------------|-----------------------------|----------------------------------------------------------|
 * | POST /append                        | {@link AppendRequest}       | {@link AppendAnswer}: durable, signed and cosigned       |
 * | POST /freeze                        | {@link FreezeRequest}       | {@link FreezeAnswer}: durable and pushed                 |
 * | POST /events                        | {@link EventsRequest} (H)   | {@link EventsAnswer}: durable, signed and cosigned       |
 * | GET  /challenge                     |                             | {@link ChallengeAnswer}, for one (H)                     |
 * | GET  /owners/:owner[?from=SEQ]      | (h)                         | {@link ChainAnswer}: the chain, as this reader may see it |
 * | GET  /statements/:id                | (h)                         | {@link StatementAnswer}                                  |
 * | GET  /follow?from=N[&class=membership] | (h)                      | NDJSON, one {@link FollowLine} a line, until cut          |
 * | GET  /:log/checkpoint               |                             | C2SP tlog-checkpoint with cosignatures, text             |
 * | GET  /:log/tile/L/N[.p/W]           |                             | C2SP tlog-tiles hashes, octets                           |
 * | GET  /:log/tile/entries/N[.p/W]     |                             | C2SP tlog-tiles entry bundle, octets                     |
 * | GET  /:log/proof?index=N            |                             | C2SP tlog-proof file with the newest checkpoint, text    |
 *
 * `:log` is `owners` or `events`. The origin of each checkpoint is the registry's origin, `/`, and the log's name.
 *
 * (H) demands, (h) takes, the header `caponier-hello`: a `hello` statement whose audience is the registry's key and whose
 * challenge came from GET /challenge; each challenge is good for one use within {@link registryChallengeSeconds}.
 * Membership statements are shown to anybody. Private ones are shown to a key that the owner's chain names at that moment
 * as broker, gate or worker or has enrolled and not revoked, never to a relay.
 *
 * A follower sees every leaf from `from` on, with its statement where the reader may see it, and the head that covers
 * them; then a `now` line for every standing freeze; then, as they come, `leaf` and `head` lines. A `now` line may stand
 * anywhere, and twice: it is a `freeze` or `revoke`, which only removes authority and takes effect on sight, before any
 * head. A head of `owners` comes only after all leaves it covers, so the follower computes the root itself from what it was
 * shown and compares: no consistency proof is needed, and none would say more. A reader that was shown a leaf without a
 * statement, and is a reader of it now, asks for the statement by id. Who does not read fast enough is cut and starts again
 * from its next leaf. Who asks for leaves that the log does not have is shown the smaller head.
 */

/** The header that carries a `hello` statement. */
export const registryHelloHeader = 'caponier-hello';

/** Time within which a challenge is answered, seconds. */
export const registryChallengeSeconds = 60;

/** Most statements in one POST /append; an owner's first chain is far below. */
export const registryMaxAppend = 64;

/** Most cosigns beside one statement: the largest k that an owner may name. */
export const registryMaxCosigns = 16;

/** Most leaves in one POST /events. */
export const registryMaxEvents = 1024;

/** Most bytes of one line of GET /follow: a statement with its cosigns at 16 KiB each, and the frame around them. */
export const registryMaxLine = (1 + registryMaxCosigns) * 16_384 + 4096;

/** A registry sequences these two logs. */
export const logNames = ['owners', 'events'] as const;
export type LogName = (typeof logNames)[number];

/** Origin of one log's checkpoints; `origin` is the registry's, as an owner's `trust` names it. */
export function originOf(origin: string, log: LogName): string {
  return `${origin}/${log}`;
}

// Forms only: sizes and alphabets. Meaning and signature are judged by `verifyStatement`, `decodeOwnersLeaf`, `openNote`.
const compactJws = z.string().check(z.maxLength(16_384), z.regex(/^[\w-]+\.[\w-]+\.[\w-]+$/));
const ownersLeaf = z.string().check(z.regex(/^[\w-]{98}$/));
const note = z.string().check(z.maxLength(16_384));

const signed = { statement: compactJws, cosigns: z.array(compactJws).check(z.maxLength(registryMaxCosigns)) };

/** One owner's statements, in the order of their `seq`, each with the `cosign` statements of its id. All or none is taken. */
export const AppendRequest = z.strictObject({
  statements: z.array(z.strictObject(signed)).check(z.minLength(1), z.maxLength(registryMaxAppend)),
  /** Admission of a new owner, where the registry asks for it: a `ticket` of its operator. */
  ticket: z.optional(compactJws),
});
/** Where each statement stands in `owners`, and a cosigned checkpoint that covers them all. */
export const AppendAnswer = z.strictObject({
  appended: z.array(z.strictObject({ id: hash, seq: count, index: count })),
  checkpoint: note,
});

export const FreezeRequest = z.strictObject({ statement: compactJws });
/** `followers` is the number of open streams to which the freeze was written. */
export const FreezeAnswer = z.strictObject({ id: hash, followers: count });

/** Salted hashes of events, 32 bytes each; the bodies stay with the service. A hash that is there already is not added again. */
export const EventsRequest = z.strictObject({
  leaves: z.array(hash).check(z.minLength(1), z.maxLength(registryMaxEvents)),
});
export const EventsAnswer = z.strictObject({ indices: z.array(count), checkpoint: note });

/** `challenge` is 32 random bytes; `expires` in seconds since the epoch. */
export const ChallengeAnswer = z.strictObject({ challenge: hash, expires: count });

export const StatementAnswer = z.strictObject(signed);

/**
 * A part of an owner's chain by `seq`, and its standing freezes; a private statement this reader may not see is named by
 * id alone. `next` is the `seq` to ask for next, null at the end.
 */
export const ChainAnswer = z.strictObject({
  chain: z.array(
    z.strictObject({
      id: hash,
      index: count,
      statement: z.optional(compactJws),
      cosigns: z.optional(signed.cosigns),
    }),
  ),
  freezes: z.array(compactJws),
  next: z.nullable(count),
  checkpoint: note,
});

export const FollowLine = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('leaf'),
    index: count,
    leaf: ownersLeaf,
    statement: z.optional(compactJws),
    cosigns: z.optional(signed.cosigns),
  }),
  z.strictObject({ type: z.literal('now'), ...signed }),
  z.strictObject({ type: z.literal('head'), log: z.enum(logNames), checkpoint: note }),
]);

export type AppendRequest = z.infer<typeof AppendRequest>;
export type AppendAnswer = z.infer<typeof AppendAnswer>;
export type FreezeAnswer = z.infer<typeof FreezeAnswer>;
export type EventsAnswer = z.infer<typeof EventsAnswer>;
export type ChallengeAnswer = z.infer<typeof ChallengeAnswer>;
export type StatementAnswer = z.infer<typeof StatementAnswer>;
export type ChainAnswer = z.infer<typeof ChainAnswer>;
export type FollowLine = z.infer<typeof FollowLine>;
