package msg

import (
	"bytes"
	"fmt"
	"math/bits"
	"strings"
	"testing"

	"outpost/internal/mapi"
)

// treeOf makes a storage with streams of the sizes, each filled with its own bytes.
func treeOf(sizes ...int) *storage {
	s := newStorage()
	for i, size := range sizes {
		s.addStream(fmt.Sprintf("stream %d", i), bytes.Repeat([]byte{byte(i), byte(i >> 8), 0x55}, size/3+1)[:size])
	}
	return s
}

// unlike says in what two storages differ.
func unlike(a, b *storage, path string) string {
	if a.class != b.class || len(a.children) != len(b.children) {
		return fmt.Sprintf("%s: class %s with %d, then %s with %d", path, a.class, len(a.children), b.class, len(b.children))
	}
	for k, x := range a.children {
		y, ok := b.children[k]
		if !ok || x.name != y.name || (x.storage == nil) != (y.storage == nil) || !bytes.Equal(x.data, y.data) {
			return fmt.Sprintf("%s/%s: %d bytes, then %s with %d bytes", path, x.name, len(x.data), y.name, len(y.data))
		}
		if x.storage != nil {
			if d := unlike(x.storage, y.storage, path+"/"+x.name); d != "" {
				return d
			}
		}
	}
	return ""
}

func TestACompoundFileIsTheSameAfterWriting(t *testing.T) {
	sizes := []int{0, 1, 63, 64, 65, 511, 512, 513, 4095, 4096, 4097, 65536}
	root := treeOf(sizes...)
	root.class = classOfMessages()
	sub := treeOf(sizes...)
	sub.class = mapi.PSETIDCommon()
	sub.addStorage("Ünïcode", treeOf())
	root.addStorage("a storage", sub)
	for n := range 70 {
		root.addStorage(fmt.Sprintf("many %d", n), treeOf(make([]int, n)...))
	}
	written, err := writeCompound(root)
	if err != nil {
		t.Fatal(err)
	}
	again, err := readCompound(written)
	if err != nil {
		t.Fatal(err)
	}
	if d := unlike(root, again, ""); d != "" {
		t.Error(d)
	}
	if len(written)%sectorSize != 0 {
		t.Errorf("%d bytes are no whole sectors", len(written))
	}
}

// MS-CFB 2.5: the header has place for the tables of 109*128 sectors only.
func TestALargeCompoundFileIsTheSameAfterWriting(t *testing.T) {
	for _, size := range []int{109*perSector*sectorSize - 3*sectorSize, 109 * perSector * sectorSize, 16 << 20} {
		root := treeOf(size, 5)
		written, err := writeCompound(root)
		if err != nil {
			t.Fatal(err)
		}
		again, err := readCompound(written)
		if err != nil {
			t.Fatal(err)
		}
		if d := unlike(root, again, ""); d != "" {
			t.Error(d)
		}
	}
}

// MS-CFB 2.6.4: no red entry below a red one, as many black ones on every way, smaller names to the left.
func TestTheDirectoryIsARedBlackTree(t *testing.T) {
	for n := range 70 {
		w := &compoundWriter{directory: appendEntry(nil, "Root Entry", kindRoot, mapi.GUID{})}
		if err := w.children(0, treeOf(make([]int, n)...), 0); err != nil {
			t.Fatal(err)
		}
		at := func(i uint32) entry { return entry(w.directory[int(i)*entrySize:][:entrySize]) }
		var last string
		seen := 0
		var walk func(i uint32, parentRed bool, depth int) (black int)
		walk = func(i uint32, parentRed bool, depth int) int {
			if i == noEntry {
				return 0
			}
			e := at(i)
			red := e[67] == 0
			if red && parentRed || depth > bits.Len(uint(n)) {
				t.Errorf("%d entries: %s is red below a red one, or too deep", n, e.name())
			}
			left := walk(e.left(), red, depth+1)
			if len(e.name()) < len(last) || len(e.name()) == len(last) && strings.ToUpper(e.name()) <= strings.ToUpper(last) {
				t.Errorf("%d entries: %s comes after %s", n, e.name(), last)
			}
			last = e.name()
			seen++
			if right := walk(e.right(), red, depth+1); right != left {
				t.Errorf("%d entries: %d black ones on the left of %s, %d on the right", n, left, e.name(), right)
			}
			if red {
				return left
			}
			return left + 1
		}
		if walk(at(0).child(), true, 0); seen != n {
			t.Errorf("%d of %d entries are in the tree", seen, n)
		}
	}
}

// largeSectors is a file with sectors of 4096 bytes: the table, the directory, and a stream of 5000 bytes. MS-CFB 2.2
func largeSectors(content []byte) []byte {
	const size = 4096
	header := make([]byte, size)
	copy(header, compoundSignature())
	for at, n := range map[int]uint16{0x18: 0x3E, 0x1A: 4, 0x1C: 0xFFFE, 0x1E: 12, 0x20: 6} {
		le.PutUint16(header[at:], n)
	}
	for at, n := range map[int]uint32{0x28: 1, 0x2C: 1, 0x30: 1, 0x38: miniCutoff, 0x3C: endOfChain, 0x44: endOfChain} {
		le.PutUint32(header[at:], n)
	}
	copy(header[0x4C:], numbers([]uint32{0}, headerDIFAT))
	directory := appendEntry(appendEntry(nil, "Root Entry", kindRoot, mapi.GUID{}), "stream", kindStream, mapi.GUID{})
	le.PutUint32(directory[76:], 1)
	le.PutUint32(directory[116:], endOfChain)
	le.PutUint32(directory[entrySize+116:], 2)
	le.PutUint64(directory[entrySize+120:], uint64(len(content)))
	for len(directory) < size {
		directory = append(directory, appendEntry(nil, "", 0, mapi.GUID{})...)
	}
	out := append(header, numbers([]uint32{sectorFAT, endOfChain, 3, endOfChain}, size/4)...)
	out = append(append(out, directory...), content...)
	return append(out, make([]byte, 2*size-len(content))...)
}

func TestACompoundFileOfLargeSectorsIsRead(t *testing.T) {
	content := bytes.Repeat([]byte("abcde"), 1000)
	root, err := readCompound(largeSectors(content))
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := root.stream("STREAM"); !ok || !bytes.Equal(got, content) {
		t.Errorf("the stream has %d bytes, %v", len(got), ok)
	}
}

func TestABrokenCompoundFileEndsAndSaysWhatIsWrong(t *testing.T) {
	good := largeSectors(bytes.Repeat([]byte("abcde"), 1000))
	fat, directory := 4096, 2*4096
	for name, c := range map[string]struct {
		spoil   func([]byte) []byte
		problem string
	}{
		"a chain in a circle": {func(b []byte) []byte {
			le.PutUint32(b[fat+8:], 2)
			le.PutUint64(b[directory+entrySize+120:], 1<<40)
			return b
		}, "/stream: only"},
		"a chain to nowhere":        {func(b []byte) []byte { le.PutUint32(b[fat+8:], 7777); return b }, "/stream breaks off after 4096 bytes: there is no sector 7777"},
		"an end that is missing":    {func(b []byte) []byte { return b[:len(b)-4096] }, "/stream breaks off after 4096 bytes"},
		"an entry that is its own":  {func(b []byte) []byte { le.PutUint32(b[directory+entrySize+68:], 1); return b }, "the directory names entry 1, which is not there or lies elsewhere"},
		"an entry that is the root": {func(b []byte) []byte { le.PutUint32(b[directory+entrySize+72:], 0); return b }, "the directory names entry 0"},
		"an entry beyond the end":   {func(b []byte) []byte { le.PutUint32(b[directory+76:], 99); return b }, "the directory names entry 99"},
		"no directory":              {func(b []byte) []byte { le.PutUint32(b[0x30:], 99); return b }, "there is no directory"},
		"unknown sectors":           {func(b []byte) []byte { b[0x1E] = 31; return b }, "sectors of 1<<31"},
		"tables listed in a circle": {func(b []byte) []byte {
			le.PutUint32(b[0x44:], 3)
			copy(b[4*4096:], numbers(nil, 1023))
			le.PutUint32(b[5*4096-4:], 3)
			return b
		}, "goes round in a circle"},
		"streams of the same bytes": {sharing, "its sectors belong to other streams, too"},
	} {
		_, err := readCompound(c.spoil(bytes.Clone(good)))
		if err == nil || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: %v, want %q", name, err, c.problem)
		}
	}
}

// sharing lets twenty streams have the same sectors.
func sharing(b []byte) []byte {
	directory := b[2*4096:][:4096]
	for i := 2; i < 22; i++ {
		e := directory[i*entrySize:][:entrySize]
		copy(e, directory[entrySize:2*entrySize])
		e[0] = 'a' + byte(i)
		le.PutUint32(directory[(i-1)*entrySize+72:], uint32(i))
	}
	return b
}

func TestStoragesInStoragesEndSomewhere(t *testing.T) {
	s := newStorage()
	for range maxStorageDepth - 1 {
		outer := newStorage()
		outer.addStorage("s", s)
		s = outer
	}
	if _, err := writeCompound(s); err != nil {
		t.Error(err)
	}
	outer := newStorage()
	outer.addStorage("s", s)
	if _, err := writeCompound(outer); err == nil {
		t.Error("one deeper is written")
	}
}
