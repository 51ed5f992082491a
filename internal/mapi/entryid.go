package mapi

import (
	"fmt"
	"strings"
)

// Entry ids are the lasting names of folders, messages and people. Every one begins with four bytes of flags, which are
// zero in those that last, and the GUID of the provider that made it. MS-OXCDATA 2.2

// ProviderOf gives the provider of an entry id. For a folder or a message it is the mailbox.
func ProviderOf(id []byte) (GUID, bool) {
	r := &reader{data: id}
	r.u32()
	g := r.guid()
	return g, r.err == nil
}

// The providers of entry ids. MS-OXCDATA 2.2.4, 2.2.5; MS-OXOCNTC 2.2.2.2.4.1.1

// ProviderAddressBook made those of the address book.
func ProviderAddressBook() GUID {
	return GUID{0xDC, 0xA7, 0x40, 0xC8, 0xC0, 0x42, 0x10, 0x1A, 0xB4, 0xB9, 0x08, 0x00, 0x2B, 0x2F, 0xE1, 0x82}
}

// ProviderOneOff made those of addresses that no address book knows.
func ProviderOneOff() GUID {
	return GUID{0x81, 0x2B, 0x1F, 0xA4, 0xBE, 0xA3, 0x10, 0x19, 0x9D, 0x6E, 0x00, 0xDD, 0x01, 0x0F, 0x54, 0x02}
}

// ProviderContacts made those of people in folders of contacts.
func ProviderContacts() GUID {
	return GUID{0xFE, 0x42, 0xAA, 0x0A, 0x18, 0xC7, 0x1A, 0x10, 0xE8, 0x85, 0x0B, 0x65, 0x1C, 0x24, 0x00, 0x00}
}

// ProviderWrapped made those of members of distribution lists, with another entry id in them.
func ProviderWrapped() GUID {
	return GUID{0xC0, 0x91, 0xAD, 0xD3, 0x51, 0x9D, 0xCF, 0x11, 0xA4, 0xA9, 0x00, 0xAA, 0x00, 0x47, 0xFA, 0xA4}
}

// Counter is a GLOBCNT, a number of 48 bits. Its bytes are ordered so that the first one counts most. MS-OXCDATA 2.2.1.3
type Counter [6]byte

// Uint64 gives the number.
func (c Counter) Uint64() (n uint64) {
	for _, b := range c {
		n = n<<8 | uint64(b)
	}
	return n
}

// MakeCounter makes a counter of a number below 2^48.
func MakeCounter(n uint64) (Counter, error) {
	if n >= 1<<48 {
		return Counter{}, fmt.Errorf("the number %d does not fit into the 48 bits of a counter", n)
	}
	var c Counter
	for i := range c {
		c[i] = byte(n >> (8 * (5 - i)))
	}
	return c, nil
}

// ID is a FID, MID or CN: an object or a change within a mailbox, whose replica has a short number there.
// MS-OXCDATA 2.2.1.1, 2.2.1.2; MS-OXCFXICS 2.2.2.1
type ID struct {
	Replica uint16
	Counter Counter
}

// Int64 gives the id as the value of a property, PidTagFolderId, PidTagMid or PidTagChangeNumber: its eight bytes,
// little-endian.
func (id ID) Int64() int64 {
	b := append(le.AppendUint16(nil, id.Replica), id.Counter[:]...)
	return int64(le.Uint64(b))
}

// IDOf takes the id from the value of such a property.
func IDOf(v int64) (id ID) {
	b := le.AppendUint64(nil, uint64(v))
	id.Replica = le.Uint16(b)
	copy(id.Counter[:], b[2:])
	return id
}

// LongTermID is the same id without the short number: the GUID of the replica takes its place. MS-OXCDATA 2.2.1.3.1
type LongTermID struct {
	Replica GUID
	Counter Counter
}

// AppendLongTermID appends the 24 bytes of the id. MS-OXCDATA 2.2.1.3.1
func AppendLongTermID(dst []byte, id LongTermID) []byte {
	return append(append(append(dst, id.Replica[:]...), id.Counter[:]...), 0, 0)
}

func (r *reader) longTermID() (id LongTermID) {
	id.Replica = r.guid()
	copy(id.Counter[:], r.take(len(id.Counter)))
	if pad := r.u16(); pad != 0 {
		r.fail("the last two bytes of an id are 0x%04X, not 0", pad)
	}
	return id
}

// DecodeLongTermID reads the 24 bytes of an id. MS-OXCDATA 2.2.1.3.1
func DecodeLongTermID(data []byte) (LongTermID, error) {
	r := &reader{data: data}
	id := r.longTermID()
	r.end()
	return id, r.done("long-term id")
}

// EntryIDType is the kind of store and object that an entry id leads to. MS-OXCDATA 2.2.4
type EntryIDType uint16

// The kinds. MS-OXCDATA 2.2.4
const (
	PrivateFolder  EntryIDType = 0x0001
	PublicFolder   EntryIDType = 0x0003
	PrivateMessage EntryIDType = 0x0007
	PublicMessage  EntryIDType = 0x0009
)

// FolderEntryID is the entry id of a folder. MS-OXCDATA 2.2.4.1
type FolderEntryID struct {
	Flags uint32
	// Provider is the GUID of the mailbox, or that of public folders.
	Provider GUID
	Type     EntryIDType
	Folder   LongTermID
}

// AppendFolderEntryID appends the 46 bytes of the entry id. MS-OXCDATA 2.2.4.1
func AppendFolderEntryID(dst []byte, id FolderEntryID) []byte {
	dst = append(le.AppendUint32(dst, id.Flags), id.Provider[:]...)
	return AppendLongTermID(le.AppendUint16(dst, uint16(id.Type)), id.Folder)
}

// DecodeFolderEntryID reads the entry id of a folder. MS-OXCDATA 2.2.4.1
func DecodeFolderEntryID(data []byte) (FolderEntryID, error) {
	r := &reader{data: data}
	id := FolderEntryID{Flags: r.u32(), Provider: r.guid(), Type: EntryIDType(r.u16())}
	if r.err == nil && id.Type != PrivateFolder && id.Type != PublicFolder {
		r.fail("0x%04X is no kind of folder", uint16(id.Type))
	}
	id.Folder = r.longTermID()
	r.end()
	if err := r.done("entry id of a folder"); err != nil {
		return FolderEntryID{}, err
	}
	return id, nil
}

// MessageEntryID is the entry id of a message. MS-OXCDATA 2.2.4.2
type MessageEntryID struct {
	Flags    uint32
	Provider GUID
	Type     EntryIDType
	Folder   LongTermID
	Message  LongTermID
}

// AppendMessageEntryID appends the 70 bytes of the entry id. MS-OXCDATA 2.2.4.2
func AppendMessageEntryID(dst []byte, id MessageEntryID) []byte {
	dst = AppendFolderEntryID(dst, FolderEntryID{id.Flags, id.Provider, id.Type, id.Folder})
	return AppendLongTermID(dst, id.Message)
}

// DecodeMessageEntryID reads the entry id of a message. MS-OXCDATA 2.2.4.2
func DecodeMessageEntryID(data []byte) (MessageEntryID, error) {
	r := &reader{data: data}
	id := MessageEntryID{Flags: r.u32(), Provider: r.guid(), Type: EntryIDType(r.u16())}
	if r.err == nil && id.Type != PrivateMessage && id.Type != PublicMessage {
		r.fail("0x%04X is no kind of message", uint16(id.Type))
	}
	id.Folder, id.Message = r.longTermID(), r.longTermID()
	r.end()
	if err := r.done("entry id of a message"); err != nil {
		return MessageEntryID{}, err
	}
	return id, nil
}

// AddressBookEntryID is the entry id of somebody in the address book. MS-OXCDATA 2.2.5.2
type AddressBookEntryID struct {
	Flags uint32
	// Type is the kind of the entry: 0 a person, 1 a list, 0x0100 a container and so on.
	Type uint32
	// DN is the name in the address book: /o=…/ou=…/cn=Recipients/cn=…
	DN string
}

// AppendAddressBookEntryID appends the bytes of the entry id. MS-OXCDATA 2.2.5.2
func AppendAddressBookEntryID(dst []byte, id AddressBookEntryID) ([]byte, error) {
	if strings.IndexByte(id.DN, 0) >= 0 {
		return dst, fmt.Errorf("address book entry id: the name %.60q has a NUL in it", id.DN)
	}
	p := ProviderAddressBook()
	dst = le.AppendUint32(append(le.AppendUint32(dst, id.Flags), p[:]...), 1)
	return append(append(le.AppendUint32(dst, id.Type), id.DN...), 0), nil
}

// DecodeAddressBookEntryID reads the entry id of somebody in the address book. MS-OXCDATA 2.2.5.2
func DecodeAddressBookEntryID(data []byte) (AddressBookEntryID, error) {
	r := &reader{data: data}
	id := AddressBookEntryID{Flags: r.u32()}
	r.provider(ProviderAddressBook())
	if version := r.u32(); r.err == nil && version != 1 {
		r.fail("version %d is not known", version)
	}
	id.Type, id.DN = r.u32(), r.bytesz()
	r.end()
	if err := r.done("address book entry id"); err != nil {
		return AddressBookEntryID{}, err
	}
	return id, nil
}

func (r *reader) provider(want GUID) {
	if g := r.guid(); r.err == nil && g != want {
		r.fail("the provider is %s, not %s", g, want)
	}
}

// OneOffEntryID is an entry id that is an address itself. MS-OXCDATA 2.2.5.1
type OneOffEntryID struct {
	// Flags are those after the version, but for OneOffUnicode, which Unicode stands for.
	Flags uint16
	// Unicode says that the texts are UTF-16; else they are bytes in a code page that is told elsewhere, taken as they are.
	Unicode     bool
	DisplayName string
	// AddressType is SMTP, mostly.
	AddressType  string
	EmailAddress string
}

// The flags of a one-off entry id. MS-OXCDATA 2.2.5.1
const (
	OneOffNoRichText uint16 = 0x0001 // send no TNEF there
	OneOffUnicode    uint16 = 0x8000
)

// AppendOneOffEntryID appends the bytes of the entry id. MS-OXCDATA 2.2.5.1
func AppendOneOffEntryID(dst []byte, id OneOffEntryID) ([]byte, error) {
	flags := id.Flags &^ OneOffUnicode
	if id.Unicode {
		flags |= OneOffUnicode
	}
	p := ProviderOneOff()
	out := append(le.AppendUint32(dst, 0), p[:]...)
	out = le.AppendUint16(le.AppendUint16(out, 0), flags)
	for _, text := range [...]string{id.DisplayName, id.AddressType, id.EmailAddress} {
		var err error
		if id.Unicode {
			out, err = ROP.appendString(out, text)
		} else {
			out, err = ROP.appendString8(out, String8(text))
		}
		if err != nil {
			return dst, fmt.Errorf("one-off entry id: %w", err)
		}
	}
	return out, nil
}

// DecodeOneOffEntryID reads an entry id that is an address. Bytes behind it are left out: some programs pad it.
// MS-OXCDATA 2.2.5.1
func DecodeOneOffEntryID(data []byte) (OneOffEntryID, error) {
	r := &reader{data: data}
	r.u32()
	r.provider(ProviderOneOff())
	if version := r.u16(); r.err == nil && version != 0 {
		r.fail("version %d is not known", version)
	}
	flags := r.u16()
	id := OneOffEntryID{Flags: flags &^ OneOffUnicode, Unicode: flags&OneOffUnicode != 0}
	for _, text := range [...]*string{&id.DisplayName, &id.AddressType, &id.EmailAddress} {
		if id.Unicode {
			*text = r.stringz()
		} else {
			*text = r.bytesz()
		}
	}
	if err := r.done("one-off entry id"); err != nil {
		return OneOffEntryID{}, err
	}
	return id, nil
}

// ContactEntryID leads to an address of a contact, or to a distribution list among the contacts.
// MS-OXCDATA 2.2.5.3, 2.2.5.4
type ContactEntryID struct {
	// Type is ContactAddress or ContactList.
	Type uint32
	// Index says which of the contact's addresses: 0 to 2 the e-mail addresses, 3 to 5 the fax numbers. In a list it is
	// NoIndex.
	Index uint32
	// Contact is the entry id of the message that is the contact.
	Contact []byte
}

// The values of ContactEntryID. MS-OXCDATA 2.2.5.3, 2.2.5.4
const (
	ContactAddress uint32 = 4
	ContactList    uint32 = 5
	NoIndex        uint32 = 0xFF
)

// AppendContactEntryID appends the bytes of the entry id. MS-OXCDATA 2.2.5.3, 2.2.5.4
func AppendContactEntryID(dst []byte, id ContactEntryID) []byte {
	p := ProviderContacts()
	dst = le.AppendUint32(append(le.AppendUint32(dst, 0), p[:]...), 3)
	dst = le.AppendUint32(le.AppendUint32(dst, id.Type), id.Index)
	return appendBlock(dst, id.Contact)
}

// DecodeContactEntryID reads an entry id that leads to a contact. MS-OXCDATA 2.2.5.3, 2.2.5.4
func DecodeContactEntryID(data []byte) (ContactEntryID, error) {
	r := &reader{data: data}
	r.u32()
	r.provider(ProviderContacts())
	if version := r.u32(); r.err == nil && version != 3 {
		r.fail("version %d is not known", version)
	}
	id := ContactEntryID{Type: r.u32(), Index: r.u32()}
	if r.err == nil && id.Type != ContactAddress && id.Type != ContactList {
		r.fail("the kind %d is not known", id.Type)
	}
	id.Contact = r.bytes(r.length(1))
	if err := r.done("entry id of a contact"); err != nil {
		return ContactEntryID{}, err
	}
	return id, nil
}

// WrappedEntryID is a member of a distribution list among the contacts. MS-OXOCNTC 2.2.2.2.4.1.1
type WrappedEntryID struct {
	// Type tells what is embedded, and which of its addresses.
	Type     uint8
	Embedded []byte
}

// AppendWrappedEntryID appends the bytes of the entry id. MS-OXOCNTC 2.2.2.2.4.1.1
func AppendWrappedEntryID(dst []byte, id WrappedEntryID) []byte {
	p := ProviderWrapped()
	return append(append(append(le.AppendUint32(dst, 0), p[:]...), id.Type), id.Embedded...)
}

// DecodeWrappedEntryID reads a member of a distribution list. MS-OXOCNTC 2.2.2.2.4.1.1
func DecodeWrappedEntryID(data []byte) (WrappedEntryID, error) {
	r := &reader{data: data}
	r.u32()
	r.provider(ProviderWrapped())
	id := WrappedEntryID{Type: r.u8()}
	id.Embedded = r.bytes(r.left())
	if err := r.done("entry id of a member"); err != nil {
		return WrappedEntryID{}, err
	}
	return id, nil
}
