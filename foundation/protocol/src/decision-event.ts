import * as z from 'zod/mini';
import { fail } from './errors/catalogue.ts';
import { permit } from './kinds/life.ts';
import { count, hash, list, seconds, text } from './kinds/members.ts';

/**
 * Bodies of the events of broker and gate: one canonical JSON text each, salted and hashed into the service's chain
 * (`event.ts`). A capsule shows one; whoever checks it reads it here.
 */

const code = z.string().check(z.regex(/^[a-z]+\.[a-z_]+$/));

/**
 * A decision. `permit` is the whole payload of the permit but for `event`, which is the index of this event: so the permit
 * can be signed again, byte for byte, from what is durable. `facts` is the canonical text that the policy was evaluated
 * with, null where a grant alone decided.
 */
const decision = z.strictObject({
  type: z.literal('decision'),
  delegations: list(hash, 3),
  facts: z.nullable(z.string().check(z.maxLength(16 * 1024))),
  permit: z.omit(permit, { event: true }),
});

/** Somebody known asked, and it was refused before anything was decided. */
const refusal = z.strictObject({ type: z.literal('refusal'), owner: hash, request: hash, code, at: seconds });

/** Refusals of what could not be ascribed to anybody, counted by code: strangers must not fill the chain. */
const refusals = z.strictObject({
  type: z.literal('refusals'),
  from: seconds,
  to: seconds,
  counts: list(z.strictObject({ code, count }), 64, 1),
});

/** A worker reported. `returned`: what went back to which budget. */
const outcome = z.strictObject({
  type: z.literal('outcome'),
  owner: hash,
  request: hash,
  outcome: hash,
  result: z.enum(['done', 'refused', 'unknown']),
  returned: z.nullable(z.strictObject({ budget: text(64), units: count })),
});

const form = z.discriminatedUnion('type', [decision, refusal, refusals, outcome]);

export type DecisionEvent = z.infer<typeof form>;

/** The one text of an event, as bytes. */
export function encodeDecisionEvent(event: DecisionEvent): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(form.parse(event)));
}

/** Reads an event's body, and only from its one text. Throws `statement.malformed`. */
export function decodeDecisionEvent(body: Uint8Array): DecisionEvent {
  try {
    const written = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
    const event = form.parse(JSON.parse(written));
    if (JSON.stringify(event) === written) return event;
  } catch (cause) {
    throw fail('statement.malformed', 'not an event', cause);
  }
  throw fail('statement.malformed', 'not the one text of an event');
}
