-- One mailbox: everything that is not derived. Never edit a migration that has landed: add the next number.

CREATE TABLE folders (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  parent        INTEGER REFERENCES folders (id),             -- NULL at the top
  name          TEXT    NOT NULL,
  namekey       TEXT    NOT NULL,                            -- what must differ from the siblings' (NFC; INBOX without case)
  kind          TEXT    NOT NULL CHECK (kind IN ('mail', 'calendar', 'contacts', 'tasks', 'notes')),
  role          TEXT    NOT NULL,
  mode          TEXT    NOT NULL CHECK (mode IN ('whole', 'headers', 'off')),
  mode_set      INTEGER NOT NULL CHECK (mode_set IN (0, 1)),
  service       TEXT    NOT NULL,
  accepts       TEXT    NOT NULL,                            -- kinds, one space between them
  read_only     INTEGER NOT NULL CHECK (read_only IN (0, 1)),
  no_items      INTEGER NOT NULL CHECK (no_items IN (0, 1)),
  deleted       INTEGER NOT NULL CHECK (deleted IN (0, 1)),  -- deleted here, not yet agreed
  remote_id     TEXT    NOT NULL,
  remote_parent TEXT    NOT NULL,
  remote_name   TEXT    NOT NULL,
  identity      TEXT    NOT NULL,
  token         TEXT    NOT NULL,
  items         INTEGER NOT NULL DEFAULT 0 CHECK (items >= 0),
  unread        INTEGER NOT NULL DEFAULT 0 CHECK (unread BETWEEN 0 AND items),
  CHECK (parent IS NOT id)
) STRICT;
CREATE UNIQUE INDEX folders_name ON folders (ifnull(parent, 0), namekey) WHERE NOT deleted;
CREATE INDEX folders_parent ON folders (parent);
CREATE UNIQUE INDEX folders_remote ON folders (service, remote_id) WHERE remote_id <> '';

-- Contents by hash: whole items, the text halves of partly read ones, and attachments that items share.
CREATE TABLE blobs (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  prefix INTEGER NOT NULL,                                   -- first 48 bits of hash: a smaller index than the hash itself
  refs   INTEGER NOT NULL CHECK (refs >= 0),                 -- how many of items.content, items.base_content, parts.part and intents.content name it
  form   INTEGER NOT NULL CHECK (form BETWEEN 0 AND 31),     -- how data stands for the bytes, see blob.go
  size   INTEGER NOT NULL CHECK (size >= 0),                 -- bytes of what data stands for
  hash   BLOB    NOT NULL CHECK (length(hash) = 32)          -- SHA-256 of what data stands for
) STRICT;
CREATE INDEX blobs_prefix ON blobs (prefix);
CREATE TABLE blob_data (
  id   INTEGER PRIMARY KEY REFERENCES blobs (id) ON DELETE CASCADE,
  data BLOB NOT NULL
) STRICT;
-- Attachments of a content whose data is only the message around them.
CREATE TABLE parts (
  blob INTEGER NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
  n    INTEGER NOT NULL CHECK (n >= 0),
  part INTEGER NOT NULL REFERENCES blobs (id),
  PRIMARY KEY (blob, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX parts_part ON parts (part);

-- One row an item: as it is here, as both sides agreed, and hot columns derived from the content for lists.
-- content and base_content name blobs; they are no foreign keys because these would need two more indexes: refs counts them and verify checks.
CREATE TABLE items (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  folder        INTEGER REFERENCES folders (id),             -- here; NULL: deleted here, not yet agreed
  flags         INTEGER NOT NULL,
  keywords      TEXT    NOT NULL,
  content       INTEGER,
  base_folder   INTEGER REFERENCES folders (id),             -- agreed; NULL: never agreed
  base_remote   TEXT,
  base_tag      TEXT    NOT NULL,
  base_flags    INTEGER NOT NULL,
  base_keywords TEXT    NOT NULL,
  base_content  INTEGER,
  remote        INTEGER NOT NULL CHECK (remote IN (0, 1)),   -- there: 1 when remotes has a row of this item, else as agreed
  pending       INTEGER NOT NULL AS (remote OR folder IS NOT base_folder OR content IS NOT base_content OR flags <> base_flags OR keywords <> base_keywords) VIRTUAL,
  kind          TEXT    NOT NULL,
  media         TEXT    NOT NULL,
  body          INTEGER NOT NULL CHECK (body IN (0, 1, 2)),  -- none, text, whole
  size          INTEGER NOT NULL,
  date          INTEGER NOT NULL,                            -- what lists sort by, seconds since 1970
  ends          INTEGER NOT NULL,
  received      INTEGER NOT NULL,
  subject       TEXT    NOT NULL,
  sender        TEXT    NOT NULL,
  recipient     TEXT    NOT NULL,
  message_id    TEXT    NOT NULL,
  attachments   INTEGER NOT NULL,
  recurs        INTEGER NOT NULL,
  problem       TEXT    NOT NULL,
  CHECK ((folder IS NULL) = (content IS NULL)),
  CHECK ((base_folder IS NULL) = (base_content IS NULL)),
  CHECK ((base_folder IS NULL) = (base_remote IS NULL)),
  CHECK (folder IS NOT NULL OR base_folder IS NOT NULL)
) STRICT;
CREATE INDEX items_list ON items (folder, date) WHERE folder IS NOT NULL;
CREATE UNIQUE INDEX items_base ON items (base_folder, base_remote) WHERE base_folder IS NOT NULL;
CREATE INDEX items_pending ON items (folder) WHERE pending;
CREATE INDEX items_pending_base ON items (base_folder) WHERE pending;
CREATE INDEX items_thin ON items (folder, date) WHERE body < 2 AND folder IS NOT NULL AND base_folder IS NOT NULL;

-- What the server holds differently from what was agreed, and what only it has (item NULL).
CREATE TABLE remotes (
  folder    INTEGER NOT NULL REFERENCES folders (id),
  remote_id TEXT    NOT NULL CHECK (remote_id <> ''),
  item      INTEGER REFERENCES items (id),
  gone      INTEGER NOT NULL CHECK (gone IN (0, 1)),
  failed    INTEGER NOT NULL CHECK (failed IN (0, 1)),       -- reading it failed, see failures
  tag       TEXT    NOT NULL,
  flags     INTEGER NOT NULL,
  keywords  TEXT    NOT NULL,
  ord       INTEGER NOT NULL,
  size      INTEGER NOT NULL,
  PRIMARY KEY (folder, remote_id),
  CHECK (NOT (gone AND item IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX remotes_item ON remotes (item) WHERE item IS NOT NULL;
CREATE INDEX remotes_folder ON remotes (folder, item) WHERE item IS NOT NULL;
CREATE INDEX remotes_missing ON remotes (folder, ord) WHERE item IS NULL AND NOT failed;
CREATE INDEX remotes_gone ON remotes (folder) WHERE gone;

-- The change feed.
CREATE TABLE changes (
  seq    INTEGER PRIMARY KEY AUTOINCREMENT,
  folder INTEGER NOT NULL,
  item   INTEGER NOT NULL,                                   -- 0: the folder itself
  op     INTEGER NOT NULL CHECK (op BETWEEN 1 AND 5),        -- added, updated, removed, moved here, content updated
  at     INTEGER NOT NULL                                    -- milliseconds since 1970
) STRICT;

-- What the engine remembers of work under way.
CREATE TABLE intents (
  item    INTEGER PRIMARY KEY REFERENCES items (id) ON DELETE CASCADE,
  folder  INTEGER NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
  service TEXT    NOT NULL,
  mark    TEXT    NOT NULL,
  name    TEXT    NOT NULL,
  media   TEXT    NOT NULL,
  content INTEGER NOT NULL                                   -- the blob that is being created: kept while the item is edited
) STRICT;
CREATE INDEX intents_folder ON intents (folder);
CREATE TABLE failures (
  item      INTEGER NOT NULL,                                -- 0: of what only the server has
  folder    INTEGER NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
  remote_id TEXT    NOT NULL,
  doing     TEXT    NOT NULL,
  text      TEXT    NOT NULL,
  at        INTEGER NOT NULL,
  tries     INTEGER NOT NULL,
  PRIMARY KEY (item, folder, remote_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX failures_folder ON failures (folder);
CREATE TABLE reasons (
  item   INTEGER PRIMARY KEY REFERENCES items (id) ON DELETE CASCADE,
  folder TEXT    NOT NULL,
  text   TEXT    NOT NULL,
  at     INTEGER NOT NULL
) STRICT;
CREATE TABLE submissions (
  item       INTEGER PRIMARY KEY REFERENCES items (id) ON DELETE CASCADE,
  sender     TEXT    NOT NULL,
  recipients TEXT    NOT NULL,                               -- one a line
  state      TEXT    NOT NULL CHECK (state IN ('queued', 'sending', 'unknown', 'refused')),
  text       TEXT    NOT NULL
) STRICT;
