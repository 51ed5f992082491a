package engine

import (
	"testing"

	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

// What the server does not allow is taken back here, told with its words, and keeps nothing else from being done.
func TestARefusedMoveOrDeletionComesBackAndStopsNothing(t *testing.T) {
	for call, at := range map[string]fake.Point{"Move": fake.Before, "Delete": fake.OneItem} {
		t.Run(call, func(t *testing.T) {
			d := newDesk(t, fake.Options{})
			d.serverMail("Inbox", "mine")
			d.serverMail("Inbox", "other")
			d.sync()
			id := d.find("Inbox", "mine")
			d.do(func(tx *store.Tx) error {
				if call == "Delete" {
					return tx.Delete(id)
				}
				return tx.SetFolder(id, d.folder("Trash").ID)
			})
			d.do(func(tx *store.Tx) error { return tx.SetFlags(d.find("Inbox", "other"), flagsOf("flagged")) })
			d.server.Faults().Order(fake.Fault{Call: call, Nth: 1, At: at, Kind: remote.Forbidden})
			if r := d.sync(); r.Failures != 1 {
				t.Fatalf("%+v", r)
			}
			d.both("Inbox", "mine []", "other [flagged]")
			d.both("Trash")
			d.ok(d.m.View(d.ctx, func(tx *store.Tx) error {
				fs, err := tx.Failures(0)
				if len(fs) != 1 || fs[0].Item != id || fs[0].Text == "" {
					t.Errorf("told is %+v", fs)
				}
				return err
			}))
		})
	}
}
