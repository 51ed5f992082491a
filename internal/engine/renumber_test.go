package engine

import (
	"testing"

	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

// A new UIDVALIDITY changes how a message is called, not whether somebody wanted it.
func TestWhatWasDeletedHereStaysDeletedWhenItsFolderIsRenumbered(t *testing.T) {
	d := newDesk(t, fake.Options{})
	d.serverMail("Inbox", "one")
	d.serverMail("Inbox", "two")
	d.sync()
	d.do(func(tx *store.Tx) error { return tx.Delete(d.find("Inbox", "one")) })
	d.server.BumpUIDValidity(d.server.FolderID("Inbox"))
	d.sync()
	d.both("Inbox", "two []")
	d.quiet()
}
