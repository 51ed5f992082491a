package engine

import (
	"context"
	"errors"
	"slices"
	"strings"

	"outpost/internal/format"
	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/store"
)

// What arrives at the server may be something that is here already: moved, renumbered, edited, or stored by us without our knowing.

const (
	identifyLimit = 20000 // new messages that are asked for their identity in one pass
	joinLimit     = 200   // new items of a folder that are compared with those that wait here to be stored in it
)

// otherVersion is the tag of a base that the server has replaced by something that was not read yet. No driver makes such a tag.
const otherVersion = "?"

// recogniseMoves finds messages that are gone from one place and new in another (moved by another client, or renumbered by a new
// UIDVALIDITY) and records them as one item that moved, so that nothing is read twice and nothing is lost with its id. A draft that is gone from
// where another of the same Message-ID is new was edited.
func (p *pass) recogniseMoves(ctx context.Context, s *session) error {
	gone := map[string][]groupware.ItemID{}
	drafts := map[string][]groupware.ItemID{} // the same by Message-ID
	arrived := map[groupware.FolderID][]groupware.Remote{}
	err := p.e.m.View(ctx, func(tx *store.Tx) error {
		if any, err := tx.GoneItems(0); err != nil || len(any) == 0 {
			return err
		}
		for _, f := range append(p.inOrder(s), p.lostOf(s)...) {
			items, err := tx.GoneItems(f.ID)
			if err != nil {
				return err
			}
			for _, g := range items {
				if g.Identity == "" {
					continue
				}
				gone[g.Identity] = append(gone[g.Identity], g.Item)
				if f.Role == groupware.RoleDrafts {
					drafts[messageID(g.Identity)] = append(drafts[messageID(g.Identity)], g.Item)
				}
			}
		}
		if len(gone) == 0 {
			return nil
		}
		left := identifyLimit + 2*len(gone) // a large folder may have been renumbered
		for _, f := range p.inOrder(s) {
			if f.Token == "" {
				continue
			}
			rs, err := tx.Missing(f.ID, left)
			if err != nil {
				return err
			}
			if left -= len(rs); len(rs) > 0 {
				arrived[f.ID] = rs
			}
		}
		return nil
	})
	if err != nil || len(gone) == 0 {
		return err
	}
	for _, f := range p.inOrder(s) {
		rs := arrived[f.ID]
		if len(rs) == 0 {
			continue
		}
		names, err := s.svc.Identify(ctx, f.RemoteID, remoteIDsOf(rs))
		if err != nil {
			return err
		}
		found := map[groupware.ItemID]bool{}
		next := func(of map[string][]groupware.ItemID, name string) (id groupware.ItemID) {
			if i := slices.IndexFunc(of[name], func(id groupware.ItemID) bool { return !found[id] }); name != "" && i >= 0 {
				id = of[name][i]
				found[id] = true
			}
			return id
		}
		err = p.e.m.Bulk(ctx, func(tx *store.Tx) error {
			var edited []groupware.Remote
			for _, r := range rs {
				id := next(gone, names[r.RemoteID])
				if id == 0 {
					edited = append(edited, r)
					continue
				}
				if err := observeMoved(tx, id, r); err != nil {
					return err
				}
			}
			if f.Role != groupware.RoleDrafts {
				return nil
			}
			for _, r := range edited {
				if id := next(drafts, messageID(names[r.RemoteID])); id != 0 {
					if err := observeEdited(tx, id, r); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for name, ids := range gone {
			gone[name] = slices.DeleteFunc(ids, func(id groupware.ItemID) bool { return found[id] })
		}
	}
	return nil
}

// observeMoved notes where a message now is. In one folder a message never changes its number: one that is gone where another of the
// same identity has arrived was replaced by another version of as many bytes.
func observeMoved(tx *store.Tx, id groupware.ItemID, to groupware.Remote) error {
	t, err := tx.Triple(id)
	if err != nil {
		return ignoreNotFound(err)
	}
	if b := t.Base; b != nil && b.Folder == to.Folder && remote.SameNumbering(b.RemoteID, to.RemoteID) {
		return observeEdited(tx, id, to)
	}
	return tx.ObserveMoved(id, to)
}

// messageID is the Message-ID of a MailIdentity.
func messageID(identity string) string {
	return identity[:max(0, strings.LastIndexByte(identity, '/'))]
}

func remoteIDsOf(rs []groupware.Remote) []string {
	ids := make([]string, len(rs))
	for i, r := range rs {
		ids[i] = r.RemoteID
	}
	return ids
}

// observeEdited notes that a message was replaced by another version at the server, which is to be read.
func observeEdited(tx *store.Tx, id groupware.ItemID, to groupware.Remote) error {
	t, err := tx.Triple(id)
	if err != nil || t.Base == nil || t.Base.Folder != to.Folder {
		return ignoreNotFound(err)
	}
	if err := tx.ObserveMoved(id, to); err != nil {
		return err
	}
	b := *t.Base
	b.RemoteID, b.Tag = to.RemoteID, otherVersion
	return tx.Take(id, t.Local, &b, nil)
}

// joinOwn finds, among what is new at the server, items that wait here to be stored in the same folder: they were stored before, and
// this mailbox does not remember it, because it was restored from an older copy, or another client has filed the same.
func (p *pass) joinOwn(ctx context.Context, s *session, f store.Folder) error {
	if p.lost[f.ID] {
		return nil
	}
	var rs []groupware.Remote
	own := map[string]*work{} // by identity (mail) or UID
	err := p.e.m.View(ctx, func(tx *store.Tx) (err error) {
		if rs, err = tx.Missing(f.ID, joinLimit); err != nil || len(rs) == 0 {
			return err
		}
		ts, err := tx.Pending(f.ID, 0, executePage)
		if err != nil {
			return err
		}
		for _, t := range ts {
			if _, open, err := tx.Intent(t.Item); err != nil || open || PlanItem(t).Verb != Create || t.Local.Folder != f.ID {
				if err != nil {
					return err
				}
				continue
			}
			it, err := tx.Item(t.Item)
			if errors.Is(err, store.ErrNotFound) {
				continue // its folder was deleted here meanwhile
			}
			if err != nil {
				return err
			}
			name := it.MessageID
			if it.Media == groupware.MediaMessage && name != "" {
				name = remote.MailIdentity(name, it.Size)
			}
			if name != "" {
				own[name] = &work{id: t.Item, t: t, p: Plan{Verb: Agree}}
			}
		}
		return nil
	})
	if err != nil || len(rs) == 0 || len(own) == 0 {
		return err
	}
	ids := remoteIDsOf(rs)
	var names map[string]string
	if s.name == "imap" {
		if names, err = s.svc.Identify(ctx, f.RemoteID, ids); err != nil {
			return err
		}
		ids = slices.DeleteFunc(ids, func(id string) bool { return own[names[id]] == nil })
	}
	if len(ids) == 0 {
		return nil
	}
	byID := map[string]groupware.Remote{}
	for _, r := range rs {
		byID[r.RemoteID] = r
	}
	return s.svc.Fetch(ctx, f.RemoteID, ids, remote.PartWhole, func(got remote.Fetched) error {
		if got.Err != nil { // told when it is downloaded
			if w := own[names[got.ID]]; w != nil {
				// It may be there: neither is it stored nor that read as a new item before it can be seen.
				p.unread[place{f.ID, got.ID}] = true
				return p.e.m.Update(ctx, func(tx *store.Tx) error {
					return p.fail(tx, store.Failure{Item: w.id, Folder: f.ID, Doing: "store in " + p.paths[f.ID]}, got.Err)
				})
			}
			return nil
		}
		name := format.Derive(got.Media, got.Raw).MessageID
		if got.Media == groupware.MediaMessage {
			name = remote.MailIdentity(name, int64(len(got.Raw)))
		}
		w := own[name]
		if w == nil || got.Media == groupware.MediaMessage && groupware.HashOf(got.Raw) != w.t.Local.Content {
			return nil
		}
		delete(own, name)
		r := byID[got.ID]
		w.t.Remote = &r
		return p.e.m.Bulk(ctx, func(tx *store.Tx) error { return p.takeContent(tx, f, w, got, store.Prepare(got.Media, got.Raw)) })
	})
}
