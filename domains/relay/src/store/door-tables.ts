import type { Migrations } from '@caponier/store/operations';

/** Tables of the relay's door: who was here, and what was tried. */
export const doorTables: Migrations = {
  name: 'relay door',
  steps: [
    `
    -- Whether an owner was let in by a ticket of the operator.
    ALTER TABLE owners ADD COLUMN ticketed INTEGER NOT NULL DEFAULT 0;

    -- Devices that have proven themselves here, and the owner they did it for last.
    CREATE TABLE devices (device BLOB PRIMARY KEY, owner TEXT NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO devices SELECT device, owner FROM slots WHERE owner <> '';

    -- Rates that are not full. kind: which; key: an address or a device; tokens: what was left at that time, milliseconds.
    CREATE TABLE rates (
      kind TEXT NOT NULL, key BLOB NOT NULL, tokens REAL NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (kind, key)
    ) STRICT, WITHOUT ROWID;
    `,
  ],
};
