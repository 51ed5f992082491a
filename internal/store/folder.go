package store

import (
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"

	"outpost/internal/groupware"
)

// Bounds of folders.
const (
	maxFolderName  = 1024 // bytes
	maxFolderDepth = 64
)

// Folder is a folder as it is here, and what was agreed with the server.
type Folder struct {
	ID     groupware.FolderID
	Parent groupware.FolderID // 0 at the top
	Name   string             // one level, NFC
	Kind   groupware.FolderKind
	Role   groupware.Role
	Mode   groupware.SyncMode
	// ModeSet says that a person chose Mode, so that defaults do not overwrite it.
	ModeSet bool
	Service string           // "imap", "caldav", "carddav"; "" exists only here
	Accepts []groupware.Kind // what can be stored in it; nil means what its Kind says
	// ReadOnly says that the server takes no changes in it, NoItems that it only holds other folders.
	ReadOnly, NoItems bool
	// Deleted says that it was deleted here, which is not yet agreed. Frontends see neither it nor its items.
	Deleted bool

	// What was agreed with the server: RemoteID is "" when it is not created there yet.
	RemoteID, RemoteParent, RemoteName string
	Identity                           string // survives a rename where RemoteID does not
	Token                              string // state token that covers every observation that was saved

	// Items and Unread are what frontends see. They are maintained with every change; PutFolder does not set them.
	Items, Unread int64
}

const folderColumns = "id, ifnull(parent, 0), name, kind, role, mode, mode_set, service, accepts, read_only, no_items, deleted, " +
	"remote_id, remote_parent, remote_name, identity, token, items, unread"

func scanFolder(r row) Folder {
	f := Folder{
		ID: groupware.FolderID(r.int(0)), Parent: groupware.FolderID(r.int(1)), Name: r.text(2),
		Kind: groupware.FolderKind(r.text(3)), Role: groupware.Role(r.text(4)), Mode: groupware.SyncMode(r.text(5)), ModeSet: r.bool(6),
		Service: r.text(7), ReadOnly: r.bool(9), NoItems: r.bool(10), Deleted: r.bool(11),
		RemoteID: r.text(12), RemoteParent: r.text(13), RemoteName: r.text(14), Identity: r.text(15), Token: r.text(16),
		Items: r.int(17), Unread: r.int(18),
	}
	for _, k := range strings.Fields(r.text(8)) {
		f.Accepts = append(f.Accepts, groupware.Kind(k))
	}
	return f
}

// Folders returns all folders, parents before children, siblings by name, those deleted here included.
func (tx *Tx) Folders() ([]Folder, error) {
	if err := tx.flush(); err != nil {
		return nil, err
	}
	children := map[groupware.FolderID][]Folder{}
	err := tx.c.query(func(r row) error {
		f := scanFolder(r)
		children[f.Parent] = append(children[f.Parent], f)
		return nil
	}, "SELECT "+folderColumns+" FROM folders ORDER BY namekey, id")
	if err != nil {
		return nil, err
	}
	var out []Folder
	var walk func(parent groupware.FolderID)
	walk = func(parent groupware.FolderID) {
		for _, f := range children[parent] {
			out = append(out, f)
			walk(f.ID)
		}
	}
	walk(0)
	return out, nil
}

// Folder returns one folder, ErrNotFound when there is none of that id.
func (tx *Tx) Folder(id groupware.FolderID) (f Folder, err error) {
	if err := tx.flush(); err != nil {
		return Folder{}, err
	}
	found, err := tx.c.one(func(r row) { f = scanFolder(r) }, "SELECT "+folderColumns+" FROM folders WHERE id = ?", id)
	if err == nil && !found {
		err = fmt.Errorf("folder %d: %w", id, ErrNotFound)
	}
	return f, err
}

// FolderPath returns the names from the top to the folder, with "/" between them. A "/" within a name becomes "\/".
func (tx *Tx) FolderPath(id groupware.FolderID) (string, error) {
	path := ""
	for range maxFolderDepth {
		f, err := tx.Folder(id)
		if err != nil {
			return "", err
		}
		path = strings.ReplaceAll(f.Name, "/", `\/`) + path
		if f.Parent == 0 {
			return path, nil
		}
		id, path = f.Parent, "/"+path
	}
	return "", fmt.Errorf("folder %d lies deeper than %d levels", id, maxFolderDepth)
}

// AddFolder adds a folder; f.ID, f.Items and f.Unread are not looked at. A sibling of that name that is not deleted is ErrExists.
func (tx *Tx) AddFolder(f Folder) (groupware.FolderID, error) {
	if err := tx.writable(); err != nil {
		return 0, err
	}
	args, err := tx.folderArgs(0, &f)
	if err != nil {
		return 0, err
	}
	id, err := tx.c.insert(`INSERT INTO folders (parent, name, namekey, kind, role, mode, mode_set, service, accepts, read_only, no_items,
		deleted, remote_id, remote_parent, remote_name, identity, token) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, args...)
	if err != nil {
		return 0, folderError(f, err)
	}
	return groupware.FolderID(id), tx.change(groupware.FolderID(id), 0, opAdded)
}

// PutFolder updates everything of a folder but its counters. A person deletes a folder by setting Deleted.
func (tx *Tx) PutFolder(f Folder) error {
	if err := tx.writable(); err != nil {
		return err
	}
	old, err := tx.Folder(f.ID)
	if err != nil {
		return err
	}
	args, err := tx.folderArgs(f.ID, &f)
	if err != nil {
		return err
	}
	if _, err := tx.c.exec(`UPDATE folders SET parent = ?, name = ?, namekey = ?, kind = ?, role = ?, mode = ?, mode_set = ?, service = ?,
		accepts = ?, read_only = ?, no_items = ?, deleted = ?, remote_id = ?, remote_parent = ?, remote_name = ?, identity = ?, token = ?
		WHERE id = ?`, append(args, f.ID)...); err != nil {
		return folderError(f, err)
	}
	// What only the engine sees is no change to announce.
	visible := func(f Folder) string {
		return fmt.Sprint(f.Parent, f.Name, f.Kind, f.Role, f.Mode, f.ModeSet, f.Service, f.Accepts, f.ReadOnly, f.NoItems, f.Deleted, f.RemoteID == "")
	}
	switch {
	case f.Deleted && !old.Deleted:
		return tx.change(f.ID, 0, opRemoved)
	case !f.Deleted && old.Deleted:
		return tx.change(f.ID, 0, opAdded)
	case visible(f) != visible(old):
		return tx.change(f.ID, 0, opUpdated)
	}
	return nil
}

// RemoveFolder removes a folder and its items for good: when both sides agree that it is gone, or it never was at the
// server. It must have no child folders left. An item that was moved here from elsewhere is deleted, which is to be
// agreed; one that was moved from here stays where it is, as if it had never been agreed.
func (tx *Tx) RemoveFolder(id groupware.FolderID) error {
	if err := tx.writable(); err != nil {
		return err
	}
	f, err := tx.Folder(id)
	if err != nil {
		return err
	}
	if n, err := tx.c.number("SELECT count(*) FROM folders WHERE parent = ?", id); err != nil || n > 0 {
		if err == nil {
			err = fmt.Errorf("folder %q still holds %d folders", f.Name, n)
		}
		return err
	}
	// What the server holds in it: rows of its own items go with them; others lose their place there.
	if err := tx.forgetRemotes(id); err != nil {
		return err
	}
	for {
		ids, err := tx.itemIDs("SELECT id FROM items WHERE folder = ?1 UNION SELECT id FROM items WHERE base_folder = ?1 LIMIT 1000", id)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			break
		}
		for _, item := range ids {
			it, err := tx.load(item)
			if err != nil {
				return err
			}
			next := it
			if it.folder == id {
				next.dropLocal()
			}
			if it.baseFolder == id {
				next.dropBase()
				if it.remote && next.folder != 0 { // the server shows it elsewhere: that is another item now
					next.remote = false
					err = tx.detachRemote(item)
				}
			}
			if err != nil {
				return err
			}
			if err := tx.save(&it, &next); err != nil {
				return err
			}
		}
	}
	if err := tx.clearIntents("folder = ?", id); err != nil {
		return err
	}
	if err := tx.flush(); err != nil {
		return err
	}
	if _, err := tx.c.exec("DELETE FROM folders WHERE id = ?", id); err != nil {
		return err
	}
	return tx.change(id, 0, opRemoved)
}

func (tx *Tx) itemIDs(sql string, args ...any) (ids []groupware.ItemID, err error) {
	err = tx.c.query(func(r row) error {
		ids = append(ids, groupware.ItemID(r.int(0)))
		return nil
	}, sql, args...)
	return ids, err
}

// folderArgs checks a folder and returns its columns in the order of the statements above.
func (tx *Tx) folderArgs(id groupware.FolderID, f *Folder) ([]any, error) {
	f.Name = norm.NFC.String(f.Name)
	switch {
	case f.Name == "" || len(f.Name) > maxFolderName || strings.ContainsFunc(f.Name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return nil, fmt.Errorf("%q cannot be the name of a folder", f.Name)
	case f.Kind == "":
		f.Kind = groupware.FolderMail
	}
	if f.Mode == "" {
		f.Mode = groupware.DefaultSyncMode(f.Kind, f.Role)
	}
	var parent any
	if f.Parent != 0 {
		parent = f.Parent
		// The parent must be there, and not below the folder itself.
		at := f.Parent
		for depth := 0; at != 0; depth++ {
			p, err := tx.Folder(at)
			if err != nil {
				return nil, fmt.Errorf("parent of folder %q: %w", f.Name, err)
			}
			if at == id || depth == maxFolderDepth {
				return nil, fmt.Errorf("folder %q cannot be moved below folder %q", f.Name, p.Name)
			}
			at = p.Parent
		}
	}
	kinds := make([]string, len(f.Accepts))
	for i, k := range f.Accepts {
		kinds[i] = string(k)
	}
	return []any{parent, f.Name, nameKey(f.Parent, f.Name), string(f.Kind), string(f.Role), string(f.Mode), f.ModeSet, f.Service,
		strings.Join(kinds, " "), f.ReadOnly, f.NoItems, f.Deleted, f.RemoteID, f.RemoteParent, f.RemoteName, f.Identity, f.Token}, nil
}

// nameKey is what must differ between siblings. INBOX has no case (RFC 9051 5.1).
func nameKey(parent groupware.FolderID, name string) string {
	if parent == 0 && strings.EqualFold(name, "INBOX") {
		return "INBOX"
	}
	return name
}

func folderError(f Folder, err error) error {
	if isUnique(err) {
		return fmt.Errorf("a folder %q: %w", f.Name, ErrExists)
	}
	return fmt.Errorf("folder %q: %w", f.Name, err)
}
