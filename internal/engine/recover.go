package engine

import (
	"bytes"
	"context"
	"errors"
	"time"

	"outpost/internal/format/merge"
	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/store"
)

// recover resolves what an interrupted pass was about to store: it is there (then that is agreed on) or it is not (then
// it is sent again).
func (p *pass) recover(ctx context.Context, s *session) error {
	var open []store.Intent
	err := p.e.m.View(ctx, func(tx *store.Tx) (err error) {
		open, err = tx.Intents()
		return err
	})
	if err != nil {
		return err
	}
	for _, in := range open {
		f := p.folders[in.Folder]
		if in.Service != s.name || s.dead {
			continue
		}
		if err := p.resolve(ctx, s, f, in); err != nil {
			if !refused(err) {
				return err
			}
			p.errs = append(p.errs, &ServiceError{s.name, err}) // asked again by the next pass; nothing happens to the item until then
		}
	}
	return nil
}

func (p *pass) resolve(ctx context.Context, s *session, f store.Folder, in store.Intent) error {
	w := &work{id: in.Item}
	item := remote.NewItem{Name: in.Name}
	err := p.e.m.View(ctx, func(tx *store.Tx) (err error) {
		if w.t, err = tx.Triple(in.Item); err != nil {
			return err
		}
		item.Media = in.Media
		item.Raw, err = tx.IntentRaw(in.Item)
		return err
	})
	if err != nil {
		return err
	}
	var made remote.Created
	found := false
	old := w.t.Base
	if store.IsUnanswered(old) {
		old = nil
	}
	if f.RemoteID != "" {
		if made, found, err = p.stored(ctx, s, f, old, in, item); err != nil {
			return err
		}
	}
	p.touched[in.Folder] = true
	return p.e.m.Update(ctx, func(tx *store.Tx) error {
		if !found {
			return tx.ClearIntent(in.Item)
		}
		b := groupware.Base{Folder: in.Folder, RemoteID: made.ID, Tag: made.Tag, Content: groupware.HashOf(item.Raw)}
		version := in.Name
		if old != nil {
			b.Flags, version = old.Flags, old.Tag
		}
		p.result.Uploaded++
		var before []byte
		if old != nil {
			if before, err = tx.BaseRaw(w.id); err != nil && !errors.Is(err, store.ErrNotWhole) {
				return ignoreNotFound(err)
			}
		}
		if err := p.tell(tx, f, version, before, item.Raw); err != nil {
			return err
		}
		return claim(tx, w, b)
	})
}

// stored looks for an item that was about to be stored, in place of the version old if there is one, which then goes.
func (p *pass) stored(ctx context.Context, s *session, f store.Folder, old *groupware.Base, in store.Intent, item remote.NewItem) (at remote.Created, found bool, err error) {
	if old != nil && s.name != "imap" {
		at, found, err = p.replaced(ctx, s, f, old.RemoteID, item)
	} else {
		at, found, err = s.svc.Find(ctx, f.RemoteID, in.Mark, item)
	}
	if err != nil && remote.KindOf(err) != remote.NotFound {
		return at, false, err
	}
	if found && old != nil && old.RemoteID != at.ID {
		// An interrupted replacement: the new version is there, so the old one goes.
		err = s.svc.Delete(ctx, f.RemoteID, []remote.Ref{{ID: old.RemoteID, Tag: old.Tag}}, func(string, error) error { return nil })
		return at, found, err
	}
	return at, found, nil
}

// replaced reports whether an object has the content that an interrupted Replace was to give it.
func (p *pass) replaced(ctx context.Context, s *session, f store.Folder, id string, item remote.NewItem) (at remote.Created, found bool, err error) {
	err = s.svc.Fetch(ctx, f.RemoteID, []string{id}, remote.PartWhole, func(got remote.Fetched) error {
		if got.Err == nil && sameMeaning(item.Media, item.Raw, got.Raw) {
			at, found = remote.Created{ID: got.ID, Tag: got.Tag}, true
			if !bytes.Equal(item.Raw, got.Raw) {
				at.Tag = "" // it was rewritten there: to be read
			}
		}
		return got.Err
	})
	return at, found, err
}

// sameMeaning reports whether two versions differ in nothing that a person would miss: some servers rewrite what they are given.
func sameMeaning(media groupware.Media, a, b []byte) bool {
	return bytes.Equal(a, b) || media != groupware.MediaMessage && len(merge.Compare(media, nil, a, b)) == 0
}

// retryAfter is how long what could not be read is left alone.
const retryAfter = time.Hour

// retry lets this pass try again what failed: what the server could not give a while ago, and items that are still to be brought
// there. Failures of what is no longer there are forgotten; the others stay as they are told.
func (p *pass) retry(ctx context.Context) error {
	var again, over []store.Failure
	err := p.e.m.View(ctx, func(tx *store.Tx) error {
		all, err := tx.Failures(0)
		for _, f := range all {
			if f.Item == 0 {
				_, there, err := tx.TripleByRemote(f.Folder, f.RemoteID)
				switch {
				case err != nil:
					return err
				case !there:
					over = append(over, f)
				case !f.Again && p.e.o.Clock().Sub(f.At).Abs() >= retryAfter: // or the clock was set back
					again = append(again, f)
				}
				continue
			}
			t, err := tx.Triple(f.Item)
			if errors.Is(err, store.ErrNotFound) {
				over = append(over, f)
				continue
			}
			switch waits := PlanItem(t).Verb != Nothing && !p.folders[home(t)].Role.Local(); {
			case err != nil:
				return err
			case f.Again && !waits:
				over = append(over, f)
			case !f.Again && waits:
				again = append(again, f)
			}
		}
		return err
	})
	if err != nil || len(again)+len(over) == 0 {
		return err
	}
	return p.e.m.Update(ctx, func(tx *store.Tx) error {
		for _, f := range again {
			if err := tx.RetryFailure(f.Number); err != nil {
				return err
			}
		}
		for _, f := range over {
			if err := tx.ClearFailure(f.Item, f.Folder, f.RemoteID); err != nil {
				return err
			}
		}
		return nil
	})
}
