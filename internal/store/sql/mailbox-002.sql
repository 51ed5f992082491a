-- Failures get a number that is never used again, a code, and what was read although it could not be understood. Conflicts know both versions
-- and what these came from. Deletions of a large part of a folder wait for a person. Never edit a migration that has landed: add the next number.
-- blobs.refs also counts failures.raw and conflicts.base from here on.

CREATE TABLE failures_numbered (
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  item      INTEGER REFERENCES items (id),                   -- NULL: of what only the server has, or of the folder itself
  folder    INTEGER NOT NULL REFERENCES folders (id),
  remote_id TEXT    NOT NULL,
  doing     TEXT    NOT NULL,
  code      TEXT    NOT NULL,
  text      TEXT    NOT NULL,
  at        INTEGER NOT NULL,                                -- milliseconds since 1970
  tries     INTEGER NOT NULL CHECK (tries > 0),
  again     INTEGER NOT NULL CHECK (again IN (0, 1)),        -- it is to be tried again: until then it is told
  raw       INTEGER                                          -- a blob; NULL: nothing was read
) STRICT;
INSERT INTO failures_numbered (item, folder, remote_id, doing, code, text, at, tries, again)
  SELECT nullif(item, 0), folder, remote_id, doing, '', text, at, max(tries, 1), 0 FROM failures
  WHERE item = 0 OR item IN (SELECT id FROM items) GROUP BY item, iif(item = 0, folder, 0), iif(item = 0, remote_id, '') ORDER BY at, item, remote_id;
DROP TABLE failures;
ALTER TABLE failures_numbered RENAME TO failures;
CREATE UNIQUE INDEX failures_item ON failures (item) WHERE item IS NOT NULL;
CREATE UNIQUE INDEX failures_place ON failures (folder, remote_id) WHERE item IS NULL;
CREATE INDEX failures_folder ON failures (folder);

CREATE TABLE conflicts (
  item    INTEGER PRIMARY KEY REFERENCES items (id),         -- our version, in Conflicts
  theirs  INTEGER REFERENCES items (id) ON DELETE SET NULL,  -- the server's
  folder  INTEGER REFERENCES folders (id) ON DELETE SET NULL,
  notice  INTEGER REFERENCES items (id) ON DELETE SET NULL,  -- the message that tells of it
  clashes TEXT    NOT NULL,                                  -- names of properties, one a line
  base    INTEGER,                                           -- the blob that both versions came from; NULL: not known
  at      INTEGER NOT NULL                                   -- milliseconds since 1970
) STRICT;
CREATE INDEX conflicts_theirs ON conflicts (theirs) WHERE theirs IS NOT NULL;
CREATE INDEX conflicts_folder ON conflicts (folder) WHERE folder IS NOT NULL;
CREATE INDEX conflicts_notice ON conflicts (notice) WHERE notice IS NOT NULL;

CREATE TABLE holds (
  folder    INTEGER NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
  there     INTEGER NOT NULL CHECK (there IN (0, 1)),        -- deletions at the server, or here
  items     INTEGER NOT NULL CHECK (items > 0),
  total     INTEGER NOT NULL CHECK (total >= 0),             -- of so many
  at        INTEGER NOT NULL,                                -- milliseconds since 1970
  confirmed INTEGER NOT NULL CHECK (confirmed >= 0),         -- a person agreed to so many
  PRIMARY KEY (folder, there)
) STRICT, WITHOUT ROWID;
