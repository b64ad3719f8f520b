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
    `
    -- Owners that came without a ticket, while they are new. room: bytes of statements that each may have. Their sum is kept
    -- by the triggers below and by nothing else.
    CREATE TABLE newcomers (owner TEXT PRIMARY KEY, admitted INTEGER NOT NULL, room INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX newcomers_by_time ON newcomers (admitted);
    CREATE TABLE newcomer_room (bytes INTEGER NOT NULL) STRICT;
    INSERT INTO newcomer_room VALUES (0);
    CREATE TRIGGER newcomer_comes AFTER INSERT ON newcomers BEGIN
      UPDATE newcomer_room SET bytes = bytes + NEW.room;
    END;
    CREATE TRIGGER newcomer_grows AFTER UPDATE OF room ON newcomers BEGIN
      UPDATE newcomer_room SET bytes = bytes + NEW.room - OLD.room;
    END;
    CREATE TRIGGER newcomer_settles AFTER DELETE ON newcomers BEGIN
      UPDATE newcomer_room SET bytes = bytes - OLD.room;
    END;
    -- Who is no newcomer any more leaves with the first look.
    INSERT INTO newcomers SELECT owner, admitted, (SELECT coalesce(sum(length(jws) + length(cosigns)), 0) FROM statements s WHERE s.owner = o.owner)
      FROM owners o WHERE ticketed = 0;
    `,
  ],
};
