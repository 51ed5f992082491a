package remotetest

import (
	"slices"
	"strings"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

// restricted makes a folder with items in it that the user may only read, and one beside it.
func (e *env) restricted() (f, free remote.Folder, ids []string) {
	e.Helper()
	f, free = e.folder(), e.folder()
	ids = e.create(e.s, f.ID, e.items(2)...)
	e.undo = append(e.undo, e.Restrict(e.T, f.Name))
	e.reconnect()
	return f, free, ids
}

func rightsTests() []test {
	return []test{
		{name: "a folder that may only be read is listed so, and no other", restricted: true, run: func(e *env) {
			f, free, _ := e.restricted()
			all, err := e.s.Folders(e.ctx)
			e.ok(err)
			var readOnly []string
			for _, g := range all {
				if g.ReadOnly {
					readOnly = append(readOnly, g.ID)
				}
			}
			if !slices.Equal(readOnly, []string{f.ID}) {
				e.Errorf("%q are read-only, want %q (and not %q)", readOnly, f.ID, free.ID)
			}
		}},
		{name: "a folder that may only be read is read, and whatever would change it is refused", restricted: true, run: func(e *env) {
			f, free, ids := e.restricted()
			for i, id := range ids {
				e.wantContent(f.ID, id, e.item(i))
			}
			before := e.all(e.s, f.ID)
			var refused error
			e.ok(e.s.Create(e.ctx, f.ID, []remote.NewItem{e.item(7)}, func(_ int, _ remote.Created, err error) error {
				refused = err
				return nil
			}))
			e.wantKind(refused, remote.Forbidden)
			deleted := e.s.Delete(e.ctx, f.ID, []remote.Ref{{ID: ids[0]}}, func(_ string, err error) error {
				refused = err
				return nil
			})
			if deleted == nil {
				deleted = refused
			}
			e.wantKind(deleted, remote.Forbidden)
			e.wantKind(replaced(e.s.Replace(e.ctx, f.ID, ids[0], before[ids[0]].Tag, e.edited(0))), remote.Forbidden)
			if e.Moves {
				_, err := e.s.Move(e.ctx, f.ID, ids[:1], free.ID)
				e.wantKind(err, remote.Forbidden)
				other := e.create(e.s, free.ID, e.item(9))
				_, err = e.s.Move(e.ctx, free.ID, other, f.ID)
				e.wantKind(err, remote.Forbidden)
				if left := e.all(e.s, free.ID); len(left) != 1 {
					e.Errorf("the folder beside it holds %d items, want the one that was not moved", len(left))
				}
			}
			if mail(e.folderKind) {
				err := e.s.SetFlags(e.ctx, f.ID, ids[1:], groupware.Flags{System: groupware.Flagged}, groupware.Flags{})
				if err != nil { // a server may also take it and do nothing
					e.wantKind(err, remote.Forbidden)
				}
			}
			if after := e.all(e.s, f.ID); len(after) != len(before) || after[ids[0]] != before[ids[0]] || after[ids[1]] != before[ids[1]] {
				e.Errorf("it was %+v and is %+v", before, after)
			}
			if got, ok := e.listed(f.ID); !ok || !strings.EqualFold(got.Name, f.Name) {
				e.Errorf("listed %v as %+v", ok, got)
			}
		}},
	}
}
