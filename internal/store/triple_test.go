package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"outpost/internal/groupware"
)

// modelItem is what the store must hold of an item, written down beside it.
type modelItem struct {
	local  *groupware.Local
	base   *groupware.Base
	remote *groupware.Remote // nil: gone or never there
}

func (it *modelItem) pending() bool {
	b, l, r := it.base, it.local, it.remote
	if b == nil {
		return l != nil
	}
	same := l != nil && l.Folder == b.Folder && l.Flags == b.Flags && l.Content == b.Content
	return !same || r == nil || r.Folder != b.Folder || r.RemoteID != b.RemoteID || r.Tag != b.Tag || r.Flags != b.Flags
}

// Whatever a person and the engine do, the three states are what was said last, Pending lists exactly the items whose states
// differ, Missing what only the server has, Doomed what is to be deleted, and the counters count.
func TestStatesAreWhatWasSaidLast(t *testing.T) {
	m := open(t)
	serial := 0
	rapid.Check(t, func(rt *rapid.T) {
		serial++
		folders := []groupware.FolderID{addFolder(t, m, fmt.Sprint("A", serial), fmt.Sprint("a", serial)), addFolder(t, m, fmt.Sprint("B", serial), fmt.Sprint("b", serial))}
		items := map[groupware.ItemID]*modelItem{}
		missing := map[groupware.Remote]bool{} // Order and Size zero
		nextRemote := 0
		someFolder := func() groupware.FolderID { return rapid.SampledFrom(folders).Draw(rt, "folder") }
		someFlags := func() groupware.Flags {
			return groupware.NewFlags(groupware.System(rapid.IntRange(0, 3).Draw(rt, "flags")), rapid.SampledFrom([]string{"", "work"}).Draw(rt, "keyword"))
		}
		someContent := func() *Prepared {
			return Prepare(groupware.MediaMessage, mail("s", rapid.IntRange(0, 9).Draw(rt, "content"), "body"))
		}
		pick := func(want func(*modelItem) bool) groupware.ItemID {
			var ids []groupware.ItemID
			for id, it := range items {
				if want(it) {
					ids = append(ids, id)
				}
			}
			if len(ids) == 0 {
				return 0
			}
			slices.Sort(ids)
			return rapid.SampledFrom(ids).Draw(rt, "item")
		}
		here := func(it *modelItem) bool { return it.local != nil }
		settle := func(id groupware.ItemID) {
			if it := items[id]; it.local == nil && it.base == nil {
				delete(items, id)
				if it.remote != nil {
					missing[*it.remote] = true
				}
			}
		}
		fresh := func(folder groupware.FolderID) groupware.Remote {
			nextRemote++
			return groupware.Remote{Folder: folder, RemoteID: fmt.Sprintf("%d.%d", serial, nextRemote), Flags: someFlags(), Tag: rapid.SampledFrom([]string{"", "t"}).Draw(rt, "tag")}
		}
		step := func(tx *Tx) error {
			switch rapid.IntRange(0, 12).Draw(rt, "deed") {
			case 0: // a person adds
				l := groupware.Local{Folder: someFolder(), Flags: someFlags()}
				p := someContent()
				l.Content = p.Hash()
				id, err := tx.Add(l.Folder, p, l.Flags, time.Time{})
				items[id] = &modelItem{local: &l}
				return err
			case 1: // edits, flags, moves
				id := pick(here)
				if id == 0 {
					return nil
				}
				l := *items[id].local
				items[id].local = &l
				switch rapid.IntRange(0, 2).Draw(rt, "edit") {
				case 0:
					p := someContent()
					l.Content = p.Hash()
					return tx.SetContent(id, p)
				case 1:
					l.Flags = someFlags()
					return tx.SetFlags(id, l.Flags)
				}
				l.Folder = someFolder()
				return tx.SetFolder(id, l.Folder)
			case 2: // deletes
				id := pick(here)
				if id == 0 {
					return nil
				}
				items[id].local = nil
				settle(id)
				return tx.Delete(id)
			case 3: // copies
				id := pick(here)
				if id == 0 {
					return nil
				}
				l := *items[id].local
				l.Folder = someFolder()
				n, err := tx.Copy(id, l.Folder)
				items[n] = &modelItem{local: &l}
				return err
			case 4: // the server shows something new
				r := fresh(someFolder())
				missing[r] = true
				n, err := tx.Observe(r.Folder, []groupware.Remote{r})
				if err == nil && n != 1 {
					err = errors.New("that was news")
				}
				return err
			case 5: // which is downloaded
				for r := range missing {
					p := someContent()
					delete(missing, r)
					id, err := tx.Download(r, p, testTime)
					items[id] = &modelItem{local: &groupware.Local{Folder: r.Folder, Flags: r.Flags, Content: p.Hash()},
						base: &groupware.Base{Folder: r.Folder, RemoteID: r.RemoteID, Tag: r.Tag, Flags: r.Flags, Content: p.Hash()}, remote: &r}
					return err
				}
			case 6, 7: // the server shows what it has, the same or changed
				id := pick(func(it *modelItem) bool { return it.remote != nil })
				if id == 0 {
					return nil
				}
				r := *items[id].remote
				if rapid.Bool().Draw(rt, "changed") {
					r.Flags, r.Tag = someFlags(), rapid.SampledFrom([]string{"", "t", "u"}).Draw(rt, "tag")
				}
				news := r != *items[id].remote
				items[id].remote = &r
				n, err := tx.Observe(r.Folder, []groupware.Remote{r})
				if err == nil && n != map[bool]int{true: 1}[news] {
					err = fmt.Errorf("%d news of %+v", n, r)
				}
				return err
			case 8: // it is gone there
				id := pick(func(it *modelItem) bool { return it.remote != nil })
				if id == 0 {
					return nil
				}
				r := items[id].remote
				items[id].remote = nil
				_, err := tx.ObserveGone(r.Folder, []string{r.RemoteID})
				return err
			case 9: // it is gone, and found elsewhere
				id := pick(func(it *modelItem) bool { return it.base != nil && it.remote == nil })
				if id == 0 {
					return nil
				}
				r := fresh(someFolder())
				items[id].remote = &r
				if _, err := tx.Observe(r.Folder, []groupware.Remote{r}); err != nil {
					return err
				}
				return tx.ObserveMoved(id, r)
			case 10: // the engine agrees
				id := pick(func(it *modelItem) bool { return true })
				if id == 0 {
					return nil
				}
				it := items[id]
				var local *groupware.Local
				var base *groupware.Base
				var p *Prepared
				if it.local != nil && rapid.IntRange(0, 5).Draw(rt, "stays") > 0 {
					l := *it.local
					local = &l
					if rapid.Bool().Draw(rt, "new content") {
						p = someContent()
						l.Content = p.Hash()
					}
				}
				switch {
				case local != nil && it.remote != nil && rapid.IntRange(0, 3).Draw(rt, "agree") > 0:
					r := it.remote
					base = &groupware.Base{Folder: r.Folder, RemoteID: r.RemoteID, Tag: r.Tag, Flags: r.Flags, Content: local.Content}
				case it.base != nil && rapid.Bool().Draw(rt, "keep base"):
					base = it.base
				}
				it.local, it.base = local, base
				if base == nil && it.remote != nil {
					// What the server shows has no item any more. What it showed as agreed is forgotten with that.
					if _, found, err := tx.remoteOf(id); err != nil {
						return err
					} else if found {
						missing[*it.remote] = true
					}
					it.remote = nil
				}
				settle(id)
				return tx.Take(id, local, base, p)
			case 11: // an upload: new at the server, and agreed; the server may have been seen before
				id := pick(func(it *modelItem) bool { return it.local != nil && it.base == nil })
				if id == 0 {
					return nil
				}
				l := items[id].local
				r := fresh(l.Folder)
				if rapid.Bool().Draw(rt, "seen") {
					if _, err := tx.Observe(r.Folder, []groupware.Remote{r}); err != nil {
						return err
					}
				}
				items[id].remote = &r
				items[id].base = &groupware.Base{Folder: r.Folder, RemoteID: r.RemoteID, Tag: r.Tag, Flags: r.Flags, Content: l.Content}
				return tx.Take(id, l, items[id].base, nil)
			case 12: // an edit of mail was uploaded: the server holds it under a new id
				id := pick(func(it *modelItem) bool { return it.local != nil && it.base != nil })
				if id == 0 {
					return nil
				}
				it := items[id]
				r := fresh(it.base.Folder)
				if row, found, err := tx.remoteOf(id); err != nil {
					return err
				} else if found && !row.gone {
					if row.Folder != it.base.Folder || row.RemoteID != it.base.RemoteID {
						return nil // it has moved there: the engine takes that over first
					}
					missing[row.Remote] = true // until the server says that it is gone
				}
				it.remote = &r
				it.base = &groupware.Base{Folder: r.Folder, RemoteID: r.RemoteID, Tag: r.Tag, Flags: r.Flags, Content: it.local.Content}
				return tx.Take(id, it.local, it.base, nil)
			}
			return nil
		}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			if err := m.Update(context.Background(), step); err != nil {
				rt.Fatal(err)
			}
		}
		err := m.View(context.Background(), func(tx *Tx) error {
			for id, it := range items {
				got, err := tx.Triple(id)
				if err != nil {
					return err
				}
				same := func(what string, got, want any) {
					if fmt.Sprint(got) != fmt.Sprint(want) {
						rt.Errorf("item %d, %s: got %v, want %v", id, what, got, want)
					}
				}
				show := func(p any) string {
					switch v := p.(type) {
					case *groupware.Local:
						if v != nil {
							return fmt.Sprintf("%+v", *v)
						}
					case *groupware.Base:
						if v != nil {
							return fmt.Sprintf("%+v", *v)
						}
					case *groupware.Remote:
						if v != nil {
							return fmt.Sprintf("%+v", *v)
						}
					}
					return "absent"
				}
				same("local", show(got.Local), show(it.local))
				same("base", show(got.Base), show(it.base))
				same("remote", show(got.Remote), show(it.remote))
			}
			for _, folder := range folders {
				var want []groupware.ItemID
				var count, here, there, of int64
				for id, it := range items {
					if b, l := it.base, it.local; b != nil && b.Folder == folder {
						of++
						if it.remote == nil && l != nil && l.Folder == folder && l.Content == b.Content {
							here++
						}
						if it.remote != nil && l == nil {
							there++
						}
					}
					in := it.local != nil && it.local.Folder == folder || it.base != nil && it.base.Folder == folder || it.remote != nil && it.remote.Folder == folder
					if in && it.pending() {
						want = append(want, id)
					}
					if it.local != nil && it.local.Folder == folder {
						count++
					}
				}
				slices.Sort(want)
				triples, err := tx.Pending(folder, 0, 1000)
				if err != nil {
					return err
				}
				var got []groupware.ItemID
				for _, tr := range triples {
					got = append(got, tr.Item)
				}
				if !slices.Equal(got, want) {
					rt.Errorf("pending in %d: got %v, want %v", folder, got, want)
				}
				if f, err := tx.Folder(folder); err != nil || f.Items != count {
					rt.Errorf("folder %d counts %d of %d: %v", folder, f.Items, count, err)
				}
				if h, th, o, err := tx.Doomed(folder); err != nil || h != here || th != there || o != of {
					rt.Errorf("doomed in %d: got %d, %d of %d, want %d, %d of %d: %v", folder, h, th, o, here, there, of, err)
				}
				seen, err := tx.Missing(folder, 1000)
				if err != nil {
					return err
				}
				n := 0
				for r := range missing {
					if r.Folder == folder {
						n++
						if !slices.Contains(seen, r) {
							rt.Errorf("%+v is missing, and not in Missing", r)
						}
					}
				}
				if len(seen) != n {
					rt.Errorf("missing in %d: got %v, want %v", folder, seen, missing)
				}
			}
			return nil
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
	clean(t, m)
}
