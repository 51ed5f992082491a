package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/store"
)

// Item is one line of a list.
type Item struct {
	ID      string              `json:"id"`
	Folder  string              `json:"folder"` // path
	Kind    groupware.Kind      `json:"kind"`
	Subject string              `json:"subject"`
	From    string              `json:"from"`
	Date    Time                `json:"date"`
	Size    int64               `json:"size"`
	Flags   []string            `json:"flags"`
	Body    groupware.BodyState `json:"body"`
	Pending bool                `json:"pending,omitempty"` // differs from what was agreed with the server
	Files   bool                `json:"files,omitempty"`   // has attachments
}

// Time is written as RFC 3339, or null when there is none.
type Time struct{ time.Time }

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(t.Format(`"` + time.RFC3339 + `"`)), nil
}

// Page is a part of a list.
type Page struct {
	Items []Item `json:"items"`
	Total int64  `json:"total"` // items of the whole list; -1 when that was not counted
}

// ListOptions choose a part of a folder and its order.
type ListOptions struct {
	Sort          string // date (also ""), from, subject, size
	Ascending     bool
	Offset, Limit int // Limit 0 means all
}

// maxPage bounds how many items one request returns.
const maxPage = 1 << 20

// List returns a part of a folder.
func (s *Server) List(ctx context.Context, path string, o ListOptions) (Page, error) {
	sort, ok := map[string]store.Sort{"": store.SortDate, "date": store.SortDate, "from": store.SortFrom, "subject": store.SortSubject, "size": store.SortSize}[o.Sort]
	if !ok {
		return Page{}, fail(CodeUsage, "a list cannot be sorted by %q: use date, from, subject or size", o.Sort)
	}
	limit, err := pageSize(o.Offset, o.Limit)
	if err != nil {
		return Page{}, err
	}
	p, err := s.find(ctx, path)
	if err != nil {
		return Page{}, err
	}
	p.box.lookAt(p.ID, s.o.Clock.Now())
	items, total, err := p.box.List(ctx, p.ID, store.ListOptions{Sort: sort, Ascending: o.Ascending, Offset: o.Offset, Limit: limit})
	if err != nil {
		return Page{}, fmt.Errorf("list %q: %w", path, err)
	}
	page := Page{Items: make([]Item, 0, len(items)), Total: total}
	for _, it := range items {
		page.Items = append(page.Items, listed(p.box, it, s.fullPath(p)))
	}
	return page, nil
}

func pageSize(offset, limit int) (int, error) {
	if offset < 0 || limit < 0 {
		return 0, fail(CodeUsage, "--offset and --limit must not be negative")
	}
	if limit == 0 || limit > maxPage {
		limit = maxPage
	}
	return limit, nil
}

func listed(b *mailbox, it store.Item, path string) Item {
	flags := it.Flags.Names()
	return Item{ID: idText(b, int64(it.ID)), Folder: path, Kind: it.Kind, Subject: it.Subject, From: it.From, Date: Time{it.Date}, Size: it.Size,
		Flags: flags, Body: it.Body, Pending: it.Pending, Files: it.Attachments}
}

// SearchOptions say what to look for.
type SearchOptions struct {
	Words         string
	Folder        string // path; "" means everywhere
	Offset, Limit int    // Limit 0 means all
}

// Search finds the items that hold every word, newest first, in one folder (with those in it) or everywhere.
func (s *Server) Search(ctx context.Context, o SearchOptions) (Page, error) {
	if strings.TrimSpace(o.Words) == "" {
		return Page{}, fail(CodeUsage, "give one or more words to search for")
	}
	limit, err := pageSize(o.Offset, o.Limit)
	if err != nil {
		return Page{}, err
	}
	boxes := s.mailboxes()
	so := store.SearchOptions{Words: o.Words, Recursive: true, Limit: min(maxPage, o.Offset+limit)}
	if o.Folder != "" {
		p, err := s.find(ctx, o.Folder)
		if err != nil {
			return Page{}, err
		}
		boxes, so.Folder = []*mailbox{p.box}, p.ID
	}
	items := []Item{}
	for _, b := range boxes {
		found, err := b.Search(ctx, so)
		if err != nil {
			return Page{}, fmt.Errorf("search the mailbox of %s: %w", b.get().Email, err)
		}
		paths, err := s.paths(ctx, b)
		if err != nil {
			return Page{}, err
		}
		for _, it := range found {
			items = append(items, listed(b, it, paths[it.Folder]))
		}
	}
	if len(boxes) > 1 {
		slices.SortStableFunc(items, func(a, b Item) int { return b.Date.Compare(a.Date.Time) })
	}
	items = items[min(o.Offset, len(items)):]
	return Page{Items: items[:min(limit, len(items))], Total: -1}, nil
}

// paths returns the path of each folder of a mailbox as it is shown.
func (s *Server) paths(ctx context.Context, b *mailbox) (map[groupware.FolderID]string, error) {
	ps, err := places(ctx, b)
	if err != nil {
		return nil, err
	}
	out := make(map[groupware.FolderID]string, len(ps))
	for _, p := range ps {
		out[p.ID] = s.fullPath(p)
	}
	return out, nil
}

// parseID reads an id as idText writes it.
func (s *Server) parseID(id string) (*mailbox, groupware.ItemID, error) {
	account, item, ok := strings.Cut(id, ".")
	a, err1 := strconv.ParseInt(account, 10, 64)
	i, err2 := strconv.ParseInt(item, 10, 64)
	if !ok || cmp.Or(err1, err2) != nil || a < 1 || i < 1 {
		return nil, 0, fail(CodeUsage, "%q is not the id of an item: ids look like 1.42, outpost list and outpost search show them", id)
	}
	for _, b := range s.mailboxes() {
		if b.get().ID == a {
			return b, groupware.ItemID(i), nil
		}
	}
	return nil, 0, unknownItem(id)
}

func unknownItem(id string) error {
	return fail(CodeNotFound, "there is no item %s (any more): outpost list and outpost search show the ids of those that are there", id)
}

// thing is an item with the folder that it is in.
type thing struct {
	box *mailbox
	store.Item
	in store.Folder
}

// item reads an item and its folder within a transaction.
func item(tx *store.Tx, b *mailbox, id groupware.ItemID) (thing, error) {
	it, err := tx.Item(id)
	if errors.Is(err, store.ErrNotFound) {
		return thing{}, unknownItem(idText(b, int64(id)))
	}
	if err != nil {
		return thing{}, err
	}
	f, err := tx.Folder(it.Folder)
	if err == nil && f.Deleted {
		err = unknownItem(idText(b, int64(id)))
	}
	return thing{b, it, f}, err
}

// Field is one labelled line of an item that is shown.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// File is an attachment.
type File struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size int64  `json:"size"` // as encoded in the message
}

// Shown is an item to read.
type Shown struct {
	Item
	To      string  `json:"to"`
	Fields  []Field `json:"fields"`
	Text    string  `json:"text"`
	Files   []File  `json:"attachments"`
	Problem string  `json:"problem,omitempty"` // what is malformed about it
	Reason  string  `json:"reason,omitempty"`  // why it is in Conflicts or Local Failures
}

// Show returns an item to read, as far as it is here.
func (s *Server) Show(ctx context.Context, id string) (Shown, error) {
	b, itemID, err := s.parseID(id)
	if err != nil {
		return Shown{}, err
	}
	paths, err := s.paths(ctx, b)
	if err != nil {
		return Shown{}, err
	}
	var out Shown
	var shown store.Item
	err = b.View(ctx, func(tx *store.Tx) error {
		t, err := item(tx, b, itemID)
		if err != nil {
			return err
		}
		out = Shown{Item: listed(b, t.Item, paths[t.Folder]), To: t.To, Problem: t.Problem, Files: []File{}}
		d, err := tx.Derived(itemID)
		if err != nil {
			return err
		}
		out.Text = d.Text
		for _, p := range d.Attachments {
			out.Files = append(out.Files, File{Name: p.Name, Type: p.Type, Size: p.Size})
		}
		var raw []byte
		if t.Media != groupware.MediaMessage {
			if raw, err = tx.Raw(itemID); err != nil && !errors.Is(err, store.ErrNotWhole) {
				return err
			}
		}
		if fs, text := fields(t.Item, raw); t.Media == groupware.MediaMessage {
			out.Fields = fs
		} else {
			out.Fields, out.Text = fs, text
		}
		shown = t.Item
		if r, ok, err := tx.Reason(itemID); err != nil {
			return err
		} else if ok && t.in.Role.Local() { // else it was put elsewhere since
			out.Reason = fmt.Sprintf("was in %q: %s", r.Folder, r.Text)
		}
		if sub, ok, err := tx.Submission(itemID); err != nil {
			return err
		} else if ok {
			out.Reason = sub.Text // why it has not been sent so far
		}
		return nil
	})
	if err == nil && shown.Kind == groupware.KindList {
		err = nameMembers(ctx, b, shown, out.Fields)
	}
	return out, err
}

// Content is an item's own bytes.
type Content struct {
	Media groupware.Media
	Bytes []byte
}

// Raw returns an item's own bytes, and reads them from the server now when they are not here.
func (s *Server) Raw(ctx context.Context, id string) (Content, error) {
	b, itemID, err := s.parseID(id)
	if err != nil {
		return Content{}, err
	}
	c, err := raw(ctx, b, itemID)
	if !errors.Is(err, store.ErrNotWhole) {
		return c, err
	}
	if err := s.fetch(ctx, b, itemID, nil); err != nil {
		return Content{}, err
	}
	return raw(ctx, b, itemID)
}

func raw(ctx context.Context, b *mailbox, id groupware.ItemID) (c Content, err error) {
	err = b.View(ctx, func(tx *store.Tx) error {
		t, err := item(tx, b, id)
		if err != nil {
			return err
		}
		c.Media = t.Media
		c.Bytes, err = tx.Raw(id)
		return err
	})
	return c, err
}
