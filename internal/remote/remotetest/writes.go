package remotetest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

func writeTests() []test {
	return []test{
		{name: "a new item tells where it is", run: func(e *env) {
			f := e.folder()
			e.ok(e.s.Create(e.ctx, f.ID, e.items(1), func(i int, c remote.Created, err error) error {
				e.ok(err)
				all := e.all(e.other(), f.ID)
				if len(all) != 1 {
					e.Fatalf("%d items are listed", len(all))
				}
				for id, listed := range all {
					if c.ID != id && (e.NewIDs || c.ID != "") {
						e.Errorf("told id %q, listed %q", c.ID, id)
					}
					if c.Tag != listed.Tag && (e.Tags || c.Tag != "") {
						e.Errorf("told tag %q, listed %q", c.Tag, listed.Tag)
					}
				}
				return nil
			}))
		}},
		{name: "flags, keywords and time are stored with a message", kind: mail, run: func(e *env) {
			f := e.folder()
			items := e.items(3)
			items[0].Flags = groupware.NewFlags(groupware.Seen|groupware.Answered|groupware.Draft, e.keywords("$Forwarded", "work")...)
			items[0].Received = time.Date(2001, 1, 2, 3, 4, 5, 0, time.UTC)
			items[1].Received = time.Date(2025, 10, 26, 2, 30, 0, 0, time.FixedZone("", 2*3600))
			items[2].Flags = groupware.NewFlags(groupware.Deleted)
			ids := e.create(e.s, f.ID, items...)
			got := e.read(f.ID, ids...)
			for i, id := range ids {
				g := got[id]
				if g.Flags != items[i].Flags {
					e.Errorf("item %d has flags %v, want %v", i, g.Flags.Names(), items[i].Flags.Names())
				}
				if !items[i].Received.IsZero() && !g.Received.Equal(items[i].Received) {
					e.Errorf("item %d was received %v, want %v", i, g.Received, items[i].Received)
				}
				if g.Received.IsZero() {
					e.Errorf("item %d has no time", i)
				}
			}
		}},
		{name: "one refused item stops no other", refused: true, run: func(e *env) {
			bad := remote.NewItem{Media: e.item(0).Media, Raw: e.Refused, Name: "bad"}
			switch {
			case e.folderKind == groupware.FolderContacts:
				bad.Raw, bad.Name = []byte("this is no vCard"), "bad.vcf"
			case objects(e.folderKind):
				bad.Raw, bad.Name = []byte("this is no calendar"), "bad.ics"
			}
			f := e.folder()
			items := []remote.NewItem{e.item(0), bad, e.item(2)}
			var order []int
			e.ok(e.s.Create(e.ctx, f.ID, items, func(i int, _ remote.Created, err error) error {
				order = append(order, i)
				if i == 1 {
					e.wantKind(err, remote.Invalid, remote.Other, remote.Forbidden)
				} else {
					e.ok(err)
				}
				return nil
			}))
			if fmt.Sprint(order) != "[0 1 2]" || len(e.all(e.s, f.ID)) != 2 {
				e.Fatalf("reported %v, %d are there", order, len(e.all(e.s, f.ID)))
			}
		}},
		{name: "an error of the callback ends a storing and is returned as it is", run: func(e *env) {
			f := e.folder()
			mine, n := errors.New("enough"), 0
			err := e.s.Create(e.ctx, f.ID, e.items(3), func(int, remote.Created, error) error { n++; return mine })
			if err != mine || n != 1 {
				e.Errorf("got %v after %d calls", err, n)
			}
			e.usable()
		}},
		{name: "nothing to do is no error", run: func(e *env) {
			f := e.folder()
			never := func(string, error) error { return errors.New("called") }
			e.ok(e.s.Create(e.ctx, f.ID, nil, func(int, remote.Created, error) error { return errors.New("called") }))
			e.ok(e.s.Delete(e.ctx, f.ID, nil, never))
			e.ok(e.s.SetFlags(e.ctx, f.ID, nil, groupware.Flags{System: groupware.Seen}, groupware.Flags{}))
			if moved, err := e.s.Move(e.ctx, f.ID, nil, f.ID); err != nil || len(moved) != 0 {
				e.Errorf("moved %v: %v", moved, err)
			}
			id := e.create(e.s, f.ID, e.item(0))
			e.ok(e.s.SetFlags(e.ctx, f.ID, id, groupware.Flags{}, groupware.Flags{}))
		}},
		{name: "after a lost answer the item is found, and no other", run: func(e *env) {
			f := e.folder()
			e.create(e.s, f.ID, e.item(0))
			mark, err := e.s.Mark(e.ctx, f.ID)
			e.ok(err)
			if _, found, err := e.s.Find(e.ctx, f.ID, mark, e.item(1)); err != nil || found {
				e.Fatalf("found %v: %v, before it was stored", found, err)
			}
			// Another client stores it: to this one that is the same as an answer that got lost.
			ids := e.create(e.other(), f.ID, e.item(1), e.item(2))
			e.reconnect()
			c, found, err := e.s.Find(e.ctx, f.ID, mark, e.item(1))
			e.ok(err)
			if !found || c.ID != ids[0] {
				e.Fatalf("found %v %q, want %q", found, c.ID, ids[0])
			}
			if c.Tag != "" && c.Tag != e.all(e.s, f.ID)[c.ID].Tag {
				e.Errorf("told tag %q, which is not the item's", c.Tag)
			}
			if _, found, err := e.s.Find(e.ctx, f.ID, mark, e.item(3)); err != nil || found {
				e.Errorf("found %v: %v, and it was never stored", found, err)
			}
		}},
		{name: "a message of the same Message-ID and size and other bytes is not the one", kind: mail, run: func(e *env) {
			f := e.folder()
			mark, err := e.s.Mark(e.ctx, f.ID)
			e.ok(err)
			e.create(e.s, f.ID, Item(e.folderKind, "twin", "one text"))
			if _, found, err := e.s.Find(e.ctx, f.ID, mark, Item(e.folderKind, "twin", "two text")); err != nil || found {
				e.Errorf("found %v: %v", found, err)
			}
			noID := remote.NewItem{Media: groupware.MediaMessage, Raw: NoMessageIDMail("without")}
			id := e.create(e.s, f.ID, noID)[0]
			if c, found, err := e.s.Find(e.ctx, f.ID, mark, noID); err != nil || !found || c.ID != id {
				e.Errorf("found %v %q: %v, want %q", found, c.ID, err, id)
			}
		}},
		{name: "what was there before the mark is not the one", kind: mail, run: func(e *env) {
			f := e.folder()
			e.create(e.s, f.ID, e.item(0))
			mark, err := e.s.Mark(e.ctx, f.ID)
			e.ok(err)
			if _, found, err := e.s.Find(e.ctx, f.ID, mark, e.item(0)); err != nil || found {
				e.Errorf("found %v: %v", found, err)
			}
		}},
		{name: "a name that is taken is not written over", kind: objects, run: func(e *env) {
			f := e.folder()
			id := e.create(e.s, f.ID, e.item(0))[0]
			e.ok(e.s.Create(e.ctx, f.ID, []remote.NewItem{e.edited(0)}, func(_ int, _ remote.Created, err error) error {
				e.wantKind(err, remote.Exists, remote.Precondition)
				return nil
			}))
			e.wantContent(f.ID, id, e.item(0))
		}},
		{name: "a replacement holds the new content and nothing is left of the old", run: func(e *env) {
			f := e.folder()
			id := e.create(e.s, f.ID, e.item(0))[0]
			tag := e.all(e.s, f.ID)[id].Tag
			next := e.edited(0)
			next.Flags = groupware.Flags{System: groupware.Draft | groupware.Seen}
			c, err := e.s.Replace(e.ctx, f.ID, id, tag, next)
			e.ok(err)
			all := e.all(e.s, f.ID)
			if len(all) != 1 {
				e.Fatalf("%d items are there", len(all))
			}
			for now, listed := range all {
				if c.ID != now && (e.NewIDs || c.ID != "") {
					e.Errorf("told id %q, listed %q", c.ID, now)
				}
				if mail(e.folderKind) && (now == id || listed.Flags != next.Flags) {
					e.Errorf("replaced %q by %+v", id, listed)
				}
				if objects(e.folderKind) && (now != id || listed.Tag == tag) {
					e.Errorf("replaced %q at %q by %+v", id, tag, listed)
				}
				if c.Tag != listed.Tag && (e.Tags || c.Tag != "") {
					e.Errorf("told tag %q, listed %q", c.Tag, listed.Tag)
				}
				e.wantContent(f.ID, now, next)
			}
		}},
		{name: "what changed meanwhile is not replaced", kind: objects, run: func(e *env) {
			f := e.folder()
			id := e.create(e.s, f.ID, e.item(0))[0]
			stale := e.all(e.s, f.ID)[id].Tag
			_, err := e.other().Replace(e.ctx, f.ID, id, stale, e.edited(0))
			e.ok(err)
			_, err = e.s.Replace(e.ctx, f.ID, id, stale, e.item(0))
			e.wantKind(err, remote.Precondition)
			e.wantContent(f.ID, id, e.edited(0))
		}},
		{name: "what is gone is not replaced", run: func(e *env) {
			f := e.folder()
			id := e.create(e.s, f.ID, e.item(0))[0]
			tag := e.all(e.s, f.ID)[id].Tag
			e.delete(e.other(), f.ID, id)
			_, err := e.s.Replace(e.ctx, f.ID, id, tag, e.edited(0))
			e.wantKind(err, remote.Precondition)
			if n := len(e.all(e.s, f.ID)); n != 0 {
				e.Fatalf("%d items are there", n)
			}
		}},
		{name: "flags are added and taken away, each for itself", kind: mail, run: func(e *env) {
			f := e.folder()
			items := e.items(3)
			items[1].Flags = groupware.Flags{System: groupware.Answered}
			ids := e.create(e.s, f.ID, items...)
			add := groupware.NewFlags(groupware.Seen|groupware.Flagged, e.keywords("$Label1", "Projekt")...)
			e.ok(e.s.SetFlags(e.ctx, f.ID, ids[:2], add, groupware.Flags{System: groupware.Answered}))
			all := e.all(e.s, f.ID)
			for i, want := range []groupware.Flags{add, add, {}} {
				if got := all[ids[i]].Flags; got != want {
					e.Errorf("item %d has %v, want %v", i, got.Names(), want.Names())
				}
			}
			// What another client does at the same time stays.
			e.ok(e.other().SetFlags(e.ctx, f.ID, ids[:1], groupware.Flags{System: groupware.Draft}, groupware.Flags{}))
			e.ok(e.s.SetFlags(e.ctx, f.ID, ids, groupware.Flags{}, add))
			all = e.all(e.s, f.ID)
			for i, want := range []groupware.Flags{{System: groupware.Draft}, {}, {}} {
				if got := all[ids[i]].Flags; got != want {
					e.Errorf("item %d has %v, want %v", i, got.Names(), want.Names())
				}
			}
		}},
		{name: "flags of what is gone are passed over", kind: mail, run: func(e *env) {
			f := e.folder()
			ids := e.create(e.s, f.ID, e.items(3)...)
			e.delete(e.other(), f.ID, ids[1])
			e.ok(e.s.SetFlags(e.ctx, f.ID, ids, groupware.Flags{System: groupware.Flagged}, groupware.Flags{}))
			all := e.all(e.s, f.ID)
			if len(all) != 2 || all[ids[0]].Flags.System != groupware.Flagged || all[ids[2]].Flags.System != groupware.Flagged {
				e.Fatalf("got %+v", all)
			}
		}},
		{name: "ids of another UIDVALIDITY act on nothing", kind: mail, run: func(e *env) {
			f, to := e.folder(), e.folder()
			id := e.create(e.s, f.ID, e.item(0))[0]
			validity, uid, ok := strings.Cut(id, ".")
			v, err := strconv.ParseUint(validity, 10, 32)
			if !ok || err != nil {
				e.Fatalf("the id %q is not UIDVALIDITY.UID", id)
			}
			foreign := []string{fmt.Sprintf("%d.%s", v-1, uid), fmt.Sprintf("%d.%s", v+1, uid)}
			if len(e.read(f.ID, foreign...)) != 0 {
				e.Error("they were read")
			}
			e.wantKind(e.s.SetFlags(e.ctx, f.ID, foreign, groupware.Flags{System: groupware.Deleted}, groupware.Flags{}), remote.Precondition)
			moved, err := e.s.Move(e.ctx, f.ID, foreign, to.ID)
			if e.wantKind(err, remote.Precondition); len(moved) != 0 {
				e.Errorf("moved %v", moved)
			}
			e.ok(e.s.Delete(e.ctx, f.ID, []remote.Ref{{ID: foreign[0]}, {ID: foreign[1]}}, func(id string, err error) error {
				e.wantKind(err, remote.Precondition)
				return nil
			}))
			_, err = e.s.Replace(e.ctx, f.ID, foreign[0], "", e.edited(0))
			e.wantKind(err, remote.Precondition)
			if got, err := e.s.Identify(e.ctx, f.ID, foreign); err != nil || len(got) != 0 {
				e.Errorf("identified %v: %v", got, err)
			}
			all := e.all(e.s, f.ID)
			if c, ok := all[id]; len(all) != 1 || !ok || !c.Flags.Empty() {
				e.Errorf("the folder holds %+v", all)
			}
		}},
		{name: "objects have no flags: setting them does nothing", kind: objects, run: func(e *env) {
			f := e.folder()
			id := e.create(e.s, f.ID, e.item(0))
			m := e.mirror(f.ID)
			e.ok(e.s.SetFlags(e.ctx, f.ID, id, groupware.Flags{System: groupware.Seen}, groupware.Flags{}))
			if _, told := m.pull(e.s); e.Delta && told != 0 {
				e.Errorf("%d changes", told)
			}
			m.check()
		}},
		{name: "moved items keep their content, and their new ids are told", needs: func(f Features) bool { return f.Moves }, run: func(e *env) {
			f, to := e.folder(), e.folder()
			items := e.items(4)
			items[1].Flags = groupware.NewFlags(groupware.Seen|groupware.Flagged, e.keywords("work")...)
			items[1].Received = time.Date(2020, 5, 6, 7, 8, 9, 0, time.UTC)
			ids := e.create(e.s, f.ID, items...)
			identity, err := e.s.Identify(e.ctx, f.ID, ids)
			e.ok(err)
			old := e.read(f.ID, ids[1])[ids[1]]
			moved, err := e.s.Move(e.ctx, f.ID, ids[:3], to.ID)
			e.ok(err)
			here, there := e.all(e.s, f.ID), e.all(e.s, to.ID)
			if _, ok := here[ids[3]]; !ok || len(here) != 1 || len(there) != 3 {
				e.Fatalf("%d items stayed, %d moved", len(here), len(there))
			}
			if len(moved) != 3 {
				e.Errorf("told %v", moved)
			}
			for i, id := range ids[:3] {
				now := moved[id]
				if now == "" {
					if e.NewIDs {
						e.Errorf("item %d: no new id", i)
					}
					continue
				}
				e.wantContent(to.ID, now, items[i])
				again, err := e.s.Identify(e.ctx, to.ID, []string{now})
				e.ok(err)
				if again[now] != identity[id] {
					e.Errorf("item %d was identified as %q and is as %q", i, identity[id], again[now])
				}
			}
			if now := moved[ids[1]]; now != "" {
				if got := e.read(to.ID, now)[now]; got.Flags != old.Flags || !got.Received.Equal(old.Received) {
					e.Errorf("flags and time were %v %v and are %v %v", old.Flags.Names(), old.Received, got.Flags.Names(), got.Received)
				}
			}
		}},
		{name: "a move is told as one gone here and one new there", needs: func(f Features) bool { return f.Moves }, run: func(e *env) {
			f, to := e.folder(), e.folder()
			ids := e.create(e.s, f.ID, e.items(3)...)
			here, there := e.mirror(f.ID), e.mirror(to.ID)
			_, err := e.other().Move(e.ctx, f.ID, ids[1:], to.ID)
			e.ok(err)
			for _, m := range []*mirror{here, there} {
				if _, told := m.pull(e.s); e.Delta && told != 2 {
					e.Errorf("%d changes were told", told)
				}
				m.check()
			}
		}},
		{name: "moving what is gone is passed over", needs: func(f Features) bool { return f.Moves }, run: func(e *env) {
			f, to := e.folder(), e.folder()
			ids := e.create(e.s, f.ID, e.items(3)...)
			e.gone(f.ID, ids[1])
			moved, err := e.s.Move(e.ctx, f.ID, ids, to.ID)
			e.ok(err)
			if _, ok := moved[ids[1]]; ok || len(e.all(e.s, f.ID)) != 0 || len(e.all(e.s, to.ID)) != 2 {
				e.Errorf("told %v, %d are left, %d there", moved, len(e.all(e.s, f.ID)), len(e.all(e.s, to.ID)))
			}
			moved, err = e.s.Move(e.ctx, f.ID, ids[1:2], to.ID)
			if err != nil || len(moved) != 0 {
				e.Errorf("moved %v: %v", moved, err)
			}
		}},
		{name: "deleting removes for good, and what is gone already counts as done", run: func(e *env) {
			f := e.folder()
			ids := e.create(e.s, f.ID, e.items(4)...)
			e.delete(e.other(), f.ID, ids[1])
			e.delete(e.s, f.ID, ids[:3]...)
			all := e.all(e.s, f.ID)
			if _, ok := all[ids[3]]; !ok || len(all) != 1 {
				e.Fatalf("left are %v", all)
			}
			e.delete(e.s, f.ID, ids[:3]...)
			e.ok(e.s.Delete(e.ctx, f.ID, []remote.Ref{{ID: "nonsense"}, {ID: "1.1"}}, func(string, error) error { return nil }))
			if len(e.all(e.s, f.ID)) != 1 {
				e.Fatal("something else was deleted")
			}
		}},
		{name: "what changed meanwhile is not deleted", kind: objects, run: func(e *env) {
			f := e.folder()
			ids := e.create(e.s, f.ID, e.items(3)...)
			var items []remote.Ref
			for _, id := range ids {
				items = append(items, remote.Ref{ID: id, Tag: e.all(e.s, f.ID)[id].Tag})
			}
			_, err := e.other().Replace(e.ctx, f.ID, ids[1], items[1].Tag, e.edited(1))
			e.ok(err)
			told := map[string]error{}
			e.ok(e.s.Delete(e.ctx, f.ID, items, func(id string, err error) error { told[id] = err; return nil }))
			e.ok(told[ids[0]])
			e.wantKind(told[ids[1]], remote.Precondition)
			e.ok(told[ids[2]])
			if len(e.all(e.s, f.ID)) != 1 || len(told) != 3 {
				e.Fatalf("%d are left, told %v", len(e.all(e.s, f.ID)), told)
			}
			e.wantContent(f.ID, ids[1], e.edited(1))
		}},
		{name: "what another client marked as deleted is left alone", kind: mail, needs: func(f Features) bool { return f.NewIDs }, run: func(e *env) {
			f, to := e.folder(), e.folder()
			ids := e.create(e.s, f.ID, e.items(4)...)
			e.ok(e.other().SetFlags(e.ctx, f.ID, ids[:1], groupware.Flags{System: groupware.Deleted}, groupware.Flags{}))
			e.delete(e.s, f.ID, ids[1])
			_, err := e.s.Replace(e.ctx, f.ID, ids[2], "", e.edited(2))
			e.ok(err)
			_, err = e.s.Move(e.ctx, f.ID, ids[3:], to.ID)
			e.ok(err)
			if c, ok := e.all(e.s, f.ID)[ids[0]]; !ok || c.Flags.System != groupware.Deleted {
				e.Fatalf("it is gone, or %+v", c)
			}
		}},
		{name: "an error of the callback ends a deletion and is returned as it is", run: func(e *env) {
			f := e.folder()
			ids := e.create(e.s, f.ID, e.items(3)...)
			mine, n := errors.New("enough"), 0
			err := e.s.Delete(e.ctx, f.ID, refs(ids), func(string, error) error { n++; return mine })
			if err != mine || n != 1 {
				e.Errorf("got %v after %d calls", err, n)
			}
			e.usable()
		}},
	}
}

// keywords are those given, or none where the server keeps none.
func (e *env) keywords(words ...string) []string {
	if !e.Keywords {
		return nil
	}
	return words
}
