import { fail, problemContentType, problemOf } from '@caponier/protocol';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { MAX_BODY_BYTES } from '../limits.ts';

/** Refuses a longer body before it is read whole. */
export const bounded = bodyLimit({
  maxSize: MAX_BODY_BYTES,
  onError: () => {
    throw fail('host.body_too_large');
  },
});

interface Form<T> {
  safeParse(value: unknown): { readonly success: true; readonly data: T } | { readonly success: false };
}

/** The JSON body in the given form, and its length. Throws `host.bad_body`. */
export async function bodyOf<T>(c: Context, form: Form<T>): Promise<{ readonly body: T; readonly bytes: number }> {
  const text = await c.req.text();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fail('host.bad_body', 'not JSON', cause);
  }
  const parsed = form.safeParse(value);
  if (!parsed.success) throw fail('host.bad_body', 'not of its form');
  return { body: parsed.data, bytes: text.length };
}

/** A canonical decimal from the query, or the default. Throws `registry.bad_range`. */
export function numberOf(c: Context, name: string, missing?: number): number {
  const text = c.req.query(name);
  if (text === undefined && missing !== undefined) return missing;
  const value = /^(0|[1-9][0-9]{0,15})$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw fail('registry.bad_range', name);
  return value;
}

/** RFC 9457. */
export function problemAnswer(error: unknown): Response {
  const problem = problemOf(error);
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { 'content-type': problemContentType },
  });
}
