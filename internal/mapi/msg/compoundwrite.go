package msg

import (
	"fmt"
	"math/bits"

	"outpost/internal/mapi"
)

const (
	sectorSize = 512
	perSector  = sectorSize / 4
	maxFile    = 1 << 30
)

// compoundWriter makes a compound file with sectors of 512 bytes. MS-CFB 2.2
type compoundWriter struct {
	sectors   []byte
	fat       []uint32
	mini      []byte
	miniFAT   []uint32
	directory []byte
}

// writeCompound makes a compound file of a storage.
func writeCompound(root *storage) ([]byte, error) {
	w := &compoundWriter{}
	w.directory = appendEntry(nil, "Root Entry", kindRoot, root.class)
	w.directory[67] = 1 // black
	if err := w.children(0, root, 0); err != nil {
		return nil, err
	}
	miniStart := w.append(w.mini)
	le.PutUint32(w.directory[116:], miniStart)
	le.PutUint32(w.directory[120:], uint32(len(w.mini)))
	for len(w.directory)%sectorSize != 0 {
		w.directory = append(w.directory, appendEntry(nil, "", 0, mapi.GUID{})...)
	}
	miniFATSectors := (len(w.miniFAT) + perSector - 1) / perSector
	miniFATStart := w.append(numbers(w.miniFAT, miniFATSectors*perSector))
	directoryStart := w.append(w.directory)
	if len(w.sectors) > maxFile {
		return nil, fmt.Errorf("compound file: %d bytes are more than 1 GiB", len(w.sectors))
	}

	// The tables say where they are themselves, so that their number depends on itself. MS-CFB 2.3, 2.5
	others, fats, difats := len(w.fat), 0, 0
	for {
		f := (others + fats + difats + perSector - 1) / perSector
		d := (max(f-headerDIFAT, 0) + perSector - 2) / (perSector - 1)
		if f == fats && d == difats {
			break
		}
		fats, difats = f, d
	}
	for range fats {
		w.fat = append(w.fat, sectorFAT)
	}
	for range difats {
		w.fat = append(w.fat, sectorDIFAT)
	}
	w.sectors = append(w.sectors, numbers(w.fat, fats*perSector)...)
	where := make([]uint32, fats)
	for i := range where {
		where[i] = uint32(others + i)
	}
	firstDIFAT := uint32(endOfChain)
	if difats > 0 {
		firstDIFAT = uint32(others + fats)
	}
	inHeader := where[:min(fats, headerDIFAT)]
	for i, rest := 0, where[len(inHeader):]; i < difats; i++ {
		n := min(len(rest), perSector-1)
		next := uint32(endOfChain)
		if i+1 < difats {
			next = firstDIFAT + uint32(i) + 1
		}
		w.sectors = le.AppendUint32(append(w.sectors, numbers(rest[:n], perSector-1)...), next)
		rest = rest[n:]
	}

	header := make([]byte, 0, headerSize)
	header = append(append(header, compoundSignature()...), make([]byte, 16)...)
	for _, n := range []uint16{0x003E, 3, 0xFFFE, 9, 6, 0, 0, 0} { // versions, byte order, sizes of sectors
		header = le.AppendUint16(header, n)
	}
	for _, n := range []uint32{0, uint32(fats), directoryStart, 0, miniCutoff, miniFATStart, uint32(miniFATSectors), firstDIFAT, uint32(difats)} {
		header = le.AppendUint32(header, n)
	}
	header = append(header, numbers(inHeader, headerDIFAT)...)
	return append(header, w.sectors...), nil
}

// numbers writes a table, filled up to n numbers.
func numbers(values []uint32, n int) []byte {
	out := make([]byte, 0, 4*n)
	for _, v := range values {
		out = le.AppendUint32(out, v)
	}
	for len(out) < 4*n {
		out = le.AppendUint32(out, freeSector)
	}
	return out
}

// append puts data into sectors that follow each other and gives the first.
func (w *compoundWriter) append(data []byte) uint32 {
	if len(data) == 0 {
		return endOfChain
	}
	start := uint32(len(w.fat))
	w.sectors = append(append(w.sectors, data...), make([]byte, -len(data)&(sectorSize-1))...)
	w.fat = extend(w.fat, (len(data)+sectorSize-1)/sectorSize)
	return start
}

// extend adds a chain of n sectors to a table.
func extend(fat []uint32, n int) []uint32 {
	for range n - 1 {
		fat = append(fat, uint32(len(fat)+1))
	}
	return append(fat, endOfChain)
}

func (w *compoundWriter) stream(data []byte) uint32 {
	if len(data) >= miniCutoff || len(data) == 0 {
		return w.append(data)
	}
	start := uint32(len(w.miniFAT))
	w.mini = append(append(w.mini, data...), make([]byte, -len(data)&(miniSize-1))...)
	w.miniFAT = extend(w.miniFAT, (len(data)+miniSize-1)/miniSize)
	return start
}

// children writes the entries of a storage and of all below it. parent is where the storage's own entry begins.
func (w *compoundWriter) children(parent int, s *storage, depth int) error {
	if depth >= maxStorageDepth {
		return fmt.Errorf("compound file: storages lie in storages deeper than %d", maxStorageDepth)
	}
	children := s.sorted()
	first := len(w.directory) / entrySize
	for _, c := range children {
		if n := len(mapi.EncodeUTF16(c.name)) / 2; n == 0 || n > maxNameUnits {
			return fmt.Errorf("compound file: the name %q is too long or empty", c.name)
		}
		if c.storage != nil {
			w.directory = appendEntry(w.directory, c.name, kindStorage, c.storage.class)
		} else {
			w.directory = appendEntry(w.directory, c.name, kindStream, mapi.GUID{})
		}
	}
	le.PutUint32(w.directory[parent+76:], w.tree(first, len(children), bits.Len(uint(len(children)))-1, true))
	for i, c := range children {
		at := (first + i) * entrySize
		if c.storage != nil {
			if err := w.children(at, c.storage, depth+1); err != nil {
				return err
			}
			continue
		}
		if len(c.data) > maxFile || len(w.sectors)+len(c.data) > maxFile {
			return fmt.Errorf("compound file: %s has %d bytes, and the file would be larger than 1 GiB", c.name, len(c.data))
		}
		le.PutUint32(w.directory[at+116:], w.stream(c.data))
		le.PutUint32(w.directory[at+120:], uint32(len(c.data)))
	}
	return nil
}

// tree makes a search tree of n sorted entries and gives its root. All levels but the last are full; the last is red,
// so that every way down has as many black entries. The root is always black. MS-CFB 2.6.4
func (w *compoundWriter) tree(first, n, levels int, root bool) uint32 {
	if n == 0 {
		return noEntry
	}
	middle := n / 2
	at := (first + middle) * entrySize
	if levels > 0 || root {
		const black = 1
		w.directory[at+67] = black
	}
	le.PutUint32(w.directory[at+68:], w.tree(first, middle, levels-1, false))
	le.PutUint32(w.directory[at+72:], w.tree(first+middle+1, n-middle-1, levels-1, false))
	return uint32(first + middle)
}

// appendEntry writes an entry of the directory without its place in the tree. MS-CFB 2.6.1
func appendEntry(dst []byte, name string, kind byte, class mapi.GUID) []byte {
	e := make([]byte, entrySize)
	if kind != 0 {
		le.PutUint16(e[64:], uint16(copy(e[:62], mapi.EncodeUTF16(name))+2))
	}
	e[66] = kind
	for _, at := range []int{68, 72, 76} {
		le.PutUint32(e[at:], noEntry)
	}
	copy(e[80:], class[:])
	if kind == 0 || kind == kindStream {
		le.PutUint32(e[116:], endOfChain)
	}
	return append(dst, e...)
}
