package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/store"
)

// createBatch and createBytes bound how much is read from the store and sent in one go.
const (
	createBatch = 50
	createBytes = 8 << 20
)

// errPartOnly is why an item that the server no longer has cannot be stored there again.
var errPartOnly = errors.New("only a part of it was ever here, and the server no longer has it")

// readContent reads what was changed there.
func (p *pass) readContent(ctx context.Context, s *session, _ store.Folder, ws []*work) error {
	where := map[groupware.FolderID]map[string]*work{} // an item may have moved there as well
	for _, w := range ws {
		if w.p.Verb == Restore || w.p.Verb == Agree || w.p.Verb == Update && (w.p.Content == Take || w.p.Content == Clash) {
			in := where[w.t.Remote.Folder]
			if in == nil {
				in = map[string]*work{}
				where[w.t.Remote.Folder] = in
			}
			in[w.t.Remote.RemoteID] = w
		}
	}
	for _, id := range slices.Sorted(maps.Keys(where)) {
		f, byID := p.folders[id], where[id]
		err := s.svc.Fetch(ctx, f.RemoteID, slices.Sorted(maps.Keys(byID)), remote.PartWhole, func(got remote.Fetched) error {
			w := byID[got.ID]
			if w == nil {
				return nil
			}
			if got.Err != nil {
				return p.e.m.Update(ctx, func(tx *store.Tx) error {
					return p.fail(tx, store.Failure{Item: w.id, Folder: f.ID, RemoteID: got.ID, Doing: "read", Raw: got.Raw}, got.Err)
				})
			}
			c := store.Prepare(got.Media, got.Raw)
			return p.e.m.Bulk(ctx, func(tx *store.Tx) error { return p.takeContent(tx, f, w, got, c) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) takeContent(tx *store.Tx, f store.Folder, w *work, got remote.Fetched, c *store.Prepared) error {
	base := groupware.Base{Folder: f.ID, RemoteID: got.ID, Tag: got.Tag, Flags: w.t.Remote.Flags, Content: c.Hash()}
	local := groupware.Local{Folder: f.ID, Flags: base.Flags, Content: c.Hash()}
	if w.t.Local != nil {
		local.Folder, local.Flags = w.t.Local.Folder, w.t.Local.Flags
		switch {
		case w.t.Local.Content == c.Hash():
			// The same on both sides: only the server's version tag is new.
		case w.t.Base != nil && w.t.Base.Content == c.Hash():
			// The server holds what we agreed on under a new tag: our change goes there next.
			p.touched[f.ID] = true
			_, err := settle(tx, w, nil, &base, nil)
			return err
		case clash(w):
			if ok, err := asPlanned(tx, w); err != nil || !ok {
				p.touched[f.ID] = true
				w.p.Verb = Nothing
				return err
			}
			return p.reconcile(tx, f, w, got, c, base)
		default:
			p.result.Downloaded++
		}
	} else if same, err := asAgreed(tx, f, w, got, c); err != nil {
		return err
	} else if same {
		// Deleted here, and at the server only the version tag is new, or how it is written: it is deleted there next.
		p.touched[f.ID] = true
		base.Content = w.t.Base.Content
		_, err := settle(tx, w, nil, &base, nil)
		return err
	} else {
		p.result.Downloaded++
	}
	ok, err := settle(tx, w, &local, &base, c)
	if err == nil && !ok {
		p.touched[f.ID] = true // edited while it was read: plan again
		w.p.Verb = Nothing
	}
	return err
}

// asAgreed reports whether what was read says what both sides agreed on, in the same folder.
func asAgreed(tx *store.Tx, f store.Folder, w *work, got remote.Fetched, c *store.Prepared) (bool, error) {
	if w.t.Base == nil || w.t.Base.Folder != f.ID || w.t.Base.Content == c.Hash() {
		return w.t.Base != nil && w.t.Base.Folder == f.ID, nil
	}
	agreed, err := tx.BaseRaw(w.id)
	if err != nil {
		if errors.Is(err, store.ErrNotWhole) {
			err = nil
		}
		return false, ignoreNotFound(err)
	}
	return sameMeaning(got.Media, agreed, got.Raw), nil
}

// putAside copies an item, as it is here, to Local Failures with the reason (law 3).
func (p *pass) putAside(tx *store.Tx, id groupware.ItemID, from store.Folder, why string) error {
	copied, err := tx.Copy(id, p.role(groupware.RoleLocalFailures))
	if err != nil {
		return fmt.Errorf("keep a copy of item %d: %w", id, err)
	}
	return tx.SetReason(copied, store.Reason{Folder: p.paths[from.ID], Text: why, At: p.e.o.Clock(), Edited: id})
}

// pushContent sends edited items to where the server has them, under the version that was edited.
func (p *pass) pushContent(ctx context.Context, s *session, _ store.Folder, ws []*work) error {
	for _, w := range ws {
		if w.p.Verb != Update || w.p.Content != Push {
			continue
		}
		f := p.folders[w.t.Base.Folder]
		if err := p.number(ctx, f, w); err != nil {
			return err
		}
		ws, items, err := p.intend(ctx, s, f, []*work{w}, []string{""})
		if err != nil {
			return err
		}
		if len(ws) == 0 {
			continue
		}
		made, err := s.svc.Replace(ctx, f.RemoteID, w.t.Base.RemoteID, w.t.Base.Tag, items[0])
		if err != nil && doubtful(err) {
			// A refusal that names no reason may come after the deed.
			in, e := p.intent(ctx, w.id)
			if e != nil {
				return e
			}
			at, found, e := p.stored(ctx, s, f, w.t.Base, in, items[0])
			if e != nil {
				return e
			}
			if found {
				made, err = at, nil
			}
		}
		if err != nil && !refused(err) {
			return err
		}
		p.touched[f.ID] = true
		err = p.e.m.Update(ctx, func(tx *store.Tx) error {
			switch {
			case remote.KindOf(err) == remote.Precondition && err != nil:
				return tx.ClearIntent(w.id) // it changed meanwhile: the next round sees how
			case err != nil:
				return errors.Join(tx.ClearIntent(w.id), p.refuseContent(tx, f, w, err))
			}
			b := *w.t.Base
			b.Content, b.Tag = groupware.HashOf(items[0].Raw), made.Tag
			if made.ID != "" {
				b.RemoteID = made.ID
			}
			p.result.Uploaded++
			before, e := tx.BaseRaw(w.id)
			if e != nil && !errors.Is(e, store.ErrNotWhole) {
				return ignoreNotFound(e)
			}
			if e := p.tell(tx, f, w.t.Base.Tag, before, items[0].Raw); e != nil {
				return e
			}
			_, e = settle(tx, w, nil, &b, nil)
			return errors.Join(e, tx.ClearIntent(w.id)) // the intent holds the bytes that base names
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// refuseContent puts an edit that the server refuses into Local Failures, once, and shows the server's version again.
func (p *pass) refuseContent(tx *store.Tx, f store.Folder, w *work, no error) error {
	if ok, err := asPlanned(tx, w); err != nil || !ok {
		return err // edited meanwhile: the server is asked again
	}
	p.result.Failures++
	if err := p.putAside(tx, w.id, f, no.Error()); err != nil {
		return err
	}
	raw, err := tx.BaseRaw(w.id)
	if errors.Is(err, store.ErrNotWhole) {
		// Only a part of the server's version was ever here: it is read again as a new item.
		r := groupware.Remote{Folder: w.t.Base.Folder, RemoteID: w.t.Base.RemoteID, Tag: w.t.Base.Tag, Flags: w.t.Base.Flags}
		if err := tx.Take(w.id, nil, nil, nil); err != nil {
			return err
		}
		_, err := tx.Observe(r.Folder, []groupware.Remote{r})
		return err
	}
	if err != nil {
		return err
	}
	it, err := tx.Item(w.id)
	if err != nil {
		return err
	}
	l := *w.t.Local
	l.Content = w.t.Base.Content
	_, err = settle(tx, w, &l, w.t.Base, store.Prepare(it.Media, raw))
	return err
}

// intend reads items for sending and remembers, before anything is sent, exactly what will appear where, so that a lost answer is
// not asked again by sending the item twice. Items that were deleted since they were planned are left out.
func (p *pass) intend(ctx context.Context, s *session, f store.Folder, ws []*work, names []string) (still []*work, items []remote.NewItem, err error) {
	mark, err := s.svc.Mark(ctx, f.RemoteID)
	if err != nil {
		return nil, nil, err
	}
	err = p.e.m.Update(ctx, func(tx *store.Tx) error {
		for i, w := range ws {
			it, err := tx.Item(w.id)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			raw, err := tx.Raw(w.id)
			if errors.Is(err, store.ErrNotWhole) {
				if err := p.fail(tx, store.Failure{Item: w.id, Folder: f.ID, Doing: "store in " + p.paths[f.ID]}, errPartOnly); err != nil {
					return err
				}
				continue
			}
			if err != nil {
				return err
			}
			if err := tx.SetIntent(w.id, f.ID, s.name, mark, names[i]); err != nil {
				return err
			}
			still = append(still, w)
			items = append(items, remote.NewItem{Media: it.Media, Raw: raw, Flags: it.Flags, Received: it.Received, Name: names[i]})
		}
		return nil
	})
	return still, items, err
}

// pushCreates stores items that only we have, in batches.
func (p *pass) pushCreates(ctx context.Context, s *session, f store.Folder, ws []*work) error {
	var batch []*work
	var names []string
	size := int64(0)
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := p.create(ctx, s, f, batch, names)
		batch, names, size = nil, nil, 0
		return err
	}
	for _, w := range ws {
		if w.p.Verb != Create || p.failed[w.id] {
			continue
		}
		var it store.Item
		err := p.e.m.View(ctx, func(tx *store.Tx) (err error) {
			it, err = tx.Item(w.id)
			return err
		})
		if errors.Is(err, store.ErrNotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			return err
		}
		batch, names = append(batch, w), append(names, p.resourceName(it.Media))
		if size += it.Size; len(batch) >= createBatch || size >= createBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// resourceName gives a new item a name that is its own for ever: it is remembered in the intent before the item is sent.
func (p *pass) resourceName(media groupware.Media) string {
	ext := ".ics"
	if media == groupware.MediaVCard {
		ext = ".vcf"
	}
	return fmt.Sprintf("%016x%016x%s", p.e.o.Rand.Uint64(), p.e.o.Rand.Uint64(), ext)
}

func (p *pass) create(ctx context.Context, s *session, f store.Folder, ws []*work, names []string) error {
	ws, items, err := p.intend(ctx, s, f, ws, names)
	if err != nil || len(ws) == 0 {
		return err
	}
	type outcome struct {
		c   remote.Created
		err error
	}
	done := map[int]outcome{}
	p.touched[f.ID] = true
	err = s.svc.Create(ctx, f.RemoteID, items, func(i int, c remote.Created, err error) error {
		done[i] = outcome{c, err}
		p.progress(f.ID, "uploading", Amount{Done: int64(len(done)), Total: int64(len(items))})
		return nil
	})
	var unknown []int
	save := p.e.m.Update(ctx, func(tx *store.Tx) error {
		for _, i := range slices.Sorted(maps.Keys(done)) {
			o := done[i]
			switch {
			case o.err == nil && o.c.ID != "":
				if err := p.created(tx, f, ws[i], items[i], o.c); err != nil {
					return err
				}
			case o.err == nil || doubtful(o.err):
				unknown = append(unknown, i)
			case remote.KindOf(o.err) == remote.OverQuota || !refused(o.err):
				if err := tx.ClearIntent(ws[i].id); err != nil {
					return err
				}
				if err := p.fail(tx, store.Failure{Item: ws[i].id, Folder: f.ID, Doing: "store in " + p.paths[f.ID]}, o.err); err != nil {
					return err
				}
			default:
				if err := p.refuseItem(tx, f, ws[i], o.err); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err = errors.Join(err, save); err != nil {
		return err
	}
	for _, i := range unknown {
		if err := p.find(ctx, s, f, ws[i], items[i], done[i].err); err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) created(tx *store.Tx, f store.Folder, w *work, item remote.NewItem, c remote.Created) error {
	b := groupware.Base{Folder: f.ID, RemoteID: c.ID, Tag: c.Tag, Flags: item.Flags, Content: groupware.HashOf(item.Raw)}
	if s := p.folders[f.ID].Service; s != "imap" {
		b.Flags = groupware.Flags{}
	}
	p.result.Uploaded++
	if err := p.tell(tx, f, item.Name, nil, item.Raw); err != nil {
		return err
	}
	return claim(tx, w, b)
}

// claim ends the intent of an item whose new place at the server was found. When that was read as a new item meanwhile, the two become one.
func claim(tx *store.Tx, w *work, b groupware.Base) error {
	var shown []groupware.Remote // no listing need tell again what it is there: it may have been rewritten
	other, known, err := tx.TripleByRemote(b.Folder, b.RemoteID)
	if err != nil {
		return err
	}
	if known && other.Item != 0 && other.Item != w.id {
		now, err := tx.Triple(w.id)
		switch {
		case err != nil:
			return ignoreNotFound(err)
		case PlanItem(other).Verb == Nothing:
			err = tx.Take(other.Item, nil, nil, nil)
			shown = append(shown, *other.Remote)
		case now.Local == nil || now.Local.Content == b.Content:
			return tx.Take(w.id, nil, nil, nil) // what was done to the other goes on
		default:
			return tx.ClearIntent(w.id) // both were changed: both stay
		}
		if err != nil {
			return err
		}
	}
	_, err = settle(tx, w, nil, &b, nil)
	err = errors.Join(err, tx.ClearIntent(w.id)) // the intent holds the bytes that base names
	if err == nil {
		_, err = tx.Observe(b.Folder, shown)
	}
	return err
}

// doubtful reports whether a refusal may come after the deed.
func doubtful(err error) bool {
	k := remote.KindOf(err)
	return refused(err) && (k == remote.Other || k == remote.Exists)
}

func (p *pass) intent(ctx context.Context, id groupware.ItemID) (in store.Intent, err error) {
	err = p.e.m.View(ctx, func(tx *store.Tx) (err error) {
		in, _, err = tx.Intent(id)
		return err
	})
	return in, err
}

// find looks for an item that was sent without an answer that names it. An item that another one keeps from being stored (the same
// UID in another resource) is refused for good.
func (p *pass) find(ctx context.Context, s *session, f store.Folder, w *work, item remote.NewItem, no error) error {
	in, err := p.intent(ctx, w.id)
	if err != nil {
		return err
	}
	c, ok, err := s.svc.Find(ctx, f.RemoteID, in.Mark, item)
	if err != nil {
		return err
	}
	return p.e.m.Update(ctx, func(tx *store.Tx) error {
		switch {
		case ok:
			return p.created(tx, f, w, item, c)
		case no != nil:
			return p.refuseItem(tx, f, w, no)
		}
		return tx.ClearIntent(w.id)
	})
}

// refuseItem puts an item that the server will not store into Local Failures with the server's words.
func (p *pass) refuseItem(tx *store.Tx, f store.Folder, w *work, no error) error {
	p.result.Failures++
	if err := tx.ClearIntent(w.id); err != nil {
		return err
	}
	if w.t.Local == nil {
		return nil
	}
	l := *w.t.Local
	l.Folder = p.role(groupware.RoleLocalFailures)
	if ok, err := settle(tx, w, &l, nil, nil); err != nil || !ok {
		return err
	}
	return tx.SetReason(w.id, store.Reason{Folder: p.paths[f.ID], Text: no.Error(), At: p.e.o.Clock()})
}
