import type { Migrations } from '@caponier/store/operations';

/** Tables of the relay. Keys and ids are raw bytes; owners are named by the id of their first statement. */
export const relayTables: Migrations = {
  name: 'relay',
  steps: [
    `
    CREATE TABLE owners (owner TEXT PRIMARY KEY, admitted INTEGER NOT NULL) STRICT;
    -- An owner's statements as they were verified here. loose: not by its place in the chain (a freeze; a revocation that
    -- counts wherever it stands). cosigns: compact forms, separated by spaces.
    CREATE TABLE statements (
      owner TEXT NOT NULL REFERENCES owners (owner), place INTEGER NOT NULL, loose INTEGER NOT NULL, jws TEXT NOT NULL,
      cosigns TEXT NOT NULL, PRIMARY KEY (owner, place)
    ) STRICT;

    CREATE TABLE tickets (operator TEXT NOT NULL, nonce TEXT NOT NULL, uses INTEGER NOT NULL, PRIMARY KEY (operator, nonce)) STRICT;

    -- One slot a device: next is the number of its next mail, acked the last one it has.
    CREATE TABLE slots (
      device BLOB PRIMARY KEY, owner TEXT NOT NULL, next INTEGER NOT NULL, acked INTEGER NOT NULL,
      pending INTEGER NOT NULL, bytes INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX slots_by_owner ON slots (owner);

    CREATE TABLE mail (
      recipient BLOB NOT NULL REFERENCES slots (device) ON DELETE CASCADE, seq INTEGER NOT NULL, sender BLOB NOT NULL, id BLOB NOT NULL, body BLOB NOT NULL,
      UNIQUE (recipient, seq)
    ) STRICT;

    -- Which messages were taken, so that one that is sent again is stored once.
    CREATE TABLE taken (sender BLOB NOT NULL, id BLOB NOT NULL, digest BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (sender, id)) STRICT, WITHOUT ROWID;
    CREATE INDEX taken_by_time ON taken (at);

    -- kind 0: an owner, 1: a device.
    CREATE TABLE contacts (
      device BLOB NOT NULL REFERENCES slots (device) ON DELETE CASCADE, kind INTEGER NOT NULL, id BLOB NOT NULL,
      PRIMARY KEY (device, kind, id)
    ) STRICT, WITHOUT ROWID;

    -- spent: when a one-time key was handed out; kept for a while, so that it is not taken in again.
    CREATE TABLE prekeys (
      device BLOB NOT NULL REFERENCES slots (device) ON DELETE CASCADE, id TEXT NOT NULL, one_time INTEGER NOT NULL, jws TEXT NOT NULL, spent INTEGER,
      PRIMARY KEY (device, id)
    ) STRICT;
    CREATE INDEX prekeys_unspent ON prekeys (device, one_time, spent);
    CREATE TABLE handed (device BLOB NOT NULL, peer BLOB NOT NULL, at INTEGER NOT NULL) STRICT;
    CREATE INDEX handed_by_peer ON handed (device, peer, at);
    CREATE INDEX handed_by_time ON handed (at);
    `,
    `
    -- 1: may not reach the device, whatever else allows it.
    ALTER TABLE contacts ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;
    `,
  ],
};
