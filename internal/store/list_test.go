package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"outpost/internal/groupware"
)

// A page is what sorting the whole folder would give there, after any changes.
func TestAPageIsThatOfTheSortedFolder(t *testing.T) {
	m := open(t)
	serial := 0
	rapid.Check(t, func(rt *rapid.T) {
		serial++
		a, b := addFolder(t, m, fmt.Sprint("A", serial), ""), addFolder(t, m, fmt.Sprint("B", serial), "")
		var ids []groupware.ItemID
		do := func(fn func(tx *Tx) error) {
			if err := m.Update(context.Background(), fn); err != nil {
				rt.Fatal(err)
			}
		}
		message := func() *Prepared {
			return Prepare(groupware.MediaMessage, mail(rapid.SampledFrom([]string{"apple", "Banana", "cherry", ""}).Draw(rt, "subject"),
				rapid.IntRange(0, 20).Draw(rt, "date"), strings.Repeat("x", rapid.IntRange(0, 3).Draw(rt, "size"))))
		}
		for range rapid.IntRange(1, 8).Draw(rt, "rounds") {
			do(func(tx *Tx) error {
				for range rapid.IntRange(0, 10).Draw(rt, "deeds") {
					if len(ids) == 0 || rapid.Bool().Draw(rt, "add") {
						id, err := tx.Add(a, message(), groupware.Flags{}, time.Time{})
						if err != nil {
							return err
						}
						ids = append(ids, id)
						continue
					}
					i := rapid.IntRange(0, len(ids)-1).Draw(rt, "which")
					var err error
					switch rapid.IntRange(0, 4).Draw(rt, "deed") {
					case 0:
						err = tx.Delete(ids[i])
						ids = slices.Delete(ids, i, i+1)
					case 1:
						err = tx.SetFolder(ids[i], b)
					case 2:
						err = tx.SetFolder(ids[i], a)
					case 3:
						err = tx.SetContent(ids[i], message())
					case 4:
						err = tx.SetFlags(ids[i], groupware.NewFlags(groupware.Seen))
					}
					if err != nil {
						return err
					}
				}
				return nil
			})
			for _, by := range []Sort{SortDate, SortFrom, SortSubject, SortSize} {
				var want []Item
				view(t, m, func(tx *Tx) error {
					for _, id := range ids {
						it, err := tx.Item(id)
						if err != nil {
							return err
						}
						if it.Folder == a {
							want = append(want, it)
						}
					}
					return nil
				})
				slices.SortFunc(want, func(x, y Item) int {
					by := map[Sort]int{SortDate: x.Date.Compare(y.Date), SortFrom: strings.Compare(strings.ToLower(x.From), strings.ToLower(y.From)),
						SortSubject: strings.Compare(strings.ToLower(x.Subject), strings.ToLower(y.Subject)), SortSize: cmp.Compare(x.Size, y.Size)}[by]
					return cmp.Or(by, cmp.Compare(x.ID, y.ID))
				})
				ascending := rapid.Bool().Draw(rt, "ascending")
				if !ascending {
					slices.Reverse(want)
				}
				offset, limit := rapid.IntRange(0, 12).Draw(rt, "offset"), rapid.IntRange(0, 12).Draw(rt, "limit")
				if by == SortDate && rapid.Bool().Draw(rt, "by view") { // else by the database's own index
					v := m.views.get(a, by)
					view(t, m, v.update)
					var ids []groupware.ItemID
					for _, it := range want {
						ids = append(ids, it.ID)
					}
					if !ascending {
						slices.Reverse(ids)
					}
					if !slices.Equal(v.ids, ids) {
						rt.Fatalf("view %v, want %v", v.ids, ids)
					}
				}
				got, total, err := m.List(context.Background(), a, ListOptions{Sort: by, Ascending: ascending, Offset: offset, Limit: limit})
				if err != nil || total != int64(len(want)) {
					rt.Fatalf("%d items: %v", total, err)
				}
				page := want[min(offset, len(want)):min(offset+limit, len(want))]
				if !slices.Equal(got, append([]Item(nil), page...)) {
					rt.Fatalf("by %s from %d: got %v, want %v", by, offset, subjects(got), subjects(page))
				}
			}
		}
	})
}

func TestViewsAreBoundedAndTheLastUsedStay(t *testing.T) {
	vs := newViews()
	for i := range groupware.FolderID(100) {
		v := vs.get(i+1, SortDate)
		v.ids = make([]groupware.ItemID, viewItems/10)
		vs.note(v)
		vs.get(1, SortDate)
	}
	total := 0
	for _, v := range vs.all {
		total += len(v.ids)
	}
	if total > viewItems || vs.all[viewKey{1, SortDate}] == nil || vs.all[viewKey{100, SortDate}] == nil || vs.all[viewKey{50, SortDate}] != nil {
		t.Errorf("%d views with %d items", len(vs.all), total)
	}
}
