import { fail } from '@caponier/protocol/errors';

/** Nesting of the arguments and the result of an operation. */
const MAX_DEPTH = 16;

/**
 * Bytes of an argument or a result, roughly, counted before it is copied to the other thread. Refuses what would not
 * arrive, or as something else: an object with private fields (a `Secret`, for instance) would silently arrive empty.
 */
export function weigh(value: unknown, depth = 0): number {
  switch (typeof value) {
    case 'string':
      return 16 + value.length;
    case 'number':
    case 'bigint':
    case 'boolean':
    case 'undefined':
      return 8;
    case 'object':
      break;
    default:
      throw fail('host.internal', `a ${typeof value} cannot cross to the storage thread`);
  }
  if (value === null) return 8;
  if (value instanceof Uint8Array) return 16 + value.length;
  if (depth >= MAX_DEPTH) throw fail('host.internal', 'too deep a value for the storage thread');
  let sum = 16;
  if (Array.isArray(value)) {
    for (const item of value) sum += weigh(item, depth + 1);
    return sum;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw fail('host.internal', 'an object that is not plain data cannot cross to the storage thread');
  }
  for (const key of Object.keys(value)) sum += key.length + weigh((value as Record<string, unknown>)[key], depth + 1);
  return sum;
}
