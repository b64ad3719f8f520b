import { fromUtf8, utf8 } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import type * as z from 'zod/mini';

export const jsonBytes = (value: unknown): Uint8Array => utf8(JSON.stringify(value));

/** JSON of a form, from bytes that may be anybody's. Throws the given code. */
export function openJson<T extends z.ZodMiniType>(
  bytes: Uint8Array,
  form: T,
  code: 'store.damaged' | 'mail.bad_message' | 'code.bad_message',
): z.infer<T> {
  try {
    return form.parse(JSON.parse(fromUtf8(bytes)));
  } catch (cause) {
    throw fail(code, 'not of its form', cause);
  }
}

/** A number in a key, so that keys sort as numbers do. */
export const sortable = (n: number): string => String(n).padStart(16, '0');
