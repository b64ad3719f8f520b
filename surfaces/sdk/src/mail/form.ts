import { fromUtf8, utf8 } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import * as z from 'zod/mini';
import type { MailContent } from './types.ts';

/** What is inside a mail: one JSON object, the same for each device that it goes to. */

/** Characters of a text. */
const maxMailText = 64 * 1024;
/** Receipts in one mail. */
export const maxReceipts = 32;

const jws = z.string().check(z.maxLength(16_384), z.regex(/^[\w-]+\.[\w-]+\.[\w-]+$/));
const agent = z.string().check(z.regex(/^[a-z0-9][a-z0-9._-]{0,31}@[a-z0-9][a-z0-9._-]{0,31}$/));

const content = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string().check(z.maxLength(maxMailText)) }),
  z.strictObject({
    type: z.literal('ask'),
    request: jws,
    delegations: z.array(jws).check(z.maxLength(3)),
    permit: jws,
    body: z.nullable(z.string().check(z.maxLength(96 * 1024), z.regex(/^[\w-]*$/))),
  }),
  z.strictObject({ type: z.literal('answer'), approval: jws }),
  z.strictObject({
    type: z.literal('delivered'),
    receipts: z.array(jws).check(z.minLength(1), z.maxLength(maxReceipts)),
  }),
]);

const form = z.strictObject({
  v: z.literal(1),
  id: z.string().check(z.regex(/^[A-Za-z0-9_-]{21}[AQgw]$/)),
  from: z.nullable(agent),
  to: z.nullable(agent),
  sentAt: z.int().check(z.gte(0)),
  content,
});

export interface Envelope {
  /** 16 bytes, base64url: the same on every device of the recipient. */
  readonly id: string;
  /** Agent of the sending device; null for its person. */
  readonly from: string | null;
  /** Agent of the receiving device; null for its person. */
  readonly to: string | null;
  readonly sentAt: number;
  readonly content: MailContent;
}

/** Throws `mail.bad_message` for what the other side would not read. */
export function encodeEnvelope({ id, from, to, sentAt, content: inside }: Envelope): Uint8Array {
  const envelope = { v: 1, id, from, to, sentAt, content: inside };
  const parsed = form.safeParse(envelope);
  if (!parsed.success) throw fail('mail.bad_message', parsed.error.issues[0]?.path.join('.') ?? '');
  return utf8(JSON.stringify(parsed.data));
}

/** The wall for a peer's words. Throws `mail.bad_message`; what parses encodes to the same bytes. */
export function openEnvelope(bytes: Uint8Array): Envelope {
  try {
    const text = fromUtf8(bytes);
    const envelope = form.parse(JSON.parse(text));
    if (JSON.stringify(envelope) === text) return envelope;
  } catch (cause) {
    throw fail('mail.bad_message', 'not of the form of a mail', cause);
  }
  throw fail('mail.bad_message', 'not the one text of it');
}
