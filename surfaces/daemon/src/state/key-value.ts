import type { KeyValue } from '@caponier/sdk';
import { openDatabase } from '@caponier/store';
import * as operations from './operations.ts';

/** Entries in one answer, unless fewer are asked for. */
const maxListed = 10_000;

export interface DeviceStore extends KeyValue {
  close(): Promise<void>;
}

/** The device's own SQLite file, durable as every other: `put` resolves after the fsync. */
export async function openDeviceStore(path: string): Promise<DeviceStore> {
  const db = await openDatabase<typeof operations>({
    path,
    migrations: [operations.tables],
    operations: new URL('./operations.ts', import.meta.url),
  });
  return {
    get: async (key) => (await db.read('get', { key })) ?? undefined,
    put: (changes) => db.run('put', { changes }),
    delete: (...keys) => db.run('put', { changes: keys.map((key) => [key, null] as const) }),
    list: async (prefix, { after, limit = maxListed } = {}) => {
      // Keys are ASCII, so every key with this beginning sorts below the beginning and U+007F.
      const from = after !== undefined && after >= prefix ? `${after}\u0000` : prefix;
      const rows = await db.read('list', { from, below: `${prefix}\u007f`, limit });
      return rows.map(({ key, value }) => [key, value] as const);
    },
    close: () => db.close(),
  };
}
