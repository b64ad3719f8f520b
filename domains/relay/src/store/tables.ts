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
    `
    -- contact: 1 for mail that only the recipient's list allowed. expires: when it is not delivered any more, milliseconds.
    -- What is long comes last: reading a column behind it would read it, too.
    CREATE TABLE letters (
      recipient BLOB NOT NULL REFERENCES slots (device) ON DELETE CASCADE, seq INTEGER NOT NULL, sender BLOB NOT NULL,
      sender_owner BLOB, contact INTEGER NOT NULL, expires INTEGER NOT NULL, size INTEGER NOT NULL, id BLOB NOT NULL, body BLOB NOT NULL,
      UNIQUE (recipient, seq)
    ) STRICT;
    -- Mail from before there was a time to live waits until it is fetched.
    INSERT INTO letters SELECT recipient, seq, sender, NULL, 0, 9007199254740991, length(body), id, body FROM mail;
    DROP TABLE mail;
    ALTER TABLE letters RENAME TO mail;
    CREATE INDEX mail_by_expiry ON mail (expires);

    -- What waits, counted: so that taking a message looks at a few rows, however many wait. Kept by the triggers below and
    -- by nothing else. boxes: of all devices of one owner. held: of contact mail, what one party (a device, or an owner)
    -- has at one recipient and, with an empty recipient, at all. A key is no hash, so a party is one thing.
    ALTER TABLE slots ADD COLUMN contact_mails INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE slots ADD COLUMN contact_bytes INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE boxes (owner TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE held (
      recipient BLOB NOT NULL, party BLOB NOT NULL, mails INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (recipient, party)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO boxes SELECT owner, sum(bytes) FROM slots GROUP BY owner;

    CREATE TRIGGER mail_comes AFTER INSERT ON mail BEGIN
      UPDATE slots SET next = NEW.seq + 1, pending = pending + 1, bytes = bytes + NEW.size,
        contact_mails = contact_mails + NEW.contact, contact_bytes = contact_bytes + NEW.contact * NEW.size WHERE device = NEW.recipient;
      INSERT INTO boxes SELECT owner, NEW.size FROM slots WHERE device = NEW.recipient
        ON CONFLICT (owner) DO UPDATE SET bytes = bytes + excluded.bytes;
    END;
    CREATE TRIGGER contact_mail_comes AFTER INSERT ON mail WHEN NEW.contact = 1 BEGIN
      INSERT INTO held VALUES (NEW.recipient, NEW.sender, 1, NEW.size), (X'', NEW.sender, 1, NEW.size)
        ON CONFLICT (recipient, party) DO UPDATE SET mails = mails + 1, bytes = bytes + excluded.bytes;
      INSERT INTO held SELECT NEW.recipient, NEW.sender_owner, 1, NEW.size WHERE NEW.sender_owner IS NOT NULL
        ON CONFLICT (recipient, party) DO UPDATE SET mails = mails + 1, bytes = bytes + excluded.bytes;
      INSERT INTO held SELECT X'', NEW.sender_owner, 1, NEW.size WHERE NEW.sender_owner IS NOT NULL
        ON CONFLICT (recipient, party) DO UPDATE SET mails = mails + 1, bytes = bytes + excluded.bytes;
    END;
    CREATE TRIGGER mail_goes AFTER DELETE ON mail BEGIN
      UPDATE slots SET pending = pending - 1, bytes = bytes - OLD.size,
        contact_mails = contact_mails - OLD.contact, contact_bytes = contact_bytes - OLD.contact * OLD.size WHERE device = OLD.recipient;
      UPDATE boxes SET bytes = bytes - OLD.size WHERE owner = (SELECT owner FROM slots WHERE device = OLD.recipient);
    END;
    CREATE TRIGGER contact_mail_goes AFTER DELETE ON mail WHEN OLD.contact = 1 BEGIN
      UPDATE held SET mails = mails - 1, bytes = bytes - OLD.size WHERE recipient = X'' AND party IN (OLD.sender, OLD.sender_owner);
      UPDATE held SET mails = mails - 1, bytes = bytes - OLD.size WHERE recipient = OLD.recipient AND party IN (OLD.sender, OLD.sender_owner);
      DELETE FROM held WHERE recipient = X'' AND party IN (OLD.sender, OLD.sender_owner) AND mails = 0;
      DELETE FROM held WHERE recipient = OLD.recipient AND party IN (OLD.sender, OLD.sender_owner) AND mails = 0;
    END;
    `,
  ],
};
