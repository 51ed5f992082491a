-- When and how an account is synchronised, and what it has transferred. Never edit a migration that has landed: add the next number.

ALTER TABLE accounts ADD COLUMN push      INTEGER NOT NULL DEFAULT 1 CHECK (push IN (0, 1));
ALTER TABLE accounts ADD COLUMN on_start  INTEGER NOT NULL DEFAULT 1 CHECK (on_start IN (0, 1));
ALTER TABLE accounts ADD COLUMN on_change INTEGER NOT NULL DEFAULT 1 CHECK (on_change IN (0, 1));
ALTER TABLE accounts ADD COLUMN every     INTEGER NOT NULL DEFAULT 60000 CHECK (every >= 0); -- milliseconds, 0: never by the clock
ALTER TABLE accounts ADD COLUMN conflicts TEXT    NOT NULL DEFAULT 'merge' CHECK (conflicts IN ('merge', 'duplicate'));

CREATE TABLE traffic (
  account  INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  hour     INTEGER NOT NULL,                                 -- since 1970
  bytes    INTEGER NOT NULL,
  messages INTEGER NOT NULL,
  PRIMARY KEY (account, hour)
) STRICT, WITHOUT ROWID;
