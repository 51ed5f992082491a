package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"outpost/internal/groupware"
)

// Sort is what a list is sorted by.
type Sort string

const (
	SortDate    Sort = "date"
	SortFrom    Sort = "from"
	SortSubject Sort = "subject"
	SortSize    Sort = "size"
)

// ListOptions say which part of a folder to list, and in which order. The zero Sort is SortDate; not ascending is newest or
// largest first, and Z before A.
type ListOptions struct {
	Sort      Sort
	Ascending bool
	Offset    int
	Limit     int
}

const (
	// directRows is how far into a folder a page is read from the database's own index by date.
	directRows = 1000
	// viewItems bounds the items of all views together; the view in use is kept in any case.
	viewItems = 2 << 20
	// viewChanges is how many changes are worked into a view before it is made anew, for every item in it a tenth more.
	viewChanges = 500
)

// List returns one page of a folder, and how many items are in it. A page anywhere in a folder costs the page, once
// the view of the folder in that order is there.
func (m *Mailbox) List(ctx context.Context, folder groupware.FolderID, o ListOptions) (items []Item, total int64, err error) {
	if o.Sort == "" {
		o.Sort = SortDate
	}
	if !slices.Contains([]Sort{SortDate, SortFrom, SortSubject, SortSize}, o.Sort) || o.Offset < 0 || o.Limit < 0 {
		return nil, 0, fmt.Errorf("a list cannot be sorted by %q from %d", o.Sort, o.Offset)
	}
	if o.Sort == SortDate && o.Offset < directRows {
		err = m.View(ctx, func(tx *Tx) error {
			if total, err = tx.visibleItems(folder); err != nil {
				return err
			}
			order := "date DESC, id DESC"
			if o.Ascending {
				order = "date, id"
			}
			return tx.c.query(func(r row) error {
				items = append(items, scanListed(r))
				return nil
			}, "SELECT "+listColumns+" FROM items WHERE folder IS NOT NULL AND folder = ? ORDER BY "+order+" LIMIT ? OFFSET ?", folder, o.Limit, o.Offset)
		})
		return items, total, err
	}
	v := m.views.get(folder, o.Sort)
	v.mu.Lock()
	defer v.mu.Unlock()
	// The snapshot begins after the lock was taken: it is never older than the view.
	err = m.View(ctx, func(tx *Tx) error {
		if _, err := tx.visibleItems(folder); err != nil {
			return err
		}
		if err := v.update(tx); err != nil {
			v.ids, v.seq = nil, -1
			return err
		}
		m.views.note(v)
		total = int64(len(v.ids))
		for i := o.Offset; i < min(len(v.ids), o.Offset+o.Limit); i++ {
			at := i
			if !o.Ascending {
				at = len(v.ids) - 1 - i
			}
			found, err := tx.c.one(func(r row) { items = append(items, scanListed(r)) }, "SELECT "+listColumns+" FROM items WHERE id = ?", v.ids[at])
			if err == nil && !found {
				err = fmt.Errorf("item %d: %w", v.ids[at], ErrNotFound)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return items, total, err
}

// visibleItems counts the items of a folder; ErrNotFound when frontends do not see it.
func (tx *Tx) visibleItems(folder groupware.FolderID) (int64, error) {
	hidden, err := tx.hidden(folder)
	if err == nil && hidden {
		err = fmt.Errorf("folder %d: %w", folder, ErrNotFound)
	}
	if err != nil {
		return 0, err
	}
	return tx.c.number("SELECT items FROM folders WHERE id = ?", folder)
}

// views are the lists in memory, the last used ones.
type views struct {
	mu   sync.Mutex
	tick int64
	all  map[viewKey]*listView
}

type viewKey struct {
	folder groupware.FolderID
	sort   Sort
}

// listView is the order of a folder's items: ids, ascending, as of a change.
type listView struct {
	key  viewKey
	used int64 // guarded by views.mu, as size is
	size int

	mu  sync.Mutex // guards what follows, and is held while a page is read
	seq int64      // -1: there is nothing yet
	ids []groupware.ItemID
}

func newViews() *views { return &views{all: map[viewKey]*listView{}} }

// get returns the view of a folder in an order, which may be empty still.
func (vs *views) get(folder groupware.FolderID, by Sort) *listView {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	key := viewKey{folder, by}
	v := vs.all[key]
	if v == nil {
		v = &listView{key: key, seq: -1}
		vs.all[key] = v
	}
	vs.tick++
	v.used = vs.tick
	return v
}

// note remembers how large a view is, and forgets those that were not used for longest when all are too large.
func (vs *views) note(v *listView) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	v.size = len(v.ids)
	for {
		total, oldest := 0, v
		for _, w := range vs.all {
			total += w.size
			if w.used < oldest.used {
				oldest = w
			}
		}
		if oldest == v || total <= viewItems && len(vs.all) <= 64 {
			return
		}
		delete(vs.all, oldest.key) // whoever is reading a page from it finishes that
	}
}

// viewRow is an item with what it is sorted by.
type viewRow struct {
	id     groupware.ItemID
	number int64
	text   string
}

func compareRows(a, b viewRow) int {
	return cmp.Or(cmp.Compare(a.number, b.number), strings.Compare(a.text, b.text), cmp.Compare(a.id, b.id))
}

// columns are what an order sorts by: a number, and a text.
func (v *listView) columns() string {
	return map[Sort]string{SortDate: "date, ''", SortSize: "size, ''", SortFrom: "0, sender", SortSubject: "0, subject"}[v.key.sort]
}

func scanViewRow(r row) viewRow {
	w := viewRow{id: groupware.ItemID(r.int(0)), number: r.int(1)}
	if t := r.text(2); t != "" {
		w.text = strings.ToLower(t)
	}
	return w
}

// update brings the view to the transaction's snapshot.
func (v *listView) update(tx *Tx) error {
	newest, err := tx.LastChange()
	if err != nil || v.seq == newest {
		return err
	}
	changed, err := v.changes(tx)
	if errors.Is(err, ErrTrimmed) {
		err = v.build(tx)
	} else if err == nil && len(changed) > 0 {
		err = v.work(tx, changed)
	}
	if err == nil {
		v.seq = newest
	}
	return err
}

// changes lists the items that came, went or changed what they are sorted by. ErrTrimmed says that the view is to be made anew.
func (v *listView) changes(tx *Tx) (map[groupware.ItemID]bool, error) {
	if v.seq < 0 {
		return nil, ErrTrimmed
	}
	first, err := tx.c.number("SELECT seq FROM changes ORDER BY seq LIMIT 1")
	if err != nil {
		return nil, err
	}
	if v.seq+1 < first {
		return nil, ErrTrimmed
	}
	most := viewChanges + len(v.ids)/10
	changed := map[groupware.ItemID]bool{}
	err = tx.c.query(func(r row) error {
		if changed[groupware.ItemID(r.int(0))] = true; len(changed) > most {
			return ErrTrimmed
		}
		return nil
	}, "SELECT item FROM changes WHERE seq > ? AND folder = ? AND item <> 0 AND op <> ?", v.seq, v.key.folder, opUpdated)
	return changed, err
}

// build reads the whole folder.
func (v *listView) build(tx *Tx) error {
	v.ids = nil
	if v.key.sort == SortDate { // the database has this order
		return tx.c.query(func(r row) error {
			v.ids = append(v.ids, groupware.ItemID(r.int(0)))
			return nil
		}, "SELECT id FROM items WHERE folder IS NOT NULL AND folder = ? ORDER BY date, id", v.key.folder)
	}
	var rows []viewRow
	err := tx.c.query(func(r row) error {
		rows = append(rows, scanViewRow(r))
		return nil
	}, "SELECT id, "+v.columns()+" FROM items WHERE folder IS NOT NULL AND folder = ?", v.key.folder)
	if err != nil {
		return err
	}
	slices.SortFunc(rows, compareRows)
	v.ids = make([]groupware.ItemID, len(rows))
	for i, r := range rows {
		v.ids[i] = r.id
	}
	return nil
}

// work takes the changed items out of the view and puts those that are in the folder where they belong.
func (v *listView) work(tx *Tx, changed map[groupware.ItemID]bool) error {
	out := newIDSet(slices.Collect(maps.Keys(changed)))
	v.ids = slices.DeleteFunc(v.ids, out.has)
	var rows []viewRow
	for id := range changed {
		r, found, err := v.row(tx, id)
		if err != nil {
			return err
		}
		if found {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, compareRows)
	places := make([]int, len(rows)) // before which of v.ids each belongs
	from := 0
	for i, r := range rows {
		var failed error
		from += sort.Search(len(v.ids)-from, func(i int) bool {
			other, _, err := v.row(tx, v.ids[from+i])
			failed = errors.Join(failed, err)
			return compareRows(other, r) > 0
		})
		if failed != nil {
			return failed
		}
		places[i] = from
	}
	// In place, from the end: every id moves once.
	end := len(v.ids)
	v.ids = slices.Grow(v.ids, len(rows))[:end+len(rows)]
	for i := len(rows) - 1; i >= 0; i-- {
		copy(v.ids[places[i]+i+1:], v.ids[places[i]:end])
		v.ids[places[i]+i] = rows[i].id
		end = places[i]
	}
	return nil
}

// row reads what an item of the folder is sorted by.
func (v *listView) row(tx *Tx, id groupware.ItemID) (w viewRow, found bool, err error) {
	found, err = tx.c.one(func(r row) { w = scanViewRow(r) }, "SELECT id, "+v.columns()+" FROM items WHERE id = ? AND folder = ?", id, v.key.folder)
	return w, found, err
}
