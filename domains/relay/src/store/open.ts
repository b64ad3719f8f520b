import { type Database, openDatabase } from '@caponier/store';
import { doorTables } from './door-tables.ts';
import type * as operations from './operations.ts';
import { relayTables } from './tables.ts';

/** Where the relay keeps what must survive it. */
export type RelayStore = Database<typeof operations>;

/** Bytes of the relay's database unless said otherwise: 16 GiB. */
export const relayStoreBytes = 16 * 1024 ** 3;

/** Opens (or makes) the relay's database. Throws the codes of `openDatabase`. */
export function openRelayStore(path: string, maxBytes: number = relayStoreBytes): Promise<RelayStore> {
  return openDatabase<typeof operations>({
    path,
    maxBytes,
    migrations: [relayTables, doorTables],
    operations: new URL('./operations.ts', import.meta.url),
  });
}
