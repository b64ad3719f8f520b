/** One change of a batch; `null` deletes. */
export type KeyValueChange = readonly [key: string, value: Uint8Array | null];

/**
 * Where a device keeps what must outlive it: sessions, mail, what it saw of the log. Keys are ASCII, values bytes that the
 * store treats as secret.
 */
export interface KeyValue {
  get(key: string): Promise<Uint8Array | undefined>;
  /** All changes or none, and durable, when it resolves. */
  put(changes: readonly KeyValueChange[]): Promise<void>;
  delete(...keys: string[]): Promise<void>;
  /** Entries whose key begins so, in ascending order of keys; those after `after`, at most `limit`. */
  list(
    prefix: string,
    options?: { readonly after?: string; readonly limit?: number },
  ): Promise<readonly (readonly [key: string, value: Uint8Array])[]>;
}
