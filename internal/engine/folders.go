package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/store"
)

// settleFolders brings the folders of a service to agreement, parents before children: created, renamed, moved, deleted on
// either side. It lists again after it changed something there, because ids may follow paths.
func (p *pass) settleFolders(ctx context.Context, s *session) error {
	for range maxRounds {
		listed, err := s.svc.Folders(ctx)
		if err != nil {
			return err
		}
		if s.name == "imap" && !slices.ContainsFunc(listed, func(f remote.Folder) bool { return f.Role == groupware.RoleInbox }) {
			return &remote.Error{Kind: remote.Protocol, Doing: "list folders", Text: "the server shows no INBOX; nothing was changed"}
		}
		fs := &folderSync{pass: p, s: s, listed: map[string]remote.Folder{}, here: map[string]groupware.FolderID{}}
		for _, r := range listed {
			fs.listed[r.ID] = r
		}
		if err := fs.takeOver(ctx, listed); err != nil {
			return err
		}
		if err := p.load(ctx); err != nil {
			return err
		}
		changed, err := fs.push(ctx)
		if err != nil {
			return err
		}
		if changed {
			if err := p.load(ctx); err != nil {
				return err
			}
		}
		s.states = map[groupware.FolderID]remote.Folder{}
		for _, f := range p.folders {
			if r, ok := fs.listed[f.RemoteID]; ok && f.Service == s.name && f.RemoteID != "" {
				s.states[f.ID] = r
			}
		}
		if !changed {
			return nil
		}
	}
	return nil
}

// maxDepth bounds how deep folders are followed.
const maxDepth = 64

// folderSync is one look at the folders of a service.
type folderSync struct {
	*pass
	s      *session
	listed map[string]remote.Folder
	here   map[string]groupware.FolderID // remote id -> ours
}

// takeOver records what the server lists: new folders, new names and places, folders that are gone.
func (fs *folderSync) takeOver(ctx context.Context, listed []remote.Folder) error {
	known := map[string]store.Folder{}
	for _, f := range fs.folders {
		if f.Service == fs.s.name && f.RemoteID != "" {
			known[f.RemoteID] = f
		}
	}
	// A folder that is gone and a new one of the same identity are one folder that was renamed.
	renamed := map[string]store.Folder{}
	ids := slices.Sorted(maps.Keys(known))
	for _, id := range ids {
		f := known[id]
		if _, ok := fs.listed[id]; !ok {
			if r, ok := fs.successor(f, listed, known); ok {
				renamed[r] = f
			}
		}
	}
	var write []func(tx *store.Tx) error
	for _, r := range listed {
		f, ok := known[r.ID]
		if !ok {
			f, ok = renamed[r.ID]
		}
		if !ok {
			write = append(write, func(tx *store.Tx) error { return fs.adopt(tx, r) })
			continue
		}
		fs.here[r.ID] = f.ID
		write = append(write, func(tx *store.Tx) error { return fs.follow(tx, f.ID, r) })
	}
	var gone []store.Folder
	for _, id := range ids {
		if _, still := fs.listed[id]; !still && fs.hereID(known[id].ID) == "" {
			gone = append(gone, known[id])
		}
	}
	clear(fs.s.away)
	if len(gone) > 0 {
		// Children before parents.
		slices.SortStableFunc(gone, func(a, b store.Folder) int {
			return strings.Count(fs.paths[b.ID], "/") - strings.Count(fs.paths[a.ID], "/")
		})
		var err error
		if gone, err = fs.guardFolders(ctx, gone); err != nil {
			return err
		}
		for _, f := range gone {
			write = append(write, func(tx *store.Tx) error { return fs.dropHere(tx, f) })
		}
	}
	for _, id := range ids {
		f := known[id]
		delete(fs.lost, f.ID)
		if r, ok := fs.listed[f.RemoteID]; ok && f.Name != r.Name {
			write = append(write, func(tx *store.Tx) error { return plain(tx, f.ID, r) })
		}
	}
	return fs.e.m.Update(ctx, func(tx *store.Tx) error {
		for _, w := range write {
			if err := w(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (fs *folderSync) hereID(id groupware.FolderID) string {
	for r, h := range fs.here {
		if h == id {
			return r
		}
	}
	return ""
}

// successor finds the one new listed folder that is f under another name: the one of its identity where f was moved to here (the server
// did it, and its answer was not kept), or the only one of its identity, or the only one that also kept its last name (its parent was renamed).
func (fs *folderSync) successor(f store.Folder, listed []remote.Folder, known map[string]store.Folder) (string, bool) {
	if f.Identity == "" {
		return "", false
	}
	var old, oldNamed int
	for id, o := range known {
		if _, still := fs.listed[id]; !still && o.Identity == f.Identity && o.Kind == f.Kind {
			old++
			if o.RemoteName == f.RemoteName {
				oldNamed++
			}
		}
	}
	var found, named []string
	for _, r := range listed {
		if _, is := known[r.ID]; !is && r.Identity == f.Identity && r.Kind == f.Kind {
			if fs.isPlaced(f, r) {
				return r.ID, true
			}
			if fs.isMade(r) {
				continue
			}
			found = append(found, r.ID)
			if r.Name == f.RemoteName {
				named = append(named, r.ID)
			}
		}
	}
	switch {
	case len(found) == 1 && old == 1:
		return found[0], true
	case len(named) == 1 && oldNamed == 1:
		return named[0], true
	}
	return "", false
}

// isPlaced reports whether f has the name and place here that r has at the server.
func (fs *folderSync) isPlaced(f store.Folder, r remote.Folder) bool {
	return !f.Deleted && f.Kind == r.Kind && f.Name == r.Name && fs.folders[f.Parent].RemoteID == r.Parent
}

// isMade reports whether a person made a folder here of the name and place that r has at the server: adopt joins these.
func (fs *folderSync) isMade(r remote.Folder) bool {
	for _, f := range fs.folders {
		if f.RemoteID == "" && !f.Role.Local() && fs.isPlaced(f, r) {
			return true
		}
	}
	return false
}

// adopt makes a folder here for one that is new there, or joins it with one that a person made here under the same name.
func (fs *folderSync) adopt(tx *store.Tx, r remote.Folder) error {
	parent := fs.here[r.Parent]
	all, err := tx.Folders()
	if err != nil {
		return err
	}
	for _, f := range all {
		if f.RemoteID == "" && !f.Deleted && !f.Role.Local() && f.Parent == parent && f.Name == r.Name && f.Kind == r.Kind {
			fs.here[r.ID] = f.ID
			agreeFolder(&f, fs.s.name, r)
			return tx.PutFolder(f)
		}
	}
	f := store.Folder{Parent: parent, Name: r.Name, Kind: r.Kind, Role: r.Role, Mode: groupware.DefaultSyncMode(r.Kind, r.Role)}
	agreeFolder(&f, fs.s.name, r)
	for n := 1; ; n++ {
		id, err := tx.AddFolder(f)
		if err == nil {
			fs.here[r.ID] = id
			return nil
		}
		if !errors.Is(err, store.ErrExists) || n > 1000 {
			return fmt.Errorf("add folder %q: %w", r.Name, err)
		}
		f.Name = otherName(r.Name, r.Kind, n)
	}
}

// otherName is how a folder is called here when its name is taken, such as by a mail folder and a calendar of one name.
func otherName(name string, kind groupware.FolderKind, n int) string {
	if n == 1 {
		return fmt.Sprintf("%s (%s)", name, kind)
	}
	return fmt.Sprintf("%s (%s %d)", name, kind, n)
}

// isNamed reports whether here is how a folder called there is called here.
func isNamed(here, there string, kind groupware.FolderKind) bool {
	if here == there {
		return true
	}
	rest, ok := strings.CutPrefix(here, there+" ("+string(kind))
	return ok && strings.HasSuffix(rest, ")")
}

// plain gives a folder, whose name was taken here when it came, the name that it has at the server once that is free.
func plain(tx *store.Tx, id groupware.FolderID, r remote.Folder) error {
	f, err := tx.Folder(id)
	if err != nil || f.Name == r.Name || f.RemoteName != r.Name || !isNamed(f.Name, r.Name, f.Kind) {
		return ignoreNotFound(err)
	}
	f.Name = r.Name
	if err := tx.PutFolder(f); !errors.Is(err, store.ErrExists) {
		return err
	}
	return nil
}

// agreeFolder notes in f what the server says of it.
func agreeFolder(f *store.Folder, service string, r remote.Folder) {
	f.Service, f.RemoteID, f.RemoteParent, f.RemoteName, f.Identity = service, r.ID, r.Parent, r.Name, r.Identity
	f.Accepts, f.ReadOnly, f.NoItems = r.Accepts, r.ReadOnly, r.NoItems
	if f.Role == "" || r.Role != "" {
		f.Role = r.Role
	}
}

// follow takes over a new name and place from the server, unless the folder was renamed here only: then push does it.
func (fs *folderSync) follow(tx *store.Tx, id groupware.FolderID, r remote.Folder) error {
	f, err := tx.Folder(id)
	if err != nil {
		return err
	}
	was := f
	there := r.Name != f.RemoteName || r.Parent != f.RemoteParent && fs.here[r.Parent] != f.Parent
	if there {
		if f.Parent = fs.here[r.Parent]; !isNamed(f.Name, r.Name, f.Kind) {
			f.Name = r.Name
		}
		agreeFolder(&f, fs.s.name, r)
		if err := fs.untangle(tx, f); err != nil {
			return err
		}
	} else {
		name, parent := f.RemoteName, f.RemoteParent
		agreeFolder(&f, fs.s.name, r)
		f.RemoteName, f.RemoteParent = name, parent
		if fs.here[r.Parent] == f.Parent {
			f.RemoteParent = r.Parent // the parent's id followed its path
		}
	}
	if equalFolders(f, was) {
		return nil
	}
	return putNamed(tx, f)
}

func equalFolders(a, b store.Folder) bool {
	return reflect.DeepEqual(a, b)
}

// dropHere removes a folder that was deleted there. What was changed in it here survives: then the folder is made again
// with just that in it. It stays while something that was only filed elsewhere here may still be found at the server: the folder may
// as well have been renamed there beyond recognition.
func (fs *folderSync) dropHere(tx *store.Tx, f store.Folder) error {
	keep := false
	for after := groupware.ItemID(0); ; {
		ids, err := tx.ItemIDs(f.ID, after, executePage)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			break
		}
		after = ids[len(ids)-1]
		for _, id := range ids {
			t, err := tx.Triple(id)
			if err != nil {
				return err
			}
			if t.Base != nil && t.Base.Folder != f.ID {
				keep = true // moved here, and not there yet
				continue
			}
			if r := t.Remote; r != nil && t.Base != nil && r.Folder != f.ID {
				// It was moved out of the folder there before that went.
				b := *t.Base
				b.Folder, b.RemoteID, b.Tag = r.Folder, r.RemoteID, r.Tag
				if t.Local != nil && t.Local.Folder == f.ID {
					t.Local.Folder = r.Folder
				}
				if err := tx.Take(id, t.Local, &b, nil); err != nil {
					return err
				}
				continue
			}
			t.Remote = nil
			verb := PlanItem(t).Verb
			if verb == Revive && t.Local.Content == t.Base.Content {
				if _, err := tx.ObserveGone(f.ID, []string{t.Base.RemoteID}); err != nil {
					return err
				}
				fs.lost[f.ID] = true
				continue
			}
			switch verb {
			case Create, Revive:
				keep = true
				err = tx.Take(id, t.Local, nil, nil)
			case RemoveHere, Forget:
				fs.result.Deleted++
				err = tx.Take(id, nil, nil, nil)
			}
			if err != nil {
				return err
			}
		}
	}
	all, err := tx.Folders()
	if err != nil {
		return err
	}
	children, lives := false, false
	for _, c := range all {
		children = children || c.Parent == f.ID
		lives = lives || c.Parent == f.ID && !c.Deleted
		if c.Parent == f.ID && fs.lost[c.ID] {
			fs.lost[f.ID] = true
		}
	}
	if fs.lost[f.ID] {
		return nil
	}
	if !children && (!keep || f.Deleted) {
		return tx.RemoveFolder(f.ID)
	}
	f.RemoteID, f.RemoteName, f.RemoteParent, f.Identity, f.Token, f.NoItems = "", "", "", "", "", false
	f.Deleted = f.Deleted && !lives
	return putNamed(tx, f)
}

// untangle takes back what was moved here where it would put a folder below itself, with f where the server has moved it.
func (fs *folderSync) untangle(tx *store.Tx, f store.Folder) error {
	var way []store.Folder
	for at := f.Parent; at != f.ID; {
		if at == 0 || len(way) == maxDepth {
			return nil
		}
		up, err := tx.Folder(at)
		if err != nil {
			return err
		}
		way, at = append(way, up), up.Parent
	}
	for _, up := range way {
		if agreed := fs.here[up.RemoteParent]; up.RemoteID != "" && up.Parent != agreed && agreed != f.ID {
			up.Parent = agreed
			return putNamed(tx, up)
		}
	}
	return nil
}

// putNamed saves a folder, under another name where its own is taken.
func putNamed(tx *store.Tx, f store.Folder) error {
	name := f.Name
	for n := 1; ; n++ {
		if err := tx.PutFolder(f); !errors.Is(err, store.ErrExists) || n > 1000 {
			return err
		}
		f.Name = otherName(name, f.Kind, n)
	}
}

// push does at the server what was done to folders here.
func (fs *folderSync) push(ctx context.Context) (changed bool, err error) {
	order := make([]store.Folder, 0, len(fs.folders))
	for _, f := range fs.folders {
		order = append(order, f)
	}
	slices.SortFunc(order, func(a, b store.Folder) int {
		if d := strings.Count(fs.paths[a.ID], "/") - strings.Count(fs.paths[b.ID], "/"); d != 0 {
			return d
		}
		return int(a.ID - b.ID)
	})
	// Below a folder that was renamed, here or there, ids may be old paths: the next listing tells them.
	stale := map[groupware.FolderID]bool{}
	above, renamed := map[string]string{}, map[string]bool{}
	for id, r := range fs.listed {
		above[id] = r.Parent
	}
	moved := func(id string) bool {
		for range maxDepth {
			if id = above[id]; renamed[id] {
				return true
			}
		}
		return false
	}
	for _, f := range order {
		f = fs.folders[f.ID]
		if fs.lost[f.ID] || stale[f.Parent] || f.Service == fs.s.name && moved(f.RemoteID) {
			stale[f.ID] = true
		}
		if f.Deleted || f.Role.Local() || stale[f.ID] || fs.s.away[f.ID] {
			continue
		}
		did := false
		switch {
		case f.RemoteID == "" && serviceFor(f, fs.e.c.Services()) == fs.s.name:
			did, err = true, fs.create(ctx, f)
		case f.RemoteID != "" && f.Service == fs.s.name:
			did, err = fs.rename(ctx, f)
			stale[f.ID], renamed[f.RemoteID] = did, did
		}
		if err != nil && !refused(err) {
			return changed, err
		}
		if err != nil {
			fs.errs = append(fs.errs, err)
			continue
		}
		changed = changed || did
	}
	slices.Reverse(order) // children before parents
	for _, f := range order {
		if !f.Deleted || stale[f.ID] || f.Service != fs.s.name && f.Service != "" {
			continue
		}
		children, live := false, false
		for _, c := range fs.folders {
			children = children || c.Parent == f.ID
			live = live || c.Parent == f.ID && !c.Deleted && !fs.lost[c.ID]
		}
		if children && !live {
			continue // they belong to another service
		}
		if live {
			// A folder that is not to be deleted was put into it: it stays.
			f.Deleted = false
			if err := fs.e.m.Update(ctx, func(tx *store.Tx) error { return ignoreNotFound(putNamed(tx, f)) }); err != nil {
				return changed, err
			}
			continue
		}
		if f.RemoteID != "" {
			if err := fs.s.svc.DeleteFolder(ctx, f.RemoteID); err != nil {
				if !refused(err) {
					return changed, err
				}
				// Not allowed there: it comes back here.
				fs.errs = append(fs.errs, err)
				f.Deleted = false
				if err := fs.put(ctx, f); err != nil {
					return changed, err
				}
				continue
			}
		}
		changed = true
		fs.result.Deleted++
		if err := fs.e.m.Update(ctx, func(tx *store.Tx) error { return ignoreNotFound(tx.RemoveFolder(f.ID)) }); err != nil {
			return changed, err
		}
		delete(fs.folders, f.ID)
	}
	return changed, nil
}

// serviceFor is where a folder made here belongs.
func serviceFor(f store.Folder, services []string) string {
	want := []string{"imap"}
	switch f.Kind {
	case groupware.FolderCalendar, groupware.FolderTasks:
		want = []string{"caldav"}
	case groupware.FolderContacts:
		want = []string{"carddav"}
	case groupware.FolderNotes:
		want = []string{"caldav", "imap"}
	}
	if f.Service != "" {
		want = []string{f.Service} // decided earlier
	}
	for _, w := range want {
		if slices.Contains(services, w) {
			return w
		}
	}
	return ""
}

func (fs *folderSync) create(ctx context.Context, f store.Folder) error {
	parent := fs.folders[f.Parent]
	if parent.ID != 0 && parent.RemoteID == "" && !parent.Role.Local() {
		return nil // its parent could not be made
	}
	made, err := fs.s.svc.CreateFolder(ctx, remote.NewFolder{Parent: parent.RemoteID, Name: f.Name, Kind: f.Kind, Role: f.Role})
	if remote.KindOf(err) == remote.Exists && err != nil {
		return nil // the next listing joins them
	}
	if err != nil && f.Kind == groupware.FolderNotes && fs.s.name == "caldav" && refused(err) {
		f.Service = "imap" // no journals there: notes are messages
		return fs.put(ctx, f)
	}
	if err != nil {
		return err
	}
	agreeFolder(&f, fs.s.name, made)
	fs.listed[made.ID] = made
	fs.result.Uploaded++
	return fs.put(ctx, f)
}

func (fs *folderSync) rename(ctx context.Context, f store.Folder) (bool, error) {
	parent := fs.folders[f.Parent].RemoteID
	if isNamed(f.Name, f.RemoteName, f.Kind) && parent == f.RemoteParent {
		return false, nil
	}
	name := f.Name
	if isNamed(f.Name, f.RemoteName, f.Kind) {
		name = f.RemoteName
	}
	now, err := fs.s.svc.RenameFolder(ctx, f.RemoteID, parent, name)
	if err != nil {
		if refused(err) { // Not allowed there: the name goes back.
			f.Name = f.RemoteName
			for id, o := range fs.folders {
				if o.RemoteID == f.RemoteParent && o.Service == f.Service && f.RemoteParent != "" {
					f.Parent = id
				}
			}
			return false, errors.Join(err, fs.put(ctx, f))
		}
		return false, err
	}
	delete(fs.listed, f.RemoteID)
	agreeFolder(&f, fs.s.name, now)
	fs.listed[now.ID] = now
	fs.result.Uploaded++
	return true, fs.put(ctx, f)
}

func (fs *folderSync) put(ctx context.Context, f store.Folder) error {
	fs.folders[f.ID] = f
	return fs.e.m.Update(ctx, func(tx *store.Tx) error { return tx.PutFolder(f) })
}
