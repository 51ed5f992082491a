package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"outpost/internal/groupware"
)

// The inverted index: segments of words and postings, written once, merged now and then. It is ours and not SQLite's FTS5
// because its items are numbered newest first: the first page of half a million finds is the head of a list, where FTS5
// would have to visit every find to sort them by date, or to number them by date in lists several times as
// long. It costs 65 us for a document of 4 KB with 318 different words, FTS5 (detail=none, words found and folded before) 86 us.

const (
	entriesPerRow = 1024
	blockSize     = pageSize - 800 // bytes of a block, such that a row fits into a page
	maxSegment    = 256 << 10      // items; larger segments are not merged further
	mergeWidth    = 8              // this many segments of about one size are merged
	bufferWords   = 1 << 19        // words in the buffer after which a segment is written
	numberDropped = ^uint32(0)     // of an item that a merge leaves out
)

// entry is an item of a segment.
type entry struct {
	item    groupware.ItemID
	content int64
	date    int64
}

// newestFirst orders entries; of one item, the newest content is first.
func newestFirst(a, b entry) int {
	return cmp.Or(cmp.Compare(b.date, a.date), cmp.Compare(b.item, a.item), cmp.Compare(b.content, a.content))
}

// buffer collects items for a segment.
type buffer struct {
	entries []entry
	starts  []int             // where in words the words of each entry begin
	words   []uint32          // numbers of words
	numbers map[string]uint32 // of words
	names   []string          // of numbers
}

func newBuffer() *buffer { return &buffer{numbers: map[string]uint32{}} }

func (b *buffer) add(d indexDoc) {
	b.entries = append(b.entries, entry{d.item, d.content, d.date})
	b.starts = append(b.starts, len(b.words))
	eachToken(d.tokens, func(w []byte) {
		n, ok := b.numbers[string(w)]
		if !ok {
			n = uint32(len(b.names))
			name := string(w)
			b.names = append(b.names, name)
			b.numbers[name] = n
		}
		b.words = append(b.words, n)
	})
}

func (b *buffer) full() bool { return len(b.words) >= bufferWords || len(b.entries) >= maxSegment }

// write makes a segment of the buffer. The caller has a transaction open.
func (b *buffer) write(c *conn) error {
	if len(b.entries) == 0 {
		return nil
	}
	order := make([]int, len(b.entries))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int { return newestFirst(b.entries[x], b.entries[y]) })
	sorted := make([]entry, len(order))
	for i, o := range order {
		sorted[i] = b.entries[o]
	}
	// Sort by counting: where the postings of each word begin, then the items in their order.
	ends := make([]uint32, len(b.names)+1)
	for _, w := range b.words {
		ends[w+1]++
	}
	for i := 1; i < len(ends); i++ {
		ends[i] += ends[i-1]
	}
	starts := slices.Clone(ends)
	postings := make([]uint32, len(b.words))
	for number, o := range order {
		stop := len(b.words)
		if o+1 < len(b.starts) {
			stop = b.starts[o+1]
		}
		for _, w := range b.words[b.starts[o]:stop] {
			postings[starts[w]] = uint32(number)
			starts[w]++
		}
	}
	names := make([]uint32, len(b.names))
	for i := range names {
		names[i] = uint32(i)
	}
	slices.SortFunc(names, func(x, y uint32) int { return cmp.Compare(b.names[x], b.names[y]) })
	w, err := newSegment(c, sorted)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := w.word([]byte(b.names[n]), postings[ends[n]:ends[n+1]]); err != nil {
			return err
		}
	}
	return w.finish()
}

// segmentWriter writes one segment, word after word in order.
type segmentWriter struct {
	c     *conn
	id    int64
	first []byte
	last  []byte
	block []byte
}

func newSegment(c *conn, entries []entry) (*segmentWriter, error) {
	id, err := c.insert("INSERT INTO segments (items) VALUES (?)", len(entries))
	if err != nil {
		return nil, err
	}
	n := 0
	for part := range slices.Chunk(entries, entriesPerRow) {
		if _, err := c.exec("INSERT INTO entries (segment, n, data) VALUES (?, ?, ?)", id, n, appendEntries(nil, part)); err != nil {
			return nil, err
		}
		n++
	}
	return &segmentWriter{c: c, id: id}, nil
}

// word adds a word and the ascending numbers of its items.
func (w *segmentWriter) word(word []byte, numbers []uint32) error {
	if len(numbers) == 0 {
		return nil
	}
	if len(w.block) >= blockSize || len(w.block) > blockSize/2 && len(w.block)+len(numbers) > blockSize {
		if err := w.finish(); err != nil {
			return err
		}
	}
	if w.first == nil {
		w.first = bytes.Clone(word)
		w.last = w.last[:0]
	}
	shared := 0
	for shared < min(len(word), len(w.last)) && word[shared] == w.last[shared] {
		shared++
	}
	w.block = binary.AppendUvarint(w.block, uint64(shared))
	w.block = binary.AppendUvarint(w.block, uint64(len(word)-shared))
	w.block = append(w.block, word[shared:]...)
	w.last = append(w.last[:0], word...)
	size := 0
	before := uint32(0)
	for _, n := range numbers {
		size += uvarintLen(n - before)
		before = n
	}
	w.block = binary.AppendUvarint(w.block, uint64(size))
	before = 0
	for _, n := range numbers {
		w.block = binary.AppendUvarint(w.block, uint64(n-before))
		before = n
	}
	return nil
}

func uvarintLen(n uint32) int {
	l := 1
	for ; n >= 0x80; n >>= 7 {
		l++
	}
	return l
}

// finish writes the block that was begun.
func (w *segmentWriter) finish() error {
	if w.first == nil {
		return nil
	}
	_, err := w.c.exec("INSERT INTO blocks (segment, first, data) VALUES (?, ?, ?)", w.id, w.first, w.block)
	w.first, w.block = nil, w.block[:0]
	return err
}

// eachWord calls fn for the words of a block in order, with their encoded postings; fn returns false to end it.
func eachWord(block []byte, fn func(word, postings []byte) bool) error {
	var word []byte
	for len(block) > 0 {
		shared, suffix, err := 0, []byte(nil), error(nil)
		if shared, block, err = takeUvarint(block); err == nil {
			suffix, block, err = takeBytes(block)
		}
		var postings []byte
		if err == nil {
			postings, block, err = takeBytes(block)
		}
		if err != nil || shared > len(word) {
			return errBlock
		}
		word = append(word[:shared], suffix...)
		if !fn(word, postings) {
			return nil
		}
	}
	return nil
}

var errBlock = errors.New("a block of the index is damaged")

func takeUvarint(b []byte) (int, []byte, error) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v > 1<<31 {
		return 0, nil, errBlock
	}
	return int(v), b[n:], nil
}

func takeBytes(b []byte) (taken, rest []byte, err error) {
	n, b, err := takeUvarint(b)
	if err != nil || n > len(b) {
		return nil, nil, errBlock
	}
	return b[:n:n], b[n:], nil
}

// eachNumber calls fn for the numbers of encoded postings, as long as they are below limit.
func eachNumber(postings []byte, limit uint32, fn func(n uint32)) {
	at := uint64(0)
	for len(postings) > 0 {
		d := uint64(postings[0])
		if d < 0x80 {
			postings = postings[1:]
		} else {
			var k int
			if d, k = binary.Uvarint(postings); k <= 0 {
				return
			}
			postings = postings[k:]
		}
		if at += d; at >= uint64(limit) {
			return
		}
		fn(uint32(at))
	}
}

// appendEntries encodes a row of entries: how many, then the differences of their items, contents and dates.
func appendEntries(dst []byte, entries []entry) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(entries)))
	for _, column := range entryColumns {
		last := int64(0)
		for i := range entries {
			v := *column(&entries[i])
			dst = binary.AppendVarint(dst, v-last)
			last = v
		}
	}
	return dst
}

// entryColumns are the columns of a row of entries, in order.
var entryColumns = [...]func(*entry) *int64{
	func(e *entry) *int64 { return (*int64)(&e.item) },
	func(e *entry) *int64 { return &e.content },
	func(e *entry) *int64 { return &e.date },
}

// decodeEntries appends a row of entries to dst; of all their columns, or of the first ones.
func decodeEntries(dst []entry, b []byte, columns int) ([]entry, error) {
	n, b, err := takeUvarint(b)
	if err != nil || n > entriesPerRow {
		return nil, errBlock
	}
	start := len(dst)
	dst = append(dst, make([]entry, n)...)
	for _, column := range entryColumns[:columns] {
		last := int64(0)
		for i := range n {
			d, k := binary.Varint(b)
			if k <= 0 {
				return nil, errBlock
			}
			b = b[k:]
			last += d
			*column(&dst[start+i]) = last
		}
	}
	return dst, nil
}

// segmentInfo is a row of segments.
type segmentInfo struct{ id, items int64 }

func listSegments(c *conn) (out []segmentInfo, err error) {
	err = c.query(func(r row) error {
		out = append(out, segmentInfo{r.int(0), r.int(1)})
		return nil
	}, "SELECT id, items FROM segments ORDER BY id")
	return out, err
}

// mergeDue chooses segments to merge: mergeWidth of about one size.
func mergeDue(all []segmentInfo) []segmentInfo {
	tiers := map[int][]segmentInfo{}
	for _, s := range all {
		tier := 0
		for n := s.items; n >= 64; n /= mergeWidth {
			tier++
		}
		if s.items < maxSegment {
			tiers[tier] = append(tiers[tier], s)
		}
	}
	for tier := range 16 {
		if t := tiers[tier]; len(t) >= mergeWidth {
			return t[:mergeWidth]
		}
	}
	return nil
}

// merge replaces segments by one. alive, when not nil, says which entries to keep. The caller has a transaction open.
func merge(c *conn, segments []segmentInfo, alive func(entry) (bool, error)) error {
	type numbered struct {
		entry
		segment, number int
	}
	var all []numbered
	maps := make([][]uint32, len(segments))
	for i, s := range segments {
		var entries []entry
		err := c.query(func(r row) (err error) {
			entries, err = decodeEntries(entries, r.raw(0), len(entryColumns))
			return err
		}, "SELECT data FROM entries WHERE segment = ? ORDER BY n", s.id)
		if err != nil {
			return err
		}
		maps[i] = make([]uint32, len(entries))
		for n, e := range entries {
			all = append(all, numbered{e, i, n})
		}
	}
	slices.SortFunc(all, func(a, b numbered) int { return newestFirst(a.entry, b.entry) })
	kept := make([]entry, 0, len(all))
	for _, e := range all {
		keep := len(kept) == 0 || kept[len(kept)-1] != e.entry // the same may have been indexed twice
		if keep && alive != nil {
			var err error
			if keep, err = alive(e.entry); err != nil {
				return err
			}
		}
		if keep {
			maps[e.segment][e.number] = uint32(len(kept))
			kept = append(kept, e.entry)
		} else {
			maps[e.segment][e.number] = numberDropped
		}
	}
	all = nil
	if len(kept) > 0 {
		w, err := newSegment(c, kept)
		if err != nil {
			return err
		}
		if err := mergeWords(c, segments, maps, w); err != nil {
			return err
		}
		if err := w.finish(); err != nil {
			return err
		}
	}
	for _, s := range segments {
		if _, err := c.exec("DELETE FROM segments WHERE id = ?", s.id); err != nil {
			return err
		}
	}
	return nil
}

// wordReader reads the words of a segment one by one.
type wordReader struct {
	c       *conn
	segment int64
	first   []byte // of the block that was read last
	block   []byte // what is left of it
	word    []byte
	numbers []byte // postings of word
	done    bool
}

func (r *wordReader) next() error {
	if len(r.block) == 0 {
		found := false
		after := r.first
		if after == nil {
			after = []byte{}
		}
		_, err := r.c.one(func(row row) { found, r.first, r.block = true, row.blob(0), row.blob(1) },
			"SELECT first, data FROM blocks WHERE segment = ? AND first > ? ORDER BY first LIMIT 1", r.segment, after)
		if err != nil || !found {
			r.done = true
			return err
		}
		r.word = r.word[:0]
	}
	shared, b, err := takeUvarint(r.block)
	if err != nil || shared > len(r.word) {
		return errBlock
	}
	suffix, b, err := takeBytes(b)
	if err != nil {
		return err
	}
	r.word = append(r.word[:shared], suffix...)
	r.numbers, r.block, err = takeBytes(b)
	return err
}

func mergeWords(c *conn, segments []segmentInfo, maps [][]uint32, w *segmentWriter) error {
	readers := make([]*wordReader, len(segments))
	for i, s := range segments {
		readers[i] = &wordReader{c: c, segment: s.id}
		if err := readers[i].next(); err != nil {
			return err
		}
	}
	var numbers []uint32
	var word []byte
	for {
		var least *wordReader
		for _, r := range readers {
			if !r.done && (least == nil || bytes.Compare(r.word, least.word) < 0) {
				least = r
			}
		}
		if least == nil {
			return nil
		}
		word, numbers = append(word[:0], least.word...), numbers[:0]
		for i, r := range readers {
			if r.done || !bytes.Equal(r.word, word) {
				continue
			}
			eachNumber(r.numbers, uint32(len(maps[i])), func(n uint32) {
				if n = maps[i][n]; n != numberDropped {
					numbers = append(numbers, n)
				}
			})
			if err := r.next(); err != nil {
				return err
			}
		}
		if !slices.IsSorted(numbers) {
			slices.Sort(numbers)
		}
		if err := w.word(word, numbers); err != nil {
			return fmt.Errorf("merge the index: %w", err)
		}
	}
}
