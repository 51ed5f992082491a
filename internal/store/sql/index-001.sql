-- The full-text index of one mailbox: derived, may be deleted. Never edit a migration that has landed: add the next number.

CREATE TABLE state (
  one  INTEGER PRIMARY KEY CHECK (one = 1),
  seq  INTEGER NOT NULL,                                     -- the mailbox's changes up to this one are in the segments
  scan INTEGER NOT NULL,                                     -- the index is being built from the items: done up to this one; -1: it is built
  dead INTEGER NOT NULL                                      -- about how many entries are of items or contents that are no longer there
) STRICT;
INSERT INTO state VALUES (1, 0, -1, 0);

-- A segment never changes; small ones are merged into larger ones. Its items are numbered from 0, newest first.
CREATE TABLE segments (
  id    INTEGER PRIMARY KEY AUTOINCREMENT,
  items INTEGER NOT NULL CHECK (items > 0)
) STRICT;
-- What is behind the numbers, 1024 items a row: how many, then the differences of items, of contents, and of dates.
CREATE TABLE entries (
  segment INTEGER NOT NULL REFERENCES segments (id) ON DELETE CASCADE,
  n       INTEGER NOT NULL,
  data    BLOB    NOT NULL,
  UNIQUE (segment, n)
) STRICT;
-- Words in order, each with the numbers of the items that hold it.
CREATE TABLE blocks (
  segment INTEGER NOT NULL REFERENCES segments (id) ON DELETE CASCADE,
  first   BLOB    NOT NULL,                                  -- the block's first word
  data    BLOB    NOT NULL,
  UNIQUE (segment, first)
) STRICT;
