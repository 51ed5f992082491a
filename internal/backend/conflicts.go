package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"outpost/internal/format"
	"outpost/internal/format/merge"
	"outpost/internal/groupware"
	"outpost/internal/store"
)

// Conflict is an item that was changed here and at the server in ways that do not go together (SPEC C7): the server's
// version is in its folder, ours in Conflicts.
type Conflict struct {
	ID      string         `json:"id"`               // our version
	Of      string         `json:"of,omitempty"`     // the item with the server's version; "" when it is gone
	Folder  string         `json:"folder,omitempty"` // where it is; "" when that is gone
	Kind    groupware.Kind `json:"kind"`
	Subject string         `json:"subject"`
	Clashes []string       `json:"clashes"` // the properties that both sides changed
	At      Time           `json:"at"`
}

// Difference is one thing in which the two versions differ. "" means that the thing is absent there.
type Difference struct {
	Where    string `json:"where"`    // event, occurrence of 2026-03-05 09:00, alarm 1, contact, header, text
	Property string `json:"property"` // as a person reads it
	Name     string `json:"name"`     // the format's own word
	Base     string `json:"base"`
	Local    string `json:"local"`
	Server   string `json:"server"`
	Clash    bool   `json:"clash"` // both sides changed it, differently
}

// ConflictShown is a conflict with both versions side by side.
type ConflictShown struct {
	Conflict
	Differences []Difference `json:"differences"` // none when the server's version is gone
}

// Keep says which version of a conflict is to stay.
type Keep string

const (
	KeepLocal  Keep = "local"  // ours, in place of the server's
	KeepServer Keep = "server" // the server's; ours goes
	KeepBoth   Keep = "both"   // ours becomes an item of its own beside it
)

// Kept tells where what was kept is.
type Kept struct {
	ID     string `json:"id,omitempty"` // the item that was kept; with both, ours; "" when nothing is left
	Folder string `json:"folder,omitempty"`
}

// maxConflicts bounds what is looked at of the folder Conflicts.
const maxConflicts = 10000

// dispute is a conflict with our version of the item.
type dispute struct {
	store.Conflict
	ours store.Item
}

// Conflicts lists what a person is to decide, oldest first.
func (s *Server) Conflicts(ctx context.Context) ([]Conflict, error) {
	out := []Conflict{}
	for _, b := range s.mailboxes() {
		paths, err := s.paths(ctx, b)
		if err != nil {
			return nil, err
		}
		var all []dispute
		err = b.View(ctx, func(tx *store.Tx) (err error) {
			all, err = disputes(tx)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list the conflicts of %s: %w", b.get().Email, err)
		}
		for _, d := range all {
			out = append(out, disputed(b, d, paths))
		}
	}
	return out, nil
}

func disputed(b *mailbox, d dispute, paths map[groupware.FolderID]string) Conflict {
	c := Conflict{ID: idText(b, int64(d.Item)), Folder: paths[d.Folder], Kind: d.ours.Kind, Subject: d.ours.Subject, Clashes: append([]string{}, d.Clashes...), At: Time{d.At}}
	if d.Of != 0 {
		c.Of = idText(b, int64(d.Of))
	}
	return c
}

// disputes lists what is in the folder Conflicts.
func disputes(tx *store.Tx) ([]dispute, error) {
	folders, err := tx.Folders()
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(folders, func(f store.Folder) bool { return f.Role == groupware.RoleConflicts })
	if at < 0 {
		return nil, nil
	}
	ids, err := tx.ItemIDs(folders[at].ID, 0, maxConflicts)
	if err != nil {
		return nil, err
	}
	var out []dispute
	for _, id := range ids {
		d, err := readDispute(tx, id, folders)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// readDispute reads the conflict of an item in Conflicts. What was put there before conflicts were remembered has only a reason that
// names the folder.
func readDispute(tx *store.Tx, id groupware.ItemID, folders []store.Folder) (d dispute, err error) {
	if d.ours, err = tx.Item(id); err != nil {
		return d, err
	}
	d.Conflict, err = tx.Conflict(id)
	if errors.Is(err, store.ErrNotFound) {
		d.Conflict = store.Conflict{Item: id, At: d.ours.Received}
		var r store.Reason
		if r, _, err = tx.Reason(id); err == nil {
			if f, ok := folderAt(folders, r.Folder); ok {
				d.Folder = f.ID
			}
		}
	}
	return d, err
}

// folderAt finds the folder of a path as the engine writes it.
func folderAt(folders []store.Folder, path string) (store.Folder, bool) {
	paths := map[groupware.FolderID]string{}
	for _, f := range folders { // parents come first
		paths[f.ID] = f.Name
		if parent, ok := paths[f.Parent]; ok {
			paths[f.ID] = parent + "/" + f.Name
		}
		if paths[f.ID] == path && !f.Deleted {
			return f, true
		}
	}
	return store.Folder{}, false
}

// dispute finds the conflict that an id names: that of our version in Conflicts, or that of the item with the server's.
func (s *Server) dispute(tx *store.Tx, b *mailbox, id groupware.ItemID) (dispute, error) {
	all, err := disputes(tx)
	if err != nil {
		return dispute{}, err
	}
	var hits []dispute
	var names []string
	for _, d := range all {
		if d.Item == id {
			return d, nil
		}
		if d.Of == id {
			hits, names = append(hits, d), append(names, idText(b, int64(d.Item)))
		}
	}
	switch len(hits) {
	case 1:
		return hits[0], nil
	case 0:
		return dispute{}, fail(CodeNotFound, "%s is in no conflict: outpost conflict list shows those that are to be decided", idText(b, int64(id)))
	}
	return dispute{}, fail(CodeUsage, "there are several versions of %s in Conflicts: say which one, %s", idText(b, int64(id)), strings.Join(names, " or "))
}

// ShowConflict compares both versions of a conflict.
func (s *Server) ShowConflict(ctx context.Context, id string) (out ConflictShown, err error) {
	b, itemID, err := s.parseID(id)
	if err != nil {
		return out, err
	}
	paths, err := s.paths(ctx, b)
	if err != nil {
		return out, err
	}
	var d dispute
	var base, ours []byte
	err = b.View(ctx, func(tx *store.Tx) (err error) {
		if d, err = s.dispute(tx, b, itemID); err != nil {
			return err
		}
		if base, err = tx.ConflictBase(d.Item); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		ours, err = tx.Raw(d.Item)
		return err
	})
	if err != nil {
		return out, err
	}
	out = ConflictShown{disputed(b, d, paths), []Difference{}}
	if d.Of == 0 {
		return out, nil
	}
	theirs, err := s.Raw(ctx, out.Of)
	if err != nil {
		return out, err
	}
	for _, m := range merge.Compare(d.ours.Media, base, ours, theirs.Bytes) {
		out.Differences = append(out.Differences, Difference{m.Where, m.Property, m.Name, m.Base, m.Local, m.Remote, m.Clash})
	}
	return out, nil
}

// KeepConflict decides a conflict in one transaction; the message that told of it goes with it.
func (s *Server) KeepConflict(ctx context.Context, id string, keep Keep) (out Kept, err error) {
	b, itemID, err := s.parseID(id)
	if err != nil {
		return out, err
	}
	if keep != KeepLocal && keep != KeepServer && keep != KeepBoth {
		return out, fail(CodeUsage, "say which version stays: --local (yours), --server (the server's) or --both")
	}
	uid := s.newUID()
	err = b.Update(ctx, func(tx *store.Tx) error {
		d, err := s.dispute(tx, b, itemID)
		if err != nil {
			return err
		}
		var stays groupware.ItemID
		switch {
		case keep == KeepServer:
			stays = d.Of
			err = tx.Delete(d.Item)
		case keep == KeepLocal && d.Of != 0:
			stays = d.Of
			err = replace(tx, b, d)
		default:
			stays = d.Item
			err = fileBack(tx, b, d, uid)
		}
		if err != nil {
			return err
		}
		if stays != 0 {
			t, err := item(tx, b, stays)
			if err != nil {
				return err
			}
			out = Kept{idText(b, int64(stays)), t.in.Name}
			if out.Folder, err = tx.FolderPath(t.Folder); err != nil {
				return err
			}
		}
		return dropNotice(tx, d.Notice)
	})
	if err == nil {
		b.changed()
	}
	return out, err
}

// replace puts our version over the server's; the next pass brings it there, if the server's is still the one that was seen.
func replace(tx *store.Tx, b *mailbox, d dispute) error {
	theirs, err := item(tx, b, d.Of)
	if err != nil {
		return err
	}
	if err := writable(theirs.in, theirs.in.Name); err != nil {
		return err
	}
	raw, err := tx.Raw(d.Item)
	if err != nil {
		return err
	}
	if err := tx.SetContent(d.Of, store.Prepare(d.ours.Media, raw)); err != nil {
		return err
	}
	return tx.Delete(d.Item)
}

// fileBack puts our version into the folder where the item belongs.
func fileBack(tx *store.Tx, b *mailbox, d dispute, uid string) error {
	name := idText(b, int64(d.Item))
	f, err := tx.Folder(d.Folder)
	if d.Folder == 0 || errors.Is(err, store.ErrNotFound) || err == nil && f.Deleted {
		return fail(CodeRefused, "the folder where %s was is gone: put it where you like with outpost move %s FOLDER", name, name)
	}
	if err != nil {
		return err
	}
	if err := writable(f, f.Name); err != nil {
		return err
	}
	return fileInto(tx, d, f.ID, uid)
}

// fileInto puts our version into a folder: as what it was when the server's is gone, else as an item of its own. That ends the conflict.
func fileInto(tx *store.Tx, d dispute, to groupware.FolderID, uid string) error {
	if d.Of != 0 && d.ours.Media != groupware.MediaMessage {
		raw, err := tx.Raw(d.Item)
		if err == nil {
			err = tx.SetContent(d.Item, store.Prepare(d.ours.Media, format.AsCopy(d.ours.Media, raw, uid)))
		}
		if err != nil {
			return err
		}
	}
	return tx.SetFolder(d.Item, to)
}

// takeOut moves our version of a conflict to a folder that a person chose.
func takeOut(tx *store.Tx, t thing, to groupware.FolderID, uid string) error {
	d, err := readDispute(tx, t.ID, nil)
	if err == nil {
		err = fileInto(tx, d, to, uid)
	}
	if err != nil {
		return err
	}
	return dropNotice(tx, d.Notice)
}

// dropNotice deletes the message that told of a conflict, wherever it was filed.
func dropNotice(tx *store.Tx, id groupware.ItemID) error {
	if id == 0 {
		return nil
	}
	err := tx.Delete(id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
