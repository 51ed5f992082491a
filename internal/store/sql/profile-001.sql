-- The common database of a profile. Never edit a migration that has landed: add the next number.

CREATE TABLE accounts (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  email           TEXT    NOT NULL COLLATE NOCASE UNIQUE CHECK (email <> ''),
  name            TEXT    NOT NULL,
  login           TEXT    NOT NULL,
  imap            TEXT    NOT NULL,
  smtp            TEXT    NOT NULL,
  caldav          TEXT    NOT NULL,
  carddav         TEXT    NOT NULL,
  trust_sha256    TEXT    NOT NULL,
  allow_plaintext INTEGER NOT NULL CHECK (allow_plaintext IN (0, 1)),
  offline         INTEGER NOT NULL CHECK (offline IN (0, 1)),
  mailbox         TEXT    NOT NULL UNIQUE CHECK (length(mailbox) = 36),
  last_sync       INTEGER NOT NULL,                          -- milliseconds since 1970, 0: never
  last_error      TEXT    NOT NULL,
  last_error_kind TEXT    NOT NULL
) STRICT;
