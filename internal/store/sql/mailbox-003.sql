-- An edit that the server refused knows the item that it was of, so that it can be tried on that again. Never edit a migration that has
-- landed: add the next number.

ALTER TABLE reasons ADD COLUMN edited INTEGER REFERENCES items (id) ON DELETE SET NULL;
CREATE INDEX reasons_edited ON reasons (edited) WHERE edited IS NOT NULL;
