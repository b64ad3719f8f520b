import type { Migrations } from '@caponier/store/operations';

/**
 * Every version of an entry is kept with where it came from; the newest is what `get` and `search` see. `words` is the
 * full-text index over the newest versions only, so that what was replaced or deleted is not found by its old words;
 * with `secure-delete`, the words leave the file too.
 */
export const memoryTables: Migrations = {
  name: 'memory',
  steps: [
    `CREATE TABLE entries (
      id INTEGER PRIMARY KEY,
      owner TEXT NOT NULL,
      namespace TEXT NOT NULL,
      key TEXT NOT NULL,
      version INTEGER NOT NULL,
      UNIQUE (owner, namespace, key)
    ) STRICT;
    CREATE TABLE versions (
      entry INTEGER NOT NULL REFERENCES entries (id),
      version INTEGER NOT NULL,
      text TEXT,
      by TEXT NOT NULL,
      device TEXT NOT NULL,
      permit TEXT NOT NULL,
      request TEXT NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (entry, version)
    ) STRICT, WITHOUT ROWID;
    CREATE VIRTUAL TABLE words USING fts5 (key, text, tokenize = "unicode61 remove_diacritics 2");
    INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
    CREATE TABLE suggestions (
      id TEXT PRIMARY KEY,
      owner TEXT NOT NULL,
      namespace TEXT NOT NULL,
      key TEXT NOT NULL,
      text TEXT NOT NULL,
      reason TEXT NOT NULL,
      by TEXT NOT NULL,
      device TEXT NOT NULL,
      permit TEXT NOT NULL,
      request TEXT NOT NULL,
      at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX suggestions_of_owner ON suggestions (owner, namespace, key, at)`,
  ],
};
