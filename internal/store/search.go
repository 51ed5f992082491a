package store

import (
	"bytes"
	"container/heap"
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"outpost/internal/format"
	"outpost/internal/groupware"
)

const (
	maxQueryWords = 32
	// foldersAfter is how many finds may lie in other folders before the items of the wanted ones are listed;
	// foldersMost how many items these may hold for that.
	foldersAfter = 100
	foldersMost  = 200_000
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

// query is what a search asks for.
type query struct {
	words   []queryWord
	phrases [][]string // words that must follow each other
}

type queryWord struct {
	word   string
	prefix bool
}

// parseQuery takes the words of a search apart.
func parseQuery(text string) (q query) {
	for i, part := range strings.Split(text, `"`) {
		if i%2 == 1 {
			tokens := format.Tokens(nil, part)
			for _, t := range tokens {
				q.words = append(q.words, queryWord{word: t})
			}
			if len(tokens) > 1 {
				q.phrases = append(q.phrases, tokens)
			}
			continue
		}
		for _, field := range strings.Fields(part) {
			tokens := format.Tokens(nil, field)
			for n, t := range tokens {
				q.words = append(q.words, queryWord{word: t, prefix: n == len(tokens)-1 && strings.HasSuffix(field, "*")})
			}
		}
	}
	if len(q.words) > maxQueryWords {
		q.words = q.words[:maxQueryWords]
	}
	if n := len(q.words); n > 0 && !strings.HasSuffix(strings.TrimSpace(text), `"`) {
		q.words[n-1].prefix = true
	}
	return q
}

// Search finds items, newest first. It knows of everything that was committed a moment ago; while much is still to be
// indexed (Indexed tells), it finds what already is.
func (m *Mailbox) Search(ctx context.Context, o SearchOptions) (items []Item, err error) {
	q := parseQuery(o.Words)
	if len(q.words) == 0 || o.Limit <= 0 || o.Offset < 0 {
		return nil, nil
	}
	if err := m.freshen(ctx); err != nil {
		return nil, err
	}
	ic, err := m.index.reader(ctx)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	ic.interrupt(ctx)
	defer func() {
		ic.interrupt(context.Background())
		if ic.inTransaction() {
			_, _ = ic.exec("ROLLBACK") // nothing was written
		}
		m.index.readers <- ic
	}()
	if _, err := ic.exec("BEGIN"); err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	finds, err := findAll(ic, q)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	err = m.View(ctx, func(tx *Tx) error {
		f, err := tx.searchFilter(o, q, finds)
		if err != nil {
			return err
		}
		var last groupware.ItemID
		for skip := o.Offset; len(items) < o.Limit; {
			e, ok, err := finds.next()
			if err != nil || !ok {
				return err
			}
			if e.item == last { // another content of it
				continue
			}
			it, ok, err := f.accept(e)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			last = e.item
			if skip > 0 {
				skip--
				continue
			}
			items = append(items, it)
		}
		return nil
	})
	return items, err
}

// freshen waits a little for the index when it is only a little behind.
func (m *Mailbox) freshen(ctx context.Context) error {
	behind, err := m.Indexed(ctx)
	if behind == 0 || err != nil {
		if ctx.Err() == nil && m.index.failure() != nil {
			err = nil // search what there is
		}
		return err
	}
	if behind > searchBehind && !m.o.noIndexer {
		select {
		case m.index.kick <- struct{}{}:
		default:
		}
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, searchWait)
	defer cancel()
	_ = m.WaitIndexed(wait) // then search what there is
	return ctx.Err()
}

// searchFilter decides which finds are wanted.
type searchFilter struct {
	tx       *Tx
	finds    *finds
	phrases  [][]string
	folders  map[groupware.FolderID]bool
	all      bool // folders is every folder that frontends see
	rejected int  // finds in other folders so far
}

func (tx *Tx) searchFilter(o SearchOptions, q query, fs *finds) (*searchFilter, error) {
	f := &searchFilter{tx: tx, finds: fs, phrases: q.phrases, folders: map[groupware.FolderID]bool{}, all: o.Folder == 0}
	all, err := tx.Folders()
	if err != nil {
		return nil, err
	}
	hidden := map[groupware.FolderID]bool{}
	for _, folder := range all { // parents first
		hidden[folder.ID] = folder.Deleted || hidden[folder.Parent]
		if !hidden[folder.ID] && (o.Folder == 0 || folder.ID == o.Folder || o.Recursive && f.folders[folder.Parent]) {
			f.folders[folder.ID] = true
		}
	}
	if !f.all && !f.folders[o.Folder] {
		return nil, fmt.Errorf("folder %d: %w", o.Folder, ErrNotFound)
	}
	return f, nil
}

// accept reads a find's item, if it is there with that content, in a wanted folder, and holds the phrases.
func (f *searchFilter) accept(e entry) (it Item, ok bool, err error) {
	found, err := f.tx.c.one(func(r row) { it = scanListed(r) }, "SELECT "+listColumns+" FROM items WHERE id = ? AND content = ? AND date = ? AND folder IS NOT NULL", e.item, e.content, e.date)
	if err != nil || !found {
		return it, false, err
	}
	if !f.folders[it.Folder] {
		f.rejected++
		if f.rejected == foldersAfter && !f.all {
			err = f.listFolders()
		}
		return it, false, err
	}
	if len(f.phrases) > 0 {
		d, err := f.tx.Derived(it.ID)
		if err != nil {
			if _, damaged := asDamaged(err); damaged {
				err = nil
			}
			return it, false, err
		}
		texts := []string{d.Subject, d.From, d.To, d.Text}
		for _, a := range d.Attachments {
			texts = append(texts, a.Name)
		}
		for _, p := range f.phrases {
			if !slices.ContainsFunc(texts, func(t string) bool { return containsPhrase(format.Tokens(nil, t), p) }) {
				return it, false, nil
			}
		}
	}
	return it, true, nil
}

// listFolders lists the items of the wanted folders, so that finds elsewhere cost nothing, unless these are too many.
func (f *searchFilter) listFolders() error {
	var total int64
	for id := range f.folders {
		n, err := f.tx.c.number("SELECT items FROM folders WHERE id = ?", id)
		if err != nil {
			return err
		}
		total += n
	}
	if total > foldersMost {
		return nil
	}
	var ids []groupware.ItemID
	for id := range f.folders {
		in, err := f.tx.itemIDs("SELECT id FROM items WHERE folder IS NOT NULL AND folder = ?", id)
		if err != nil {
			return err
		}
		ids = append(ids, in...)
	}
	return f.finds.restrict(newIDSet(ids))
}

func containsPhrase(words, phrase []string) bool {
	for i := 0; i+len(phrase) <= len(words); i++ {
		if slices.Equal(words[i:i+len(phrase)], phrase) {
			return true
		}
	}
	return false
}

// finds gives what all segments hold, newest first. It is a heap of segments by their next entry.
type finds struct {
	c        *conn
	segments []*segmentFinds
}

// segmentFinds are the finds of one segment: a set of numbers, of which the lowest is next.
type segmentFinds struct {
	id      int64
	set     []uint64
	at      int // word of set
	entry   entry
	row     int // of entries that is decoded
	entries []entry
}

func (f *finds) Len() int           { return len(f.segments) }
func (f *finds) Less(i, j int) bool { return newestFirst(f.segments[i].entry, f.segments[j].entry) < 0 }
func (f *finds) Swap(i, j int)      { f.segments[i], f.segments[j] = f.segments[j], f.segments[i] }
func (f *finds) Push(any)           {}
func (f *finds) Pop() any {
	f.segments = f.segments[:len(f.segments)-1]
	return nil
}

// findAll looks a query up in every segment.
func findAll(c *conn, q query) (*finds, error) {
	all, err := listSegments(c)
	if err != nil {
		return nil, err
	}
	f := &finds{c: c}
	for _, s := range all {
		set, err := lookUp(c, s, q)
		if err != nil {
			return nil, err
		}
		if set == nil {
			continue
		}
		sf := &segmentFinds{id: s.id, set: set, row: -1}
		more, err := sf.advance(c)
		if err != nil {
			return nil, err
		}
		if more {
			f.segments = append(f.segments, sf)
		}
	}
	heap.Init(f)
	return f, nil
}

// next returns the newest entry that was not returned yet.
func (f *finds) next() (e entry, ok bool, err error) {
	if len(f.segments) == 0 {
		return e, false, nil
	}
	s := f.segments[0]
	e = s.entry
	more, err := s.advance(f.c)
	if err != nil {
		return e, false, err
	}
	if more {
		heap.Fix(f, 0)
	} else {
		heap.Remove(f, 0)
	}
	return e, true, nil
}

// advance goes to the next number of the set.
func (s *segmentFinds) advance(c *conn) (bool, error) {
	for ; s.at < len(s.set); s.at++ {
		w := s.set[s.at]
		if w == 0 {
			continue
		}
		number := s.at*64 + bits.TrailingZeros64(w)
		s.set[s.at] = w & (w - 1)
		if n := number / entriesPerRow; n != s.row {
			s.entries, s.row = s.entries[:0], n
			err := c.query(func(r row) (err error) {
				s.entries, err = decodeEntries(s.entries, r.raw(0), len(entryColumns))
				return err
			}, "SELECT data FROM entries WHERE segment = ? AND n = ?", s.id, n)
			if err != nil {
				return false, err
			}
		}
		if number%entriesPerRow >= len(s.entries) {
			return false, errBlock
		}
		s.entry = s.entries[number%entriesPerRow]
		return true, nil
	}
	return false, nil
}

// restrict leaves out of what was not returned yet the items that are not in within.
func (f *finds) restrict(within idSet) error {
	var left []*segmentFinds
	for _, s := range f.segments {
		if err := s.restrict(f.c, within); err != nil {
			return err
		}
		more := within.has(s.entry.item)
		if !more {
			var err error
			if more, err = s.advance(f.c); err != nil {
				return err
			}
		}
		if more {
			left = append(left, s)
		}
	}
	f.segments = left
	heap.Init(f)
	return nil
}

func (s *segmentFinds) restrict(c *conn, within idSet) error {
	const words = entriesPerRow / 64
	var entries []entry
	return c.query(func(r row) (err error) {
		n := int(r.int(0)) * words
		set := s.set[min(n, len(s.set)):min(n+words, len(s.set))]
		if !slices.ContainsFunc(set, func(w uint64) bool { return w != 0 }) {
			return nil
		}
		if entries, err = decodeEntries(entries[:0], r.raw(1), 1); err != nil {
			return err
		}
		for i, w := range set {
			for ; w != 0; w &= w - 1 {
				if n := i*64 + bits.TrailingZeros64(w); n >= len(entries) || !within.has(entries[n].item) {
					set[i] &^= 1 << (n % 64)
				}
			}
		}
		return nil
	}, "SELECT n, data FROM entries WHERE segment = ? AND n >= ? ORDER BY n", s.id, s.at/words)
}

// lookUp returns the set of numbers of a segment's items that hold every word, nil when there is none.
func lookUp(c *conn, s segmentInfo, q query) (set []uint64, err error) {
	for i, w := range q.words {
		found := make([]uint64, (s.items+63)/64)
		any := false
		err := eachMatch(c, s.id, w, func(postings []byte) {
			any = true
			eachNumber(postings, uint32(s.items), func(n uint32) { found[n/64] |= 1 << (n % 64) })
		})
		if err != nil || !any {
			return nil, err
		}
		if i == 0 {
			set = found
			continue
		}
		for j := range set {
			set[j] &= found[j]
		}
	}
	return set, nil
}

// eachMatch calls fn for the postings of a word, or of every word that begins so.
func eachMatch(c *conn, segment int64, w queryWord, fn func(postings []byte)) error {
	word := []byte(w.word)
	var blocks [][]byte
	// The block in which the word would be, then those that begin with it.
	err := c.query(func(r row) error {
		blocks = append(blocks, r.blob(0))
		return nil
	}, "SELECT data FROM blocks WHERE segment = ? AND first <= ? ORDER BY first DESC LIMIT 1", segment, word)
	if err != nil {
		return err
	}
	if w.prefix {
		end := append(bytes.Clone(word), bytes.Repeat([]byte{0xff}, 8)...)
		err := c.query(func(r row) error {
			blocks = append(blocks, r.blob(0))
			return nil
		}, "SELECT data FROM blocks WHERE segment = ? AND first > ? AND first < ? ORDER BY first", segment, word, end)
		if err != nil {
			return err
		}
	}
	for _, b := range blocks {
		err := eachWord(b, func(have, postings []byte) bool {
			switch {
			case bytes.Equal(have, word), w.prefix && bytes.HasPrefix(have, word):
				fn(postings)
			case bytes.Compare(have, word) > 0:
				return false
			}
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}
