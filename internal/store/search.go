package store

import (
	"context"
	"strings"

	"outpost/internal/format"
	"outpost/internal/groupware"
)

// SearchOptions say what to search for, and where. Every word must occur; the last one, and one that ends in "*", as the
// beginning of a word. Words in double quotes must stand together.
type SearchOptions struct {
	Words     string
	Folder    groupware.FolderID // 0: everywhere
	Recursive bool               // also in the folders below Folder
	Offset    int
	Limit     int
}

// Search finds items, newest first.
func (m *Mailbox) Search(ctx context.Context, o SearchOptions) (items []Item, err error) {
	words := format.Tokens(nil, o.Words)
	err = m.View(ctx, func(tx *Tx) error {
		var ids []groupware.ItemID
		if ids, err = tx.itemIDs("SELECT id FROM items WHERE folder IS NOT NULL AND (?1 = 0 OR folder = ?1) ORDER BY date DESC, id DESC", o.Folder); err != nil {
			return err
		}
		for _, id := range ids {
			it, err := tx.load(id)
			if err != nil {
				return err
			}
			p, err := tx.prepareAgain(&it)
			if err != nil {
				return err
			}
			all := "\n"
			eachToken(p.tokens, func(w []byte) { all += string(w) + "\n" })
			match := true
			for _, w := range words {
				match = match && strings.Contains(all, "\n"+w)
			}
			if match && len(items) < o.Limit {
				listed, err := tx.Item(id)
				if err != nil {
					return err
				}
				items = append(items, listed)
			}
		}
		return nil
	})
	return items, err
}

type indexDoc struct {
	item    groupware.ItemID
	content int64
	date    int64
	tokens  []byte
}

type index struct{ path string }

func openIndex(context.Context, *Mailbox) (*index, error) { return &index{}, nil }
func (x *index) close() error                             { return nil }
func (x *index) offer([]indexDoc, int64)                  {}
