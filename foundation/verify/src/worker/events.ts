import { fromUtf8, utf8 } from '@caponier/crypto';
import { fail, formOf, type Verified, verifyStatement } from '@caponier/protocol';
import * as z from 'zod/mini';

/** Bodies of a worker's events: one canonical JSON text each, salted and hashed into its chain. */

const { request: hash } = formOf('use').shape;
const intent = z.strictObject({ type: z.literal('intent'), owner: hash, request: hash, permit: hash, use: hash });
/** `statement` is the outcome as signed. */
const outcome = z.strictObject({ type: z.literal('outcome'), statement: z.string().check(z.maxLength(16_384)) });
const form = z.discriminatedUnion('type', [intent, outcome]);

export type WorkerEvent = z.infer<typeof form>;

export function encodeWorkerEvent(event: WorkerEvent): Uint8Array {
  return utf8(JSON.stringify(form.parse(event)));
}

/** Reads an event's body, and only from its one text. Throws `statement.malformed`. */
export function decodeWorkerEvent(body: Uint8Array): WorkerEvent {
  try {
    const text = fromUtf8(body);
    const event = form.parse(JSON.parse(text));
    if (JSON.stringify(event) === text) return event;
  } catch (cause) {
    throw fail('statement.malformed', 'not an event', cause);
  }
  throw fail('statement.malformed', 'not the one text of an event');
}

/** The outcome that an event holds. Throws `statement.*`. */
export function outcomeOfEvent(event: WorkerEvent): Verified<'outcome'> | undefined {
  return event.type === 'outcome' ? verifyStatement(event.statement, 'outcome') : undefined;
}
