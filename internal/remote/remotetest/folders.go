package remotetest

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

func nests(f Features) bool   { return f.Nests }
func renames(f Features) bool { return f.Renames }

func folderTests() []test {
	return []test{
		{name: "the service has one of the three names", run: func(e *env) {
			want := map[groupware.FolderKind]string{groupware.FolderMail: "imap", groupware.FolderContacts: "carddav"}[e.folderKind]
			if want == "" {
				want = "caldav"
			}
			if e.s.Name() != want {
				e.Fatalf("got %q, want %q", e.s.Name(), want)
			}
		}},
		{name: "a new folder is listed with its name, kind and parent", run: func(e *env) {
			name := e.name()
			f := e.folderIn("", name)
			got, ok := e.listed(f.ID)
			if !ok {
				e.Fatalf("%q is not listed under the id that CreateFolder told: %q", name, f.ID)
			}
			for _, g := range []remote.Folder{f, got} {
				if g.ID == "" || g.Name != name || g.Kind != e.folderKind || g.Parent != "" || g.ReadOnly || g.NoItems {
					e.Errorf("got %+v", g)
				}
			}
			if got.Identity != f.Identity {
				e.Errorf("Identity is %q in the listing, was %q", got.Identity, f.Identity)
			}
			if got.Items > 0 {
				e.Errorf("a new folder has %d items", got.Items)
			}
		}},
		{name: "exactly one mail folder is the inbox, and it is called Inbox in any case", kind: mail, run: func(e *env) {
			all, err := e.s.Folders(e.ctx)
			e.ok(err)
			var inboxes []string
			for _, f := range all {
				if f.Role == groupware.RoleInbox {
					inboxes = append(inboxes, f.Name)
				}
				if f.Role.Local() {
					e.Errorf("%q has role %q, which exists only here", f.Name, f.Role)
				}
			}
			if len(inboxes) != 1 || !strings.EqualFold(inboxes[0], "inbox") {
				e.Fatalf("inboxes are %q", inboxes)
			}
			_, err = e.s.CreateFolder(e.ctx, remote.NewFolder{Name: "inbox", Kind: groupware.FolderMail})
			e.wantKind(err, remote.Exists, remote.Invalid, remote.Forbidden)
		}},
		{name: "a special use that was asked for is given or not, and listed as it was told", kind: mail, run: func(e *env) {
			f, err := e.s.CreateFolder(e.ctx, remote.NewFolder{Name: e.name(), Kind: e.folderKind, Role: groupware.RoleArchive})
			e.ok(err)
			e.made = append(e.made, f.ID)
			got, ok := e.listed(f.ID)
			if !ok || got.Role != f.Role || f.Role != "" && f.Role != groupware.RoleArchive {
				e.Fatalf("told %+v, listed %+v", f, got)
			}
		}},
		{name: "names with spaces, umlauts, ampersands and emoji come back as given", run: func(e *env) {
			for i, name := range []string{"Two words", "Gr\u00f6\u00dfe & Ma\u00df", "&", "\u65e5\u672c\u8a9e", "Mail \U0001f4ec box", "it's", "a+b (c) ~d=e,f-", "&AOQ-"} {
				name = e.name() + " " + name
				f := e.folderIn("", name)
				got, ok := e.listed(f.ID)
				if !ok || got.Name != name || f.Name != name {
					e.Errorf("%q became %q, listed as %q (id %q)", name, f.Name, got.Name, f.ID)
				}
				e.create(e.s, f.ID, e.item(i))
			}
		}},
		{name: "an odd name is refused or comes back as given", run: func(e *env) {
			for i, odd := range []string{"a/b", "a.b", "100%", "star*", `quote"s`, `back\slash`, "end ", "..", "e\u0301", "<b>&amp;", "#frag?q=1", "[x]", "a^b", "tab\tbed"} {
				name := e.name() + " " + odd
				f, err := e.s.CreateFolder(e.ctx, remote.NewFolder{Name: name, Kind: e.folderKind})
				if err != nil {
					e.wantKind(err, remote.Invalid, remote.Forbidden, remote.Other, remote.NotFound)
					continue
				}
				e.made = append(e.made, f.ID)
				got, ok := e.listed(f.ID)
				if !ok || got.Parent != "" || norm.NFC.String(got.Name) != norm.NFC.String(name) {
					e.Errorf("%q is listed as %q in %q (id %q)", name, got.Name, got.Parent, f.ID)
					continue
				}
				e.wantContent(f.ID, e.create(e.s, f.ID, e.item(i))[0], e.item(i))
			}
		}},
		{name: "a folder that is there is not made again", run: func(e *env) {
			name := e.name()
			f := e.folderIn("", name)
			e.create(e.s, f.ID, e.item(0))
			_, err := e.s.CreateFolder(e.ctx, remote.NewFolder{Name: name, Kind: e.folderKind})
			e.wantKind(err, remote.Exists)
			if n := len(e.all(e.s, f.ID)); n != 1 {
				e.Fatalf("the first one has %d items now", n)
			}
		}},
		{name: "parents are listed before their children", kind: mail, needs: nests, run: func(e *env) {
			top := e.folder()
			mid := e.folderIn(top.ID, "z child")
			e.folderIn(mid.ID, "a grandchild")
			e.folderIn(top.ID, "\u00e4 child")
			all, err := e.s.Folders(e.ctx)
			e.ok(err)
			seen := map[string]bool{"": true}
			for _, f := range all {
				if !seen[f.Parent] {
					e.Errorf("%q comes before its parent %q", f.ID, f.Parent)
				}
				if seen[f.ID] {
					e.Errorf("%q is listed twice", f.ID)
				}
				seen[f.ID] = true
			}
		}},
		{name: "a renamed folder keeps its items", needs: renames, run: func(e *env) {
			f := e.folder()
			ids := e.create(e.s, f.ID, e.items(3)...)
			name := e.name() + " \u00fcber & Co"
			renamed, err := e.s.RenameFolder(e.ctx, f.ID, "", name)
			e.ok(err)
			e.made = append(e.made, renamed.ID)
			got, ok := e.listed(renamed.ID)
			if !ok || got.Name != name || renamed.Name != name || got.Parent != "" || got.Kind != e.folderKind {
				e.Fatalf("told %+v, listed %+v", renamed, got)
			}
			if e.StableFolderIDs && renamed.ID != f.ID {
				e.Errorf("the id was %q and is %q", f.ID, renamed.ID)
			}
			if renamed.ID != f.ID {
				if f.Identity == "" || got.Identity != f.Identity {
					e.Errorf("neither id nor identity survive: %q and %q became %q and %q", f.ID, f.Identity, renamed.ID, got.Identity)
				}
				if _, still := e.listed(f.ID); still {
					e.Errorf("the old id %q is still listed", f.ID)
				}
			}
			now := e.all(e.s, renamed.ID)
			for i, id := range ids {
				if _, ok := now[id]; !ok {
					e.Fatalf("item %s is not in %v", id, now)
				}
				e.wantContent(renamed.ID, id, e.item(i))
			}
		}},
		{name: "a rename to the same place changes nothing", needs: renames, run: func(e *env) {
			f := e.folder()
			e.create(e.s, f.ID, e.item(0))
			got, err := e.s.RenameFolder(e.ctx, f.ID, f.Parent, f.Name)
			if err != nil {
				e.wantKind(err, remote.Exists, remote.Other, remote.Invalid)
			} else if got.ID != f.ID || got.Name != f.Name {
				e.Fatalf("got %+v", got)
			}
			if len(e.all(e.s, f.ID)) != 1 {
				e.Fatal("the item is lost")
			}
		}},
		{name: "a folder is not renamed onto one that is there", needs: renames, run: func(e *env) {
			a, b := e.folder(), e.folder()
			e.create(e.s, a.ID, e.item(0))
			_, err := e.s.RenameFolder(e.ctx, a.ID, "", b.Name)
			if objects(e.folderKind) && err == nil {
				// Names of collections need not be unique; what matters is that both are still there.
				if len(e.all(e.s, a.ID)) != 1 || len(e.all(e.s, b.ID)) != 0 {
					e.Fatal("the folders were mixed up")
				}
				return
			}
			e.wantKind(err, remote.Exists)
			if len(e.all(e.s, a.ID)) != 1 || len(e.all(e.s, b.ID)) != 0 {
				e.Fatal("something changed all the same")
			}
		}},
		{name: "a renamed folder's children come along", kind: mail, needs: func(f Features) bool { return f.Nests && f.Renames }, run: func(e *env) {
			top := e.folder()
			sub := e.folderIn(top.ID, "Sub")
			e.create(e.s, sub.ID, e.item(0))
			renamed, err := e.s.RenameFolder(e.ctx, top.ID, "", e.name())
			e.ok(err)
			e.made = append(e.made, renamed.ID)
			moved := e.child(renamed.ID, "Sub")
			e.made = append(e.made, moved.ID)
			if len(e.all(e.s, moved.ID)) != 1 {
				e.Fatal("the child's item is lost")
			}
		}},
		{name: "a folder moves to another parent and back to the top", kind: mail, needs: func(f Features) bool { return f.Nests && f.Renames }, run: func(e *env) {
			a, b := e.folder(), e.folder()
			id := e.create(e.s, a.ID, e.item(0))[0]
			moved, err := e.s.RenameFolder(e.ctx, a.ID, b.ID, "Inner \u00e4")
			e.ok(err)
			e.made = append(e.made, moved.ID)
			if got, ok := e.listed(moved.ID); !ok || got.Parent != b.ID || got.Name != "Inner \u00e4" || moved.Parent != b.ID {
				e.Fatalf("told %+v, listed %+v", moved, got)
			}
			e.wantContent(moved.ID, id, e.item(0))
			back, err := e.s.RenameFolder(e.ctx, moved.ID, "", e.name())
			e.ok(err)
			e.made = append(e.made, back.ID)
			if got, ok := e.listed(back.ID); !ok || got.Parent != "" {
				e.Fatalf("told %+v, listed %+v", back, got)
			}
			e.wantContent(back.ID, id, e.item(0))
		}},
		{name: "a folder cannot be made in, or moved to, a parent that is not there", kind: mail, needs: func(f Features) bool { return f.Renames }, run: func(e *env) {
			f := e.folder()
			gone := e.folder()
			e.ok(e.s.DeleteFolder(e.ctx, gone.ID))
			// A server may make the parent on the way; then the folder is where it was asked for.
			moved, err := e.s.RenameFolder(e.ctx, f.ID, gone.ID, "Inner")
			if err == nil {
				e.made = append(e.made, gone.ID, moved.ID)
				if got, ok := e.listed(moved.ID); !ok || got.Parent == "" {
					e.Fatalf("told %+v, listed %+v", moved, got)
				}
				return
			}
			if _, ok := e.listed(f.ID); !ok {
				e.Fatal("the folder is lost")
			}
		}},
		{name: "a deleted folder is gone with all its items, and deleting it again is no error", run: func(e *env) {
			f := e.folder()
			e.create(e.s, f.ID, e.items(2)...)
			e.ok(e.s.DeleteFolder(e.ctx, f.ID))
			if _, ok := e.listed(f.ID); ok {
				e.Fatal("it is still listed")
			}
			e.ok(e.s.DeleteFolder(e.ctx, f.ID))
			e.reconnect()
			e.ok(e.s.DeleteFolder(e.ctx, f.ID))
		}},
		{name: "a deleted folder takes its children along", kind: mail, needs: nests, run: func(e *env) {
			f := e.folder()
			sub := e.folderIn(f.ID, "Sub")
			deep := e.folderIn(sub.ID, "Deep")
			e.create(e.s, deep.ID, e.item(0))
			e.ok(e.s.DeleteFolder(e.ctx, f.ID))
			for _, id := range []string{f.ID, sub.ID, deep.ID} {
				if _, ok := e.listed(id); ok {
					e.Errorf("%q is still listed", id)
				}
			}
		}},
		{name: "a folder made again under an old name is another one", run: func(e *env) {
			name := e.name()
			f := e.folderIn("", name)
			ids := e.create(e.s, f.ID, e.items(2)...)
			token := e.mirror(f.ID).token
			e.ok(e.s.DeleteFolder(e.ctx, f.ID))
			again := e.folderIn("", name)
			if again.Identity != "" && again.Identity == f.Identity {
				e.Errorf("it has the same identity %q", again.Identity)
			}
			if n := len(e.all(e.s, again.ID)); n != 0 {
				e.Fatalf("it has %d items", n)
			}
			fresh := e.item(7)
			kept := e.create(e.s, again.ID, fresh)[0]
			if slices.Contains(ids, kept) {
				e.Errorf("the id %q is used again", kept)
			}
			l, _ := (&mirror{e: e, folder: again.ID, token: token, items: map[string]remote.Change{}}).pull(e.s)
			if !l.Full {
				e.Error("the token of the old folder is taken for one of the new")
			}
			// What is known of the old folder must not act on the new one.
			if len(e.read(again.ID, ids...)) != 0 {
				e.Error("ids of the old folder name items of the new")
			}
			if err := e.s.SetFlags(e.ctx, again.ID, ids, groupware.Flags{System: groupware.Flagged}, groupware.Flags{}); err != nil {
				e.wantKind(err, remote.Precondition)
			}
			e.ok(e.s.Delete(e.ctx, again.ID, refs(ids), func(id string, err error) error {
				if err != nil {
					e.wantKind(err, remote.Precondition)
				}
				return nil
			}))
			now := e.all(e.s, again.ID)
			if c, ok := now[kept]; !ok || !c.Flags.Minus(groupware.Flags{System: groupware.Seen}).Empty() {
				e.Errorf("the new folder's item was acted on: %+v", now)
			}
			if e.Renames { // Cyrus 3.6 cannot delete two folders of one name within a second.
				last, err := e.s.RenameFolder(e.ctx, again.ID, "", e.name())
				e.ok(err)
				e.made = append(e.made, last.ID)
			}
		}},
		{name: "the listing's State is the token while nothing changes, and another one after", needs: func(f Features) bool { return f.State }, run: func(e *env) {
			f := e.folder()
			e.create(e.s, f.ID, e.item(0))
			m := e.mirror(f.ID)
			same := func() bool {
				got, ok := e.listed(f.ID)
				if !ok || got.State == "" {
					e.Fatalf("listed %+v", got)
				}
				return got.State == m.token
			}
			for range 2 {
				if !same() {
					e.Fatal("State differs and nothing changed")
				}
			}
			check := func(what string) {
				e.Helper()
				if same() {
					e.Errorf("State is the same after %s", what)
				}
				m.pull(e.s)
				m.check()
				if !same() {
					e.Errorf("State differs from the token after %s was listed", what)
				}
			}
			ids := e.create(e.other(), f.ID, e.item(1))
			check("a new item")
			if mail(e.folderKind) {
				e.ok(e.other().SetFlags(e.ctx, f.ID, ids, groupware.Flags{System: groupware.Flagged}, groupware.Flags{}))
				check("a new flag")
			}
			e.delete(e.other(), f.ID, ids...)
			check("a deletion")
		}},
		{name: "a folder that is not there is NotFound", run: func(e *env) {
			f := e.folder()
			id := e.create(e.s, f.ID, e.item(0))[0]
			there := e.folder()
			e.ok(e.s.DeleteFolder(e.ctx, f.ID))
			for _, folder := range []string{f.ID, f.ID + "x"} {
				_, err := e.s.Changes(e.ctx, folder, "", func(remote.Change) error { return nil })
				e.wantKind(err, remote.NotFound)
				err = e.s.Fetch(e.ctx, folder, []string{id}, remote.PartWhole, func(f remote.Fetched) error {
					e.Errorf("fetched %q", f.ID)
					return nil
				})
				if err != nil { // A service may find that none of the ids is there.
					e.wantKind(err, remote.NotFound)
				}
				_, err = e.s.RenameFolder(e.ctx, folder, "", e.name())
				if e.Renames {
					e.wantKind(err, remote.NotFound)
				}
				err = e.s.Create(e.ctx, folder, []remote.NewItem{e.item(1)}, func(_ int, _ remote.Created, err error) error { return err })
				e.wantKind(err, remote.NotFound, remote.Precondition)
				if e.Moves {
					_, err = e.s.Move(e.ctx, there.ID, e.create(e.s, there.ID, e.item(len(folder))), folder)
					e.wantKind(err, remote.NotFound, remote.Precondition)
				}
				err = e.s.Delete(e.ctx, folder, []remote.Ref{{ID: id}}, func(_ string, err error) error { return err })
				if err != nil {
					e.wantKind(err, remote.NotFound)
				}
			}
		}},
		{name: "what a service tells grows with what it does", run: func(e *env) {
			in, out := e.s.Traffic()
			f := e.folder()
			item := e.item(0)
			id := e.create(e.s, f.ID, item)
			in2, out2 := e.s.Traffic()
			if out2 < out+int64(len(item.Raw))/8 {
				e.Errorf("storing %d bytes wrote %d", len(item.Raw), out2-out)
			}
			e.read(f.ID, id...)
			in3, _ := e.s.Traffic()
			if in2 < in || in3 <= in2 {
				e.Errorf("read %d, then %d, then %d", in, in2, in3)
			}
		}},
		{name: "a call with a context that has ended does nothing", run: func(e *env) {
			f := e.folder()
			ctx, cancel := context.WithCancel(e.ctx)
			cancel()
			err := e.s.Create(ctx, f.ID, e.items(1), func(int, remote.Created, error) error { return nil })
			if err == nil {
				e.Fatal("no error")
			}
			e.reconnect()
			if n := len(e.all(e.s, f.ID)); n != 0 {
				e.Fatalf("%d items were stored", n)
			}
		}},
		{name: "a closed service answers with an error", run: func(e *env) {
			e.ok(e.s.Close())
			_, err := e.s.Folders(e.ctx)
			e.s.Close()
			e.reconnect()
			if err == nil && mail(e.folderKind) {
				e.Fatal("no error")
			}
		}},
	}
}

// child finds a folder by its parent and name.
func (e *env) child(parent, name string) remote.Folder {
	e.Helper()
	all, err := e.s.Folders(e.ctx)
	e.ok(err)
	i := slices.IndexFunc(all, func(f remote.Folder) bool { return f.Parent == parent && f.Name == name })
	if i < 0 {
		e.Fatalf("%q has no child %q", parent, name)
	}
	return all[i]
}

func refs(ids []string) []remote.Ref {
	out := make([]remote.Ref, len(ids))
	for i, id := range ids {
		out[i].ID = id
	}
	return out
}

// gone has another client delete items, and this one see that they are gone: a session that was not told of a deletion
// may go on showing the item (RFC 2180 4.1).
func (e *env) gone(folder string, ids ...string) {
	e.Helper()
	e.delete(e.other(), folder, ids...)
	all := e.all(e.s, folder)
	for _, id := range ids {
		if _, ok := all[id]; ok {
			e.Errorf("%s was deleted and is still listed", id)
		}
	}
}

// delete removes items whatever their version.
func (e *env) delete(s remote.Service, folder string, ids ...string) {
	e.Helper()
	told := 0
	e.ok(s.Delete(e.ctx, folder, refs(ids), func(id string, err error) error {
		if err != nil {
			e.Errorf("delete %s: %v", id, err)
		}
		told++
		return nil
	}))
	if told != len(ids) {
		e.Errorf("%d of %d deletions were reported", told, len(ids))
	}
}
