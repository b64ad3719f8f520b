import type { KeyValue } from './key-value.ts';

/** A store that ends with the process: for tests, and for a browser page that keeps nothing. */
export function memoryKeyValue(): KeyValue {
  const entries = new Map<string, Uint8Array>();
  return {
    get: async (key) => entries.get(key)?.slice(),
    put: async (changes) => {
      for (const [key, value] of changes) {
        if (value === null) entries.delete(key);
        else entries.set(key, value.slice());
      }
    },
    delete: async (...keys) => {
      for (const key of keys) entries.delete(key);
    },
    list: async (prefix, { after = '', limit = Number.POSITIVE_INFINITY } = {}) =>
      [...entries]
        .filter(([key]) => key.startsWith(prefix) && key > after)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, limit)
        .map(([key, value]) => [key, value.slice()] as const),
  };
}
