import * as z from 'zod/mini';
import { count, hash } from './kinds/members.ts';
import { maxDelegationDepth } from './limits.ts';

/**
 * The wire of the two that decide, broker and gate. Bodies are JSON; errors are RFC 9457 problems with a code of the
 * catalogue.
 *
 * | method and path            |     | body                   | answer                                                         |
 * |----------------------------|-----|------------------------|----------------------------------------------------------------|
 * | POST /permits              |     | {@link PermitRequest}  | {@link PermitAnswer}: durable; `allow`, `deny` or `ask`        |
 * | POST /outcomes             |     | {@link OutcomeRequest} | {@link OutcomeAnswer}: durable; `refused` gives budget back (gate) |
 * | POST /policies             |     | {@link PolicyRequest}  | {@link PolicyAnswer}: the text of the policy in force (gate)   |
 * | POST /removals             |     | {@link RemovalRequest} | {@link RemovalAnswer}: a freeze or revocation, in effect       |
 * | GET  /challenge            |     |                        | {@link DecisionChallenge}, for one (H)                         |
 * | GET  /events/:index        | (H) |                        | {@link EventAnswer}                                            |
 * | GET  /material?request=ID  | (H) |                        | {@link MaterialAnswer}: what a capsule of it needs from here   |
 *
 * (H) demands the header `caponier-hello`: a `hello` of a device of the owner whom the event or request concerns, whose
 * audience is this service and whose challenge came from GET /challenge; each challenge is good for one use.
 *
 * A refusal before anything is decided (a bad signature, no grant, frozen) is a problem. What policy or grant decide is a
 * permit with status 200, also where it says `deny`.
 *
 * `key` names one submission to the service. The same key with the same request gets the same answer, also after a crash;
 * with another request `gate.idempotency_conflict`. After an `ask`, the same request is sent again together with its
 * approvals, under the same key or a new one.
 */

/** The header that carries a `hello` statement. */
export const decisionHelloHeader = 'caponier-hello';

/** Time within which a challenge is answered, seconds. */
export const decisionChallengeSeconds = 60;

/** Most approvals beside one request, as many as a permit can name. */
export const maxApprovals = 8;

/** Most bytes of a request's body that travels to the service, as to the workers. */
export const maxDecisionBodyBytes = 256 * 1024;

/** Most bytes of a POST body: a request, its delegations and approvals at 16 KiB each, and the body in base64url. */
export const maxPermitRequestBytes = 576 * 1024;

const compactJws = z.string().check(z.maxLength(16_384), z.regex(/^[\w-]+\.[\w-]+\.[\w-]+$/));
const base64url = (most: number) => z.string().check(z.maxLength(most), z.regex(/^[A-Za-z0-9_-]*$/));

export const PermitRequest = z.strictObject({
  /** The request, the delegations that it names, and what approvals there are, in any order. */
  bundle: z.array(compactJws).check(z.minLength(1), z.maxLength(1 + maxDelegationDepth + maxApprovals)),
  /**
   * The request's body in base64url, null where it has none. The gate demands it: a rule that forbids a host would say
   * nothing about a call that is not shown. The broker decides by the grant alone and does not look at it.
   */
  body: z.nullable(base64url(Math.ceil((maxDecisionBodyBytes * 4) / 3))),
  key: z.string().check(z.regex(/^[A-Za-z0-9_-]{16,64}$/)),
});
export const PermitAnswer = z.strictObject({ permit: compactJws });

export const OutcomeRequest = z.strictObject({ outcome: compactJws });
/** `event` is the index of its event; `returned` says whether reserved budget came back. */
export const OutcomeAnswer = z.strictObject({ event: count, returned: z.boolean() });

/** A `freeze`, or a `revoke` with its `cosign` statements, from the owner's own hand: in effect before the log shows it. */
export const RemovalRequest = z.strictObject({
  statement: compactJws,
  cosigns: z.array(compactJws).check(z.maxLength(16)),
});
export const RemovalAnswer = z.strictObject({ id: hash });

/** `owner` and the id of the `policy` statement in force, and the text whose salted digest it carries. */
export const PolicyRequest = z.strictObject({ owner: hash, policy: hash, text: z.string().check(z.maxLength(8192)) });
export const PolicyAnswer = z.strictObject({ policy: hash });

/** `challenge` is 32 random bytes; `expires` in seconds since the epoch. */
export const DecisionChallenge = z.strictObject({ challenge: hash, expires: count });

/** One event with its place in the chain. Salt and body are null once redacted, `leaf` until published. All in base64url. */
export const EventAnswer = z.strictObject({
  index: count,
  prev: hash,
  hash,
  digest: hash,
  salt: z.nullable(base64url(22)),
  body: z.nullable(base64url(90_000)),
  /** Index in the `events` log. */
  leaf: z.nullable(count),
  /** C2SP tlog-proof file for that leaf under a cosigned checkpoint, where the log gives one. */
  proof: z.nullable(z.string().check(z.maxLength(65_536))),
});

/** Everything that the service knows about one request, in the order of its decisions. */
export const MaterialAnswer = z.strictObject({
  request: compactJws,
  delegations: z.array(compactJws),
  approvals: z.array(compactJws),
  /** The text each decision was made with, by the id of the `policy` statement. */
  policies: z.array(z.strictObject({ policy: hash, text: z.string() })),
  decisions: z.array(z.strictObject({ permit: compactJws, event: EventAnswer })),
  outcomes: z.array(z.strictObject({ outcome: compactJws, event: EventAnswer })),
});

export type PermitRequest = z.infer<typeof PermitRequest>;
export type PermitAnswer = z.infer<typeof PermitAnswer>;
export type OutcomeRequest = z.infer<typeof OutcomeRequest>;
export type OutcomeAnswer = z.infer<typeof OutcomeAnswer>;
export type PolicyRequest = z.infer<typeof PolicyRequest>;
export type PolicyAnswer = z.infer<typeof PolicyAnswer>;
export type RemovalRequest = z.infer<typeof RemovalRequest>;
export type RemovalAnswer = z.infer<typeof RemovalAnswer>;
export type DecisionChallenge = z.infer<typeof DecisionChallenge>;
export type EventAnswer = z.infer<typeof EventAnswer>;
export type MaterialAnswer = z.infer<typeof MaterialAnswer>;
