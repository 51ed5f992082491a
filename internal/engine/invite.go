package engine

import (
	"context"
	"crypto/sha256"
	"fmt"

	"outpost/internal/format/itip"
	"outpost/internal/groupware"
	"outpost/internal/store"
)

// Exactly one party tells attendees and organizers of a change: the server where it schedules (RFC 6638), otherwise Outpost, by mail
// (RFC 6047). What is to be told is put into the Outbox in the transaction that notes that the server has the change.

// schedules reports whether the server sends invitations for what is stored in a folder. It does so in all calendars or in none.
func (p *pass) schedules(f store.Folder) bool {
	for _, s := range p.sessions {
		if s.name == f.Service {
			for _, r := range s.states {
				if r.Schedules {
					return true
				}
			}
		}
	}
	return false
}

// invites reports whether changes in a folder are ours to tell of.
func (p *pass) invites(f store.Folder) bool {
	return f.Service == "caldav" && p.e.o.Address != "" && !p.schedules(f)
}

// tell puts into the Outbox what others must know of a change of an event or task, which the server now has; nil: it was not there before, or
// is no longer. The version names the change, the tag that it replaces or the name of a new resource: the same change always gets the same
// Message-ID, so that what a mailbox restored from an older copy tells again is found in Sent.
func (p *pass) tell(tx *store.Tx, f store.Folder, version string, before, after []byte) error {
	if !p.invites(f) {
		return nil
	}
	now := p.e.o.Clock()
	n := 0
	id := func() string {
		n++
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %q %q %q", n, version, before, after))
		return fmt.Sprintf("%x", sum[:16])
	}
	messages, err := itip.Messages(before, after, []string{p.e.o.Address}, p.e.o.Address, now, id)
	if err != nil {
		return nil // malformed: nobody could read an invitation made of it
	}
	for _, m := range messages {
		item, err := tx.Add(p.role(groupware.RoleOutbox), store.Prepare(groupware.MediaMessage, m.Raw), groupware.NewFlags(groupware.Seen), now)
		if err != nil {
			return err
		}
		if err := tx.Submit(store.Submission{Item: item, From: p.e.o.Address, To: m.To, State: store.Queued}); err != nil {
			return err
		}
		p.told = true
	}
	return nil
}

// tellGone tells of an item that was deleted here and is now deleted at the server.
func (p *pass) tellGone(tx *store.Tx, f store.Folder, id groupware.ItemID, version string) error {
	if !p.invites(f) {
		return nil
	}
	before, err := tx.BaseRaw(id)
	if err != nil {
		return ignoreNotFound(err)
	}
	return p.tell(tx, f, version, before, nil)
}

// number gives an event that its organizer is about to change for others the next sequence number (RFC 5546 2.1.4).
func (p *pass) number(ctx context.Context, f store.Folder, w *work) error {
	if !p.invites(f) {
		return nil
	}
	return p.e.m.Update(ctx, func(tx *store.Tx) error {
		if ok, err := asPlanned(tx, w); err != nil || !ok {
			return err
		}
		before, err := tx.BaseRaw(w.id)
		if err != nil {
			return ignoreNotFound(err)
		}
		after, err := tx.Raw(w.id)
		if err != nil {
			return err
		}
		next := store.Prepare(groupware.MediaCalendar, itip.Bump(before, after, []string{p.e.o.Address}, p.e.o.Clock()))
		if next.Hash() == w.t.Local.Content {
			return nil
		}
		l := *w.t.Local
		l.Content = next.Hash()
		w.t.Local = &l
		return tx.SetContent(w.id, next)
	})
}
