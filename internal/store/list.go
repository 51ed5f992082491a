package store

import (
	"context"
	"fmt"

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

// ListOptions say which part of a folder to list, and in which order. The zero Sort is SortDate; descending is newest or
// largest first, and Z before A.
type ListOptions struct {
	Sort      Sort
	Ascending bool
	Offset    int
	Limit     int
}

type views struct{ m *Mailbox }

func newViews(m *Mailbox) *views { return &views{m: m} }

// List returns one page of a folder, and how many items are in it.
func (m *Mailbox) List(ctx context.Context, folder groupware.FolderID, o ListOptions) (items []Item, total int64, err error) {
	column := map[Sort]string{"": "date", SortDate: "date", SortFrom: "sender", SortSubject: "subject", SortSize: "size"}[o.Sort]
	if column == "" || o.Offset < 0 || o.Limit < 0 {
		return nil, 0, fmt.Errorf("cannot list by %q from %d", o.Sort, o.Offset)
	}
	direction := " DESC"
	if o.Ascending {
		direction = " ASC"
	}
	err = m.View(ctx, func(tx *Tx) error {
		f, err := tx.Folder(folder)
		if err != nil {
			return err
		}
		total = f.Items
		return tx.c.query(func(r row) error {
			items = append(items, scanListed(r))
			return nil
		}, "SELECT "+listColumns+" FROM items WHERE folder IS NOT NULL AND folder = ? ORDER BY "+column+direction+", id"+direction+" LIMIT ? OFFSET ?", folder, o.Limit, o.Offset)
	})
	return items, total, err
}
