package msg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"outpost/internal/mapi"
)

// le is short for what is read and written most.
var le = binary.LittleEndian

// What stands in a table of sectors in place of the next one. MS-CFB 2.1
const (
	sectorMax   = 0xFFFFFFFA
	sectorDIFAT = 0xFFFFFFFC
	sectorFAT   = 0xFFFFFFFD
	endOfChain  = 0xFFFFFFFE
	freeSector  = 0xFFFFFFFF
	noEntry     = 0xFFFFFFFF // of the directory
)

// Sizes. MS-CFB 2.2, 2.6
const (
	headerSize   = 512
	headerDIFAT  = 109 // entries of the DIFAT in the header
	miniSize     = 64
	miniCutoff   = 4096 // smaller streams lie in the mini stream
	entrySize    = 128
	maxNameUnits = 31
)

// The kinds of entries of a directory. MS-CFB 2.6.1
const (
	kindStorage = 1
	kindStream  = 2
	kindRoot    = 5
)

const maxStorageDepth = 256

// ErrFormat is the cause when a file is no compound file at all.
var ErrFormat = errors.New("it does not begin as a compound file (.msg) does")

func compoundSignature() []byte { return []byte{0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1} }

// storage is a storage of a compound file with what is in it. Names are found without regard to case. MS-CFB 2.6.4
type storage struct {
	class    mapi.GUID
	children map[string]child // by their names in capitals
	order    []string         // those names as they came, so that the same input always does the same
}

// child is a storage or a stream in a storage.
type child struct {
	name    string
	storage *storage // of a stream there is none
	data    []byte
}

func newStorage() *storage { return &storage{children: make(map[string]child)} }

// stream gives the bytes of a stream.
func (s *storage) stream(name string) ([]byte, bool) {
	c, ok := s.children[key(name)]
	return c.data, ok && c.storage == nil
}

// storage gives a storage in this one, or nil.
func (s *storage) storage(name string) *storage { return s.children[key(name)].storage }

func (s *storage) addStream(name string, data []byte) { s.add(child{name: name, data: data}) }

func (s *storage) addStorage(name string, sub *storage) { s.add(child{name: name, storage: sub}) }

func (s *storage) add(c child) {
	k := key(c.name)
	if _, ok := s.children[k]; !ok {
		s.order = append(s.order, k)
	}
	s.children[k] = c
}

// compound reads a compound file. MS-CFB 2.1
type compound struct {
	data     []byte
	shift    int // the size of a sector is 1<<shift
	version  uint16
	fat      []uint32
	miniFAT  []uint32
	mini     []byte
	left     int // how many bytes all streams together may still have
	problems []error
}

// readCompound reads all of a compound file. Of a broken one it reads what it can, and gives an error besides.
func readCompound(data []byte) (*storage, error) {
	if len(data) < headerSize || !bytes.HasPrefix(data, compoundSignature()) {
		return nil, ErrFormat
	}
	c := &compound{data: data, version: le.Uint16(data[0x1A:]), shift: int(le.Uint16(data[0x1E:])), left: 2 * len(data)}
	if c.shift != 9 && c.shift != 12 || le.Uint16(data[0x20:]) != 6 {
		return nil, fmt.Errorf("compound file: sectors of 1<<%d and 1<<%d bytes are not known", c.shift, le.Uint16(data[0x20:]))
	}
	c.readFAT()
	directory := c.chain(le.Uint32(data[0x30:]), len(data), "the directory")
	if len(directory) < entrySize {
		return nil, errors.Join(append(c.problems, errors.New("compound file: there is no directory"))...)
	}
	c.miniFAT = table(c.chain(le.Uint32(data[0x3C:]), len(data), "the table of the mini stream"))
	root := entry(directory[:entrySize])
	c.mini = c.chain(root.start(), c.clamp(root.size(c.version)), "the mini stream")
	tree := c.storage(directory, root, make([]bool, len(directory)/entrySize), "", 0)
	return tree, errors.Join(c.problems...)
}

func (c *compound) problem(format string, args ...any) {
	const most = 20
	if len(c.problems) < most {
		c.problems = append(c.problems, fmt.Errorf("compound file: "+format, args...))
	}
}

// clamp makes a size that fits into the file.
func (c *compound) clamp(size uint64) int { return int(min(size, uint64(len(c.data)))) }

// sector gives a sector, which at the end of a broken file may be short.
func (c *compound) sector(n uint32) []byte {
	from := (uint64(n) + 1) << c.shift
	if n >= sectorMax || from >= uint64(len(c.data)) {
		return nil
	}
	return c.data[from:min(from+1<<c.shift, uint64(len(c.data)))]
}

// readFAT reads the table that says of each sector which one follows. MS-CFB 2.3, 2.5
func (c *compound) readFAT() {
	perSector := 1 << c.shift / 4
	most := len(c.data)>>c.shift/perSector + 1 // more than that say nothing of this file
	add := func(entries []uint32) {
		for _, n := range entries {
			if n < sectorMax && len(c.fat) < most*perSector {
				c.fat = append(c.fat, table(c.sector(n))...)
			}
		}
	}
	add(table(c.data[0x4C:headerSize]))
	next := le.Uint32(c.data[0x44:])
	for range len(c.data)>>c.shift + 1 {
		s := table(c.sector(next))
		if len(s) < perSector {
			return
		}
		add(s[:perSector-1])
		next = s[perSector-1]
	}
	c.problem("the list of tables of sectors goes round in a circle")
}

// table gives the numbers of a sector.
func table(sector []byte) []uint32 {
	out := make([]uint32, len(sector)/4)
	for i := range out {
		out[i] = le.Uint32(sector[4*i:])
	}
	return out
}

// chain reads sectors that follow each other, up to a size.
func (c *compound) chain(start uint32, size int, what string) []byte {
	return c.follow(start, size, c.fat, 1<<c.shift, c.sector, what)
}

// miniChain does the same in the mini stream. MS-CFB 2.4
func (c *compound) miniChain(start uint32, size int, what string) []byte {
	return c.follow(start, size, c.miniFAT, miniSize, func(n uint32) []byte {
		from := uint64(n) * miniSize
		if from >= uint64(len(c.mini)) {
			return nil
		}
		return c.mini[from:min(from+miniSize, uint64(len(c.mini)))]
	}, what)
}

func (c *compound) follow(n uint32, size int, fat []uint32, sectorSize int, sector func(uint32) []byte, what string) []byte {
	var out []byte
	for steps := 0; n < sectorMax && len(out) < size; steps++ {
		s := sector(n)
		if steps > len(fat) || s == nil || int64(n) >= int64(len(fat)) {
			c.problem("%s breaks off after %d bytes: there is no sector %d", what, len(out), n)
			return out
		}
		out = append(out, s[:min(len(s), size-len(out))]...)
		if n = fat[n]; len(s) < sectorSize {
			break
		}
	}
	return out
}

// entry is an entry of the directory. MS-CFB 2.6.1
type entry []byte

func (e entry) name() string {
	n := min(int(le.Uint16(e[64:])), 64)
	return strings.TrimRight(mapi.DecodeUTF16(e[:n]), "\x00")
}
func (e entry) kind() byte    { return e[66] }
func (e entry) left() uint32  { return le.Uint32(e[68:]) }
func (e entry) right() uint32 { return le.Uint32(e[72:]) }
func (e entry) child() uint32 { return le.Uint32(e[76:]) }
func (e entry) start() uint32 { return le.Uint32(e[116:]) }
func (e entry) size(version uint16) uint64 {
	if version < 4 {
		return uint64(le.Uint32(e[120:])) // the upper half may be anything
	}
	return le.Uint64(e[120:])
}

// storage reads what is in a storage. Every entry is looked at once, so that circles end.
func (c *compound) storage(directory []byte, e entry, seen []bool, path string, depth int) *storage {
	s := newStorage()
	copy(s.class[:], e[80:96])
	if depth == maxStorageDepth {
		c.problem("%s: storages lie in storages deeper than %d", path, maxStorageDepth)
		return s
	}
	for todo := []uint32{e.child()}; len(todo) > 0; {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if n == noEntry {
			continue
		}
		if int64(n) >= int64(len(seen)) || seen[n] || n == 0 {
			c.problem("%s: the directory names entry %d, which is not there or lies elsewhere", path, n)
			continue
		}
		seen[n] = true
		e := entry(directory[int(n)*entrySize:][:entrySize])
		todo = append(todo, e.left(), e.right())
		name, where := e.name(), path+"/"+e.name()
		switch e.kind() {
		case kindStorage:
			s.addStorage(name, c.storage(directory, e, seen, where, depth+1))
		case kindStream:
			s.addStream(name, c.stream(e, where))
		}
	}
	return s
}

func (c *compound) stream(e entry, path string) []byte {
	want := e.size(c.version)
	size := c.clamp(want)
	if size > c.left {
		c.problem("%s: its sectors belong to other streams, too", path)
		return nil
	}
	c.left -= size
	read := c.chain
	if want < miniCutoff {
		read = c.miniChain
	}
	data := read(e.start(), size, path)
	if uint64(len(data)) < want {
		c.problem("%s: only %d of its %d bytes are there", path, len(data), want)
	}
	return data
}

// key is what names are compared by. MS-CFB 2.6.4
func key(name string) string { return strings.ToUpper(name) }

// sorted gives what is in a storage in the order of the directory: shorter names first. MS-CFB 2.6.4
func (s *storage) sorted() []child {
	type named struct {
		units []uint16
		child child
	}
	all := make([]named, 0, len(s.order))
	for _, k := range s.order {
		all = append(all, named{units(mapi.EncodeUTF16(k)), s.children[k]})
	}
	slices.SortFunc(all, func(a, b named) int {
		if len(a.units) != len(b.units) {
			return len(a.units) - len(b.units)
		}
		return slices.Compare(a.units, b.units)
	})
	out := make([]child, len(all))
	for i, n := range all {
		out[i] = n.child
	}
	return out
}

func units(b []byte) []uint16 {
	out := make([]uint16, len(b)/2)
	for i := range out {
		out[i] = le.Uint16(b[2*i:])
	}
	return out
}
