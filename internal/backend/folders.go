package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"outpost/internal/groupware"
	"outpost/internal/store"
)

// Folder is a folder as frontends see it.
type Folder struct {
	ID       string               `json:"id"`
	Path     string               `json:"path"`
	Kind     groupware.FolderKind `json:"kind"`
	Role     groupware.Role       `json:"role"`
	Sync     groupware.SyncMode   `json:"sync"`
	Items    int64                `json:"items"`
	Unread   int64                `json:"unread"`
	ReadOnly bool                 `json:"readOnly,omitempty"`
}

// place is a folder of one of the mailboxes.
type place struct {
	box *mailbox
	store.Folder
	path string // within the mailbox
}

const (
	maxFolderName  = 255
	maxFolderDepth = 64
)

// places lists the folders of a mailbox that a person sees, parents first, by path.
func places(ctx context.Context, b *mailbox) ([]place, error) {
	var folders []store.Folder
	err := b.View(ctx, func(tx *store.Tx) (err error) {
		folders, err = tx.Folders()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the folders of %s: %w", b.get().Email, err)
	}
	paths := make(map[groupware.FolderID]string, len(folders))
	var out []place
	for _, f := range folders {
		if f.Deleted {
			continue
		}
		path := strings.ReplaceAll(f.Name, "/", `\/`)
		if parent, ok := paths[f.Parent]; ok {
			path = parent + "/" + path
		} else if f.Parent != 0 {
			continue // in a folder that was deleted here
		}
		paths[f.ID] = path
		out = append(out, place{b, f, path})
	}
	slices.SortStableFunc(out, func(a, b place) int {
		return cmp.Or(cmp.Compare(order(a.Folder), order(b.Folder)), strings.Compare(strings.ToLower(a.path), strings.ToLower(b.path)))
	})
	return out, nil
}

// order sorts folders for display: the Inbox, the others, and last what exists only here.
func order(f store.Folder) int {
	switch {
	case f.Role == groupware.RoleInbox:
		return 0
	case f.Role.Local():
		return 2
	}
	return 1
}

// allPlaces lists the folders of all mailboxes.
func (s *Server) allPlaces(ctx context.Context) ([]place, error) {
	var out []place
	for _, b := range s.mailboxes() {
		ps, err := places(ctx, b)
		if err != nil {
			return nil, err
		}
		out = append(out, ps...)
	}
	return out, nil
}

// fullPath is a folder's path as it is shown: with the account in front where there are several.
func (s *Server) fullPath(p place) string {
	if len(s.mailboxes()) > 1 {
		return p.box.get().Email + "/" + p.path
	}
	return p.path
}

// Folders lists all folders.
func (s *Server) Folders(ctx context.Context) ([]Folder, error) {
	ps, err := s.allPlaces(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Folder, 0, len(ps))
	for _, p := range ps {
		out = append(out, s.folder(p))
	}
	return out, nil
}

func (s *Server) folder(p place) Folder {
	return Folder{ID: idText(p.box, int64(p.ID)), Path: s.fullPath(p), Kind: p.Kind, Role: p.Role, Sync: p.Mode, Items: p.Items, Unread: p.Unread, ReadOnly: p.ReadOnly}
}

// idText is the id of an item or folder as frontends see it: the account's number, a dot, and the id within the mailbox.
func idText(b *mailbox, id int64) string {
	return strconv.FormatInt(b.get().ID, 10) + "." + strconv.FormatInt(id, 10)
}

// find returns the folder that a path names. A path may begin with the account's address; without it, it must name
// one folder only. INBOX is found in any case.
func (s *Server) find(ctx context.Context, path string) (place, error) {
	want := norm.NFC.String(strings.Trim(path, "/"))
	if want == "" {
		return place{}, fail(CodeUsage, "name a folder, like INBOX or Customers/Miller; outpost folder list shows them")
	}
	ps, err := s.allPlaces(ctx)
	if err != nil {
		return place{}, err
	}
	account, rest, _ := strings.Cut(want, "/")
	var hits []place
	for _, p := range ps {
		if samePath(p.path, want) || strings.EqualFold(p.box.get().Email, account) && samePath(p.path, rest) {
			hits = append(hits, p)
		}
	}
	switch len(hits) {
	case 1:
		return hits[0], nil
	case 0:
		return place{}, s.unknownFolder(path, want, ps)
	}
	names := []string{}
	for _, p := range hits {
		names = append(names, s.fullPath(p))
	}
	return place{}, fail(CodeUsage, "there are several folders %q: say which one, %s", path, strings.Join(names, " or "))
}

// samePath compares paths; INBOX at their beginning without case (RFC 9051 5.1).
func samePath(have, want string) bool {
	have = norm.NFC.String(have)
	if have == want {
		return true
	}
	const inbox = "INBOX"
	return len(have) == len(want) && len(want) >= len(inbox) && strings.EqualFold(have[:len(inbox)], inbox) && strings.EqualFold(want[:len(inbox)], inbox) &&
		have[len(inbox):] == want[len(inbox):] && (len(want) == len(inbox) || want[len(inbox)] == '/')
}

// unknownFolder says that there is no such folder, and which ones are called nearly so.
func (s *Server) unknownFolder(path, want string, ps []place) error {
	if len(s.mailboxes()) == 0 {
		return fail(CodeNotFound, "there is no folder %q: there is no account yet, add one with outpost account add", path)
	}
	if r := []rune(path); len(r) > 100 {
		path = string(r[:100]) + "\u2026"
	}
	type near struct {
		path string
		far  int
	}
	var nears []near
	n := utf8.RuneCountInString(want)
	for _, p := range ps {
		full := s.fullPath(p)
		far := min(distance(strings.ToLower(p.path), strings.ToLower(want)), distance(strings.ToLower(full), strings.ToLower(want)),
			1+distance(strings.ToLower(p.Name), strings.ToLower(want)))
		if far <= 1+n/3 && far < n { // else it is another name
			nears = append(nears, near{full, far})
		}
	}
	slices.SortStableFunc(nears, func(a, b near) int { return cmp.Compare(a.far, b.far) })
	if len(nears) == 0 && slices.ContainsFunc(s.mailboxes(), func(b *mailbox) bool { return b.get().LastSync.IsZero() }) {
		return fail(CodeNotFound, "there is no folder %q yet: outpost sync brings the mailbox here first", path)
	}
	if len(nears) == 0 {
		return fail(CodeNotFound, "there is no folder %q: outpost folder list shows those that are there", path)
	}
	var names []string
	for _, n := range nears[:min(3, len(nears))] {
		names = append(names, strconv.Quote(n.path))
	}
	return fail(CodeNotFound, "there is no folder %q: did you mean %s?", path, strings.Join(names, " or "))
}

// distance is the number of letters to insert, remove or replace to turn a into b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 256 || len(y) > 256 {
		return max(len(x), len(y))
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := diagonal
			if x[i] != y[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)]
}

// newName splits the path of a folder to be made into the folder that it will be in (zero: the top) and its name.
func (s *Server) newName(ctx context.Context, path string) (b *mailbox, parent place, name string, err error) {
	path = strings.Trim(path, "/")
	boxes := s.mailboxes()
	if len(boxes) == 0 {
		return nil, place{}, "", fail(CodeNotFound, "there is no account yet: add one with outpost account add")
	}
	b = boxes[0]
	rest, named := path, false
	if account, r, ok := strings.Cut(path, "/"); ok {
		if other := s.boxOf(account); other != nil {
			b, rest, named = other, r, true
		}
	}
	dir, name := "", rest
	if i := strings.LastIndexByte(rest, '/'); i >= 0 {
		dir, name = rest[:i], rest[i+1:]
	}
	if dir == "" {
		if len(boxes) > 1 && !named {
			return nil, place{}, "", fail(CodeUsage, "there are several accounts: begin the path with the address of one, like %s/%s", b.get().Email, path)
		}
	} else {
		if named {
			dir = b.get().Email + "/" + dir
		}
		if parent, err = s.find(ctx, dir); err != nil {
			return nil, place{}, "", err
		}
		b = parent.box
	}
	return b, parent, name, checkName(name)
}

func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return fail(CodeUsage, "a folder needs a name")
	case len(name) > maxFolderName:
		return fail(CodeUsage, "the name of a folder has at most %d bytes", maxFolderName)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '/' }):
		return fail(CodeUsage, "the name %q of a folder holds a character that it must not", name)
	}
	return nil
}

// CreateFolder makes a folder here, with the mail folders on the way to it (RFC 9051 6.3.4); it is made at the server with
// the next pass.
func (s *Server) CreateFolder(ctx context.Context, path string, kind groupware.FolderKind) (Folder, error) {
	if strings.Count(path, "/") > maxFolderDepth {
		return Folder{}, fail(CodeUsage, "folders can be at most %d deep", maxFolderDepth)
	}
	b, parent, name, err := s.newName(ctx, path)
	if up := strings.LastIndexByte(strings.Trim(path, "/"), '/'); up > 0 && kind == groupware.FolderMail && CodeOf(err) == CodeNotFound && len(s.mailboxes()) > 0 {
		if _, err := s.CreateFolder(ctx, strings.Trim(path, "/")[:up], kind); err != nil {
			return Folder{}, err
		}
		b, parent, name, err = s.newName(ctx, path)
	}
	if err != nil {
		return Folder{}, err
	}
	service, err := serviceFor(ctx, b, kind)
	if err != nil {
		return Folder{}, err
	}
	f := store.Folder{Parent: parent.ID, Name: name, Kind: kind, Service: service, Mode: groupware.DefaultSyncMode(kind, "")}
	if err := fits(parent, f); err != nil {
		return Folder{}, err
	}
	err = b.Update(ctx, func(tx *store.Tx) (err error) {
		f.ID, err = tx.AddFolder(f)
		return err
	})
	if err != nil {
		return Folder{}, folderError(err, path)
	}
	b.changed()
	return s.folderByID(ctx, b, f.ID)
}

// serviceFor names the service that holds folders of a kind.
func serviceFor(ctx context.Context, b *mailbox, kind groupware.FolderKind) (string, error) {
	a := b.get()
	var try []string
	switch kind {
	case groupware.FolderMail:
		try = []string{"imap"}
	case groupware.FolderContacts:
		try = []string{"carddav"}
	case groupware.FolderCalendar, groupware.FolderTasks:
		try = []string{"caldav"}
	case groupware.FolderNotes: // where the server keeps notes already, else as messages
		ps, err := places(ctx, b)
		if err != nil {
			return "", err
		}
		for _, p := range ps {
			if p.Kind == kind && p.Service != "" {
				try = append(try, p.Service)
			}
		}
		try = append(try, "imap", "caldav")
	default:
		return "", fail(CodeUsage, "%q is not a kind of folder: use mail, calendar, contacts, tasks or notes", kind)
	}
	for _, service := range try {
		if urlOf(a, service) != "" {
			return service, nil
		}
	}
	return "", fail(CodeRefused, "the account %s has no server for a folder of kind %s", a.Email, kind)
}

// fits says whether a folder can be in another one (or at the top).
func fits(parent place, f store.Folder) error {
	switch {
	case parent.box == nil:
		return nil
	case parent.Role.Local():
		return fail(CodeRefused, "the folder %q exists only here and cannot hold other folders", parent.path)
	case f.Service != "imap":
		return fail(CodeRefused, "a folder of kind %s cannot be in another folder: make it at the top", f.Kind)
	case parent.Service != f.Service:
		return fail(CodeRefused, "a folder of kind %s cannot be in %q, which holds %s: make it at the top", f.Kind, parent.path, parent.Kind)
	case parent.ReadOnly:
		return fail(CodeReadOnly, "the folder %q can only be read: the server lets nothing be made in it", parent.path)
	case strings.Count(parent.path, "/")+2 > maxFolderDepth:
		return fail(CodeRefused, "folders can be at most %d deep", maxFolderDepth)
	}
	return nil
}

func folderError(err error, path string) error {
	if errors.Is(err, store.ErrExists) {
		return &Error{Code: CodeExists, Err: err, Text: fmt.Sprintf("there is a folder %q already", path)}
	}
	return err
}

func (s *Server) folderByID(ctx context.Context, b *mailbox, id groupware.FolderID) (Folder, error) {
	ps, err := places(ctx, b)
	if err != nil {
		return Folder{}, err
	}
	for _, p := range ps {
		if p.ID == id {
			return s.folder(p), nil
		}
	}
	return Folder{}, fail(CodeNotFound, "the folder is gone meanwhile")
}

// changeable returns the folder of a path if a person may rename, move or delete it.
func (s *Server) changeable(ctx context.Context, path, doing string) (place, error) {
	p, err := s.find(ctx, path)
	switch {
	case err != nil:
	case p.Role == groupware.RoleInbox || p.Role.Local():
		err = fail(CodeRefused, "the folder %q cannot be %s: Outpost and the server need it", path, doing)
	case p.ReadOnly:
		err = fail(CodeReadOnly, "the folder %q can only be read: it cannot be %s", path, doing)
	}
	return p, err
}

// RenameFolder gives a folder another name in the same place.
func (s *Server) RenameFolder(ctx context.Context, path, name string) (Folder, error) {
	p, err := s.changeable(ctx, path, "renamed")
	if err == nil {
		err = checkName(name)
	}
	if err == nil {
		err = nameable(ctx, p)
	}
	if err != nil {
		return Folder{}, err
	}
	return s.changeFolder(ctx, p, name, func(f *store.Folder) { f.Name = name })
}

// nameable says whether the folder that holds another one lets it have a new name: that makes a folder in it (RFC 4314 4).
func nameable(ctx context.Context, p place) error {
	if p.Parent == 0 {
		return nil
	}
	return p.box.View(ctx, func(tx *store.Tx) error {
		parent, err := tx.Folder(p.Parent)
		if err == nil && parent.ReadOnly {
			err = fail(CodeReadOnly, "the folder %q is in %q, which can only be read: it keeps its name", p.path, parent.Name)
		}
		return err
	})
}

// MoveFolder puts a folder into another one; "" or "/" is the top.
func (s *Server) MoveFolder(ctx context.Context, path, to string) (Folder, error) {
	p, err := s.changeable(ctx, path, "moved")
	if err != nil {
		return Folder{}, err
	}
	var parent place
	if strings.Trim(to, "/") != "" {
		if parent, err = s.find(ctx, to); err != nil {
			return Folder{}, err
		}
		if parent.box != p.box {
			return Folder{}, fail(CodeRefused, "%q belongs to another account: a folder cannot be moved between accounts", to)
		}
		if parent.path == p.path || strings.HasPrefix(parent.path, p.path+"/") {
			return Folder{}, fail(CodeRefused, "the folder %q cannot be moved into itself", path)
		}
	}
	if err := fits(parent, p.Folder); err != nil {
		return Folder{}, err
	}
	return s.changeFolder(ctx, p, path, func(f *store.Folder) { f.Parent = parent.ID })
}

func (s *Server) changeFolder(ctx context.Context, p place, name string, change func(*store.Folder)) (Folder, error) {
	if err := p.box.Update(ctx, func(tx *store.Tx) error { return modify(tx, p.ID, change) }); err != nil {
		return Folder{}, folderError(err, name)
	}
	p.box.changed()
	return s.folderByID(ctx, p.box, p.ID)
}

// modify changes a folder as it is now: what the engine has learnt about it meanwhile stays.
func modify(tx *store.Tx, id groupware.FolderID, change func(*store.Folder)) error {
	f, err := tx.Folder(id)
	if err != nil {
		return err
	}
	change(&f)
	return tx.PutFolder(f)
}

// below lists a folder and all in it, parents first.
func below(ctx context.Context, p place) ([]place, error) {
	ps, err := places(ctx, p.box)
	if err != nil {
		return nil, err
	}
	in := map[groupware.FolderID]bool{p.ID: true}
	out := []place{p}
	slices.SortStableFunc(ps, func(a, b place) int { return cmp.Compare(strings.Count(a.path, "/"), strings.Count(b.path, "/")) })
	for _, f := range ps {
		if in[f.Parent] {
			in[f.ID] = true
			out = append(out, f)
		}
	}
	return out, nil
}

// DeleteFolder deletes a folder with all that is in it, here now and at the server with the next pass.
func (s *Server) DeleteFolder(ctx context.Context, path string) error {
	p, err := s.changeable(ctx, path, "deleted")
	if err != nil {
		return err
	}
	all, err := below(ctx, p)
	if err != nil {
		return err
	}
	for _, f := range all {
		if f.ReadOnly {
			return fail(CodeReadOnly, "the folder %q holds %q, which can only be read: neither is deleted", path, f.path)
		}
	}
	err = p.box.Update(ctx, func(tx *store.Tx) error {
		for _, f := range slices.Backward(all) {
			now, err := tx.Folder(f.ID)
			if err == nil && now.RemoteID == "" { // never was at the server
				err = tx.RemoveFolder(f.ID)
			} else if err == nil {
				now.Deleted = true
				err = tx.PutFolder(now)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		p.box.changed()
	}
	return err
}

// SetFolder chooses how much of a folder is kept here (SPEC C3); what is here already stays.
func (s *Server) SetFolder(ctx context.Context, path string, mode groupware.SyncMode, recursive bool) ([]Folder, error) {
	p, err := s.find(ctx, path)
	if err != nil {
		return nil, err
	}
	if p.Role.Local() {
		return nil, fail(CodeRefused, "the folder %q exists only here: there is nothing to synchronise", path)
	}
	all := []place{p}
	if recursive {
		if all, err = below(ctx, p); err != nil {
			return nil, err
		}
	}
	err = p.box.Update(ctx, func(tx *store.Tx) error {
		for i := range all {
			all[i].Mode = mode
			if err := modify(tx, all[i].ID, func(f *store.Folder) { f.Mode, f.ModeSet = mode, true }); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.box.changed()
	out := []Folder{}
	for _, f := range all {
		out = append(out, s.folder(f))
	}
	return out, nil
}
