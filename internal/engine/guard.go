package engine

import (
	"context"
	"slices"

	"outpost/internal/groupware"
	"outpost/internal/store"
)

// Before much of a folder is deleted on either side, a person is asked: a server that suddenly shows an empty or far smaller folder
// or store is not known to have been emptied on purpose (LESSONS 4).

// tooMany reports whether deleting n of so many items is a matter for a person.
func tooMany(n, of int64) bool { return n > max(20, of/4) }

// sides are the deletions that wait in a folder: here and at the server.
type sides struct{ here, there, of int64 }

func (p *pass) doomed(tx *store.Tx, f groupware.FolderID) (d sides, err error) {
	d.here, d.there, d.of, err = tx.Doomed(f)
	return d, err
}

// guard says whether what is planned for the items of a folder may be done. When it deletes too much, of the folder or of all
// folders of the service together, it is held until a person confirms it, and nothing else happens to the items of the
// folder meanwhile.
func (p *pass) guard(ctx context.Context, s *session, f store.Folder) (ok bool, err error) {
	var d, all sides
	err = p.e.m.View(ctx, func(tx *store.Tx) (err error) {
		if d, err = p.doomed(tx, f.ID); err != nil || d.here+d.there == 0 {
			return err
		}
		for _, o := range p.inOrder(s) {
			more, err := p.doomed(tx, o.ID)
			if err != nil {
				return err
			}
			all.of += more.of
			if !tooMany(more.here, more.of) { // else it is held on its own account
				all.here += more.here
			}
			if !tooMany(more.there, more.of) {
				all.there += more.there
			}
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	here, err := p.hold(ctx, store.Hold{Folder: f.ID, Items: d.here, Of: d.of}, tooMany(d.here, d.of) || tooMany(all.here, all.of))
	if err != nil {
		return false, err
	}
	there, err := p.hold(ctx, store.Hold{Folder: f.ID, There: true, Items: d.there, Of: d.of}, tooMany(d.there, d.of) || tooMany(all.there, all.of))
	return !here && !there, err
}

// hold notes that a deletion waits for a person, or that it need not wait. A person who agreed to as many has agreed.
func (p *pass) hold(ctx context.Context, h store.Hold, many bool) (held bool, err error) {
	i := slices.IndexFunc(p.holds, func(o store.Hold) bool { return o.Folder == h.Folder && o.There == h.There })
	switch {
	case h.Items == 0 && i >= 0: // it is done, or no longer wanted
		p.holds = slices.Delete(p.holds, i, i+1)
		return false, p.e.m.Update(ctx, func(tx *store.Tx) error { return tx.ClearHold(h.Folder, h.There) })
	case h.Items == 0, i < 0 && !many, i >= 0 && p.holds[i].Confirmed >= h.Items:
		return false, nil
	}
	if i >= 0 && !many && p.holds[i].Confirmed == 0 {
		// Less than before, and no longer too much of what is there.
		p.holds = slices.Delete(p.holds, i, i+1)
		return false, p.e.m.Update(ctx, func(tx *store.Tx) error { return tx.ClearHold(h.Folder, h.There) })
	}
	if i >= 0 && p.holds[i].Items == h.Items && p.holds[i].Of == h.Of {
		return true, nil
	}
	h.At = p.e.o.Clock()
	if i < 0 {
		p.holds = append(p.holds, h)
	} else {
		h.Confirmed = p.holds[i].Confirmed
		p.holds[i] = h
	}
	return true, p.e.m.Update(ctx, func(tx *store.Tx) error { return tx.SetHold(h) })
}

// guardFolders says which of the folders that are gone at the server may go here as well. The others are left alone, with those above them.
func (fs *folderSync) guardFolders(ctx context.Context, gone []store.Folder) (may []store.Folder, err error) {
	var sum, of int64
	for _, f := range fs.folders {
		if f.Service == fs.s.name {
			of += f.Items
		}
	}
	for _, f := range gone {
		if !f.Deleted && !tooMany(f.Items, f.Items) {
			sum += f.Items
		}
	}
	for _, f := range gone { // children before parents
		held := false
		if !f.Deleted { // else both sides agree
			if held, err = fs.hold(ctx, store.Hold{Folder: f.ID, Items: f.Items, Of: f.Items}, tooMany(f.Items, f.Items) || tooMany(sum, of)); err != nil {
				return nil, err
			}
		}
		if held || fs.s.away[f.ID] {
			fs.s.away[f.ID], fs.s.away[f.Parent] = true, true
			continue
		}
		may = append(may, f)
	}
	return may, nil
}

// release forgets holds of which nothing is left. Only a folder that was looked at in this pass can tell.
func (p *pass) release(ctx context.Context) error {
	for _, h := range slices.Clone(p.holds) {
		if !p.looked[h.Folder] {
			continue
		}
		var d sides
		if err := p.e.m.View(ctx, func(tx *store.Tx) (err error) { d, err = p.doomed(tx, h.Folder); return err }); err != nil {
			return err
		}
		if !h.There && d.here == 0 || h.There && d.there == 0 {
			if _, err := p.hold(ctx, store.Hold{Folder: h.Folder, There: h.There}, false); err != nil {
				return err
			}
		}
	}
	return nil
}
