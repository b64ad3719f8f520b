import { CaponierError, fromBase64url, fromUtf8, toBase64url, utf8 } from '@caponier/crypto';
import { fail, workerWire } from '@caponier/protocol';
import * as z from 'zod/mini';
import { Bundle, maxLifeBytes, maxLifeStatements } from '../request/bundle.ts';

/**
 * A use as it crosses HTTP, for workers and their callers:
 *
 * | method and path | body                                      | answer                                         |
 * |-----------------|-------------------------------------------|------------------------------------------------|
 * | POST /use       | `{"bundle":["<jws>",…],"body":"…"\|null}`  | `{"outcome":"<jws>","body":"…"\|null}`, or a problem |
 *
 * `bundle` holds request, delegations, permit, approvals and use, in any order. `body` is what the request signed, in
 * base64url. A problem means that nothing was taken and nothing done; an answer is durable, whatever its outcome says.
 */
export const usePath = '/use';

/** Most bytes of a body, and of the JSON around bundle and body. */
export const maxUseBodyBytes = workerWire.maxWorkerBodyBytes;
const base64urlLength = (bytes: number) => Math.ceil((bytes * 4) / 3);
export const maxUseBytes = maxLifeBytes + base64urlLength(maxUseBodyBytes) + 1024;
/** Most bytes of an answer's body, and of the JSON around it: a vault's upstream may say 1 MiB. */
export const maxAnswerBodyBytes = 2 * 1024 * 1024;
export const maxAnswerBytes = base64urlLength(maxAnswerBodyBytes) + 32 * 1024;

const jws = z.string().check(z.maxLength(16_384));
const bytes = (most: number) => z.nullable(z.string().check(z.maxLength(base64urlLength(most)), z.regex(/^[\w-]*$/)));
const usePart = z.strictObject({
  bundle: z.array(jws).check(z.maxLength(maxLifeStatements)),
  body: bytes(maxUseBodyBytes),
});
const answerPart = z.strictObject({ outcome: jws, body: bytes(maxAnswerBodyBytes) });

export interface PresentedUse {
  readonly bundle: Bundle;
  readonly body: Uint8Array | null;
}

export function encodeUse(bundle: readonly string[], body: Uint8Array | null): Uint8Array {
  return utf8(JSON.stringify({ bundle, body: body && toBase64url(body) }));
}

/** Size and form, the first check of design section 7. Throws `host.body_too_large`, `host.bad_body`, `statement.*`. */
export function openUse(text: Uint8Array): PresentedUse {
  if (text.length > maxUseBytes) throw fail('host.body_too_large', `${text.length} bytes`);
  const { bundle, body } = parse(usePart, text);
  return { bundle: Bundle.open(bundle), body: bodyOf(body) };
}

export interface UseAnswer {
  /** The `outcome` statement. */
  readonly outcome: string;
  readonly body: Uint8Array | null;
}

export function encodeAnswer({ outcome, body }: UseAnswer): Uint8Array {
  return utf8(JSON.stringify({ outcome, body: body && toBase64url(body) }));
}

/** Form only; `openOutcome` says whether it is the answer to a certain use. Throws as `openUse`. */
export function decodeAnswer(text: Uint8Array): UseAnswer {
  if (text.length > maxAnswerBytes) throw fail('host.body_too_large', `${text.length} bytes`);
  const { outcome, body } = parse(answerPart, text);
  return { outcome, body: bodyOf(body) };
}

function parse<S extends z.ZodMiniType>(schema: S, text: Uint8Array): z.infer<S> {
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(text));
  } catch (cause) {
    throw fail('host.bad_body', 'not JSON', cause);
  }
  const form = schema.safeParse(value);
  if (!form.success) throw fail('host.bad_body', form.error.issues[0]?.path.join('.') ?? '');
  return form.data;
}

function bodyOf(body: string | null): Uint8Array | null {
  try {
    return body === null ? null : fromBase64url(body);
  } catch (error) {
    if (error instanceof CaponierError) throw fail('host.bad_body', 'body', error);
    throw error;
  }
}
