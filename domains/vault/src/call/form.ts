import { fail } from '@caponier/protocol';
import * as z from 'zod';

/** Bytes of the body of one outgoing call, before the secret is in it. */
export const MAX_CALL_BODY = 64 * 1024;

/** Where the secret goes, exactly once, and nowhere else. */
const place = z.discriminatedUnion('in', [
  /** The value of that header holds `{{secret}}`. */
  z.strictObject({ in: z.literal('header'), name: z.string().regex(/^[a-z0-9-]{1,64}$/) }),
  /** The vault writes `authorization: Basic …` of this user and the secret (RFC 7617). */
  z.strictObject({ in: z.literal('basic'), user: z.string().regex(/^[\x20-\x39\x3b-\x7e]{0,128}$/) }),
  /** The value of that parameter of the address is `{{secret}}`. */
  z.strictObject({ in: z.literal('query'), name: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/) }),
  /** The body holds `{{secret}}`; it is escaped as the content type asks. */
  z.strictObject({ in: z.literal('body') }),
]);

const call = z.strictObject({
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']),
  url: z.string().max(2048),
  headers: z
    .record(z.string().regex(/^[a-z0-9-]{1,64}$/), z.string().regex(/^[\x20-\x7e]{0,4096}$/))
    .refine((headers) => Object.keys(headers).length <= 32),
  body: z.nullable(z.string().max(MAX_CALL_BODY)),
  place,
});

/** One HTTP call as the agent wrote it and the request signed it: with a placeholder where the secret goes. */
export type Call = z.infer<typeof call>;

/** What stands where the secret goes. */
export const PLACEHOLDER = '{{secret}}';

/** Headers that say how the bytes travel, which is not the agent's to say: smuggling, and answers that cannot be read. */
const ours = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'expect',
  'keep-alive',
  'accept-encoding',
  'proxy-authorization',
  'proxy-connection',
  'http2-settings',
  'cookie2',
]);

/** Throws `vault.bad_call`. */
export function parseCall(body: unknown): Call {
  const parsed = call.safeParse(body);
  if (!parsed.success) throw fail('vault.bad_call', parsed.error.issues[0]?.path.join('.') ?? '');
  if (Object.keys(parsed.data.headers).some((name) => ours.has(name))) throw fail('vault.bad_call', 'header');
  return parsed.data;
}
