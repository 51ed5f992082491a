package mapi

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func testGUID(b byte) GUID { return GUID(bytes.Repeat([]byte{b}, 16)) }

// The structures of MS-OXCDATA 2.2.4.1 and 2.2.4.2.
func TestEntryIDsOfFoldersAndMessagesHaveTheBytesOfTheSpecification(t *testing.T) {
	folder := LongTermID{Replica: testGUID(0xBB), Counter: Counter{0, 0, 0, 0, 1, 2}}
	message := LongTermID{Replica: testGUID(0xBB), Counter: Counter{0, 0, 0, 0, 3, 4}}
	want := unhex(t, "00000000 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA 0100 BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB 000000000102 0000")
	id := FolderEntryID{Provider: testGUID(0xAA), Type: PrivateFolder, Folder: folder}
	if got := AppendFolderEntryID(nil, id); !bytes.Equal(got, want) || len(got) != 46 {
		t.Errorf("folder:\n% x, want\n% x", got, want)
	}
	if got, err := DecodeFolderEntryID(want); err != nil || got != id {
		t.Errorf("folder: %+v, %v", got, err)
	}
	want = unhex(t, "00000000 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA 0700 BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB 000000000102 0000 BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB 000000000304 0000")
	msg := MessageEntryID{Provider: testGUID(0xAA), Type: PrivateMessage, Folder: folder, Message: message}
	if got := AppendMessageEntryID(nil, msg); !bytes.Equal(got, want) || len(got) != 70 {
		t.Errorf("message:\n% x, want\n% x", got, want)
	}
	if got, err := DecodeMessageEntryID(want); err != nil || got != msg {
		t.Errorf("message: %+v, %v", got, err)
	}
	if p, ok := ProviderOf(want); !ok || p != testGUID(0xAA) {
		t.Errorf("provider %s, %v", p, ok)
	}
	if got, err := DecodeFolderEntryID(want); err == nil {
		t.Errorf("a message was taken for the folder %+v", got)
	}
}

// The structures of MS-OXCDATA 2.2.5.1 to 2.2.5.4 and MS-OXOCNTC 2.2.2.2.4.1.1.
func TestEntryIDsOfPeopleHaveTheBytesOfTheSpecification(t *testing.T) {
	oneOff := OneOffEntryID{Flags: OneOffNoRichText, Unicode: true, DisplayName: "Ä", AddressType: "SMTP", EmailAddress: "a@b"}
	want := unhex(t, "00000000 812B1FA4BEA310199D6E00DD010F5402 0000 0180 C4000000 53004D00540050000000 6100400062000000")
	if got, err := AppendOneOffEntryID(nil, oneOff); err != nil || !bytes.Equal(got, want) {
		t.Errorf("one-off:\n% x, %v, want\n% x", got, err, want)
	}
	if got, err := DecodeOneOffEntryID(want); err != nil || got != oneOff {
		t.Errorf("one-off: %+v, %v", got, err)
	}
	oneOff8 := OneOffEntryID{DisplayName: "A", AddressType: "SMTP", EmailAddress: "a@b"}
	want = unhex(t, "00000000 812B1FA4BEA310199D6E00DD010F5402 0000 0000 4100 534D545000 61406200")
	if got, err := AppendOneOffEntryID(nil, oneOff8); err != nil || !bytes.Equal(got, want) {
		t.Errorf("one-off in bytes:\n% x, %v, want\n% x", got, err, want)
	}
	if got, err := DecodeOneOffEntryID(append(want, 0, 0)); err != nil || got != oneOff8 {
		t.Errorf("one-off in bytes: %+v, %v", got, err)
	}

	book := AddressBookEntryID{Type: 0, DN: "/o=X/cn=Ann"}
	want = unhex(t, "00000000 DCA740C8C042101AB4B908002B2FE182 01000000 00000000 2F6F3D582F636E3D416E6E00")
	if got, err := AppendAddressBookEntryID(nil, book); err != nil || !bytes.Equal(got, want) {
		t.Errorf("address book:\n% x, %v, want\n% x", got, err, want)
	}
	if got, err := DecodeAddressBookEntryID(want); err != nil || got != book {
		t.Errorf("address book: %+v, %v", got, err)
	}

	contact := ContactEntryID{Type: ContactAddress, Index: 1, Contact: []byte{7, 8}}
	want = unhex(t, "00000000 FE42AA0A18C71A10E8850B651C240000 03000000 04000000 01000000 02000000 0708")
	if got := AppendContactEntryID(nil, contact); !bytes.Equal(got, want) {
		t.Errorf("contact:\n% x, want\n% x", got, want)
	}
	if got, err := DecodeContactEntryID(want); err != nil || !equalDeep(got, contact) {
		t.Errorf("contact: %+v, %v", got, err)
	}

	wrapped := WrappedEntryID{Type: 0xB5, Embedded: []byte{7, 8}}
	want = unhex(t, "00000000 C091ADD3519DCF11A4A900AA0047FAA4 B5 0708")
	if got := AppendWrappedEntryID(nil, wrapped); !bytes.Equal(got, want) {
		t.Errorf("member:\n% x, want\n% x", got, want)
	}
	if got, err := DecodeWrappedEntryID(want); err != nil || !equalDeep(got, wrapped) {
		t.Errorf("member: %+v, %v", got, err)
	}
}

// MS-OXCDATA 2.2.1.1: two bytes of the replica, then the counter.
func TestAnIDIsANumberWhoseFirstBytesAreTheReplica(t *testing.T) {
	counter, err := MakeCounter(0x010203040506)
	if err != nil || counter != (Counter{1, 2, 3, 4, 5, 6}) || counter.Uint64() != 0x010203040506 {
		t.Fatalf("counter %v, %v", counter, err)
	}
	id := ID{Replica: 1, Counter: counter}
	if v := id.Int64(); v != 0x0605040302010001 || IDOf(v) != id {
		t.Errorf("value 0x%016X, %+v", v, IDOf(v))
	}
	if c, err := MakeCounter(1 << 48); err == nil {
		t.Errorf("a number of 49 bits became %v", c)
	}
}

// The structures of MS-OXCFXICS 2.2.2.2 and 2.2.2.3.
func TestChangeKeysHaveTheBytesOfTheSpecification(t *testing.T) {
	a, b := XID{testGUID(0xAA), []byte{0, 0, 0, 0, 0, 5}}, XID{testGUID(0xBB), []byte{0, 0, 0, 1}}
	want := unhex(t, "16 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA 000000000005 14 BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB 00000001")
	list := PredecessorChangeList{a, b}
	if got, err := AppendPredecessorChangeList(nil, list); err != nil || !bytes.Equal(got, want) {
		t.Errorf("written\n% x, %v, want\n% x", got, err, want)
	}
	if got, err := DecodePredecessorChangeList(want); err != nil || !equalDeep(got, list) {
		t.Errorf("read %+v, %v", got, err)
	}
	if got, err := AppendXID(nil, a); err != nil || !bytes.Equal(got, want[1:23]) {
		t.Errorf("change key % x, %v", got, err)
	}
	if got, err := DecodeXID(want[1:23]); err != nil || !equalDeep(got, a) {
		t.Errorf("change key %+v, %v", got, err)
	}
	if got, err := AppendPredecessorChangeList(nil, PredecessorChangeList{b, a}); err == nil {
		t.Errorf("a list out of order was written: % x", got)
	}
	swapped := append(bytes.Clone(want[23:]), want[:23]...)
	if got, err := DecodePredecessorChangeList(append(swapped, want[23:]...)); err != nil || !equalDeep(got, list) {
		t.Errorf("out of order and twice: %+v, %v", got, err)
	}
	for n := 1; n < len(want); n++ {
		if got, err := DecodePredecessorChangeList(want[:n]); err == nil && n != 23 {
			t.Errorf("the first %d bytes were read as %+v", n, got)
		}
	}
	if got := XIDOf(LongTermID{Replica: testGUID(0xAA), Counter: Counter{5: 5}}); !equalDeep(got, a) {
		t.Errorf("of an id: %+v", got)
	}
}

func TestVersionsAreInConflictWhenNeitherHoldsTheOther(t *testing.T) {
	change := func(namespace byte, n byte) XID { return XID{testGUID(namespace), []byte{0, n}} }
	base := PredecessorChangeList{}.Add(change(2, 1))
	here, there := base.Add(change(1, 1)), base.Add(change(2, 5))
	if !here.IncludesAll(base) || !there.IncludesAll(base) || base.IncludesAll(here) {
		t.Error("a newer version does not hold the older")
	}
	if here.IncludesAll(there) || there.IncludesAll(here) {
		t.Error("two edits are no conflict")
	}
	merged := here.Merge(there)
	if !merged.IncludesAll(here) || !merged.IncludesAll(there) || !equalDeep(merged, there.Merge(here)) {
		t.Errorf("merged: %v", merged)
	}
	if got := merged.Add(change(2, 3)); !equalDeep(got, merged) || !merged.Includes(change(2, 3)) || merged.Includes(change(2, 6)) {
		t.Errorf("an earlier change changes %v", got)
	}
	if _, err := AppendPredecessorChangeList(nil, merged); err != nil {
		t.Error(err)
	}
}

func TestChangeListsAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list PredecessorChangeList
		for range rapid.IntRange(0, 6).Draw(t, "changes") {
			list = list.Add(XID{genGUID().Draw(t, "namespace"), rapid.SliceOfN(rapid.Byte(), 1, 8).Draw(t, "local")})
		}
		data, err := AppendPredecessorChangeList(nil, list)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodePredecessorChangeList(data)
		if err != nil || !got.IncludesAll(list) || !list.IncludesAll(got) || len(got) != len(list) {
			t.Fatalf("got %v, %v, want %v", got, err, list)
		}
	})
}

func FuzzIDs(f *testing.F) {
	for _, seed := range []string{
		"00000000 812B1FA4BEA310199D6E00DD010F5402 0000 0180 C4000000 53004D00540050000000 6100400062000000",
		"00000000 DCA740C8C042101AB4B908002B2FE182 01000000 00000000 2F6F3D582F636E3D416E6E00",
		"00000000 FE42AA0A18C71A10E8850B651C240000 03000000 04000000 01000000 02000000 0708",
		"00000000 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA 0700 BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB 000000000102 0000 BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB 000000000304 0000",
		"16 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA 000000000005 14 BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB 00000001",
	} {
		f.Add(unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		same := func(what string, out []byte, err error) {
			if err != nil || !bytes.HasPrefix(data, out) {
				t.Fatalf("%s: written % x, %v", what, out, err)
			}
		}
		if id, err := DecodeFolderEntryID(data); err == nil {
			same("folder", AppendFolderEntryID(nil, id), nil)
		}
		if id, err := DecodeMessageEntryID(data); err == nil {
			same("message", AppendMessageEntryID(nil, id), nil)
		}
		if id, err := DecodeAddressBookEntryID(data); err == nil {
			out, err := AppendAddressBookEntryID(nil, id)
			same("address book", out, err)
		}
		if id, err := DecodeOneOffEntryID(data); err == nil {
			out, err := AppendOneOffEntryID(nil, id)
			if err != nil || !bytes.HasPrefix(data[4:], out[4:]) {
				t.Fatalf("one-off: written % x, %v", out, err)
			}
		}
		if id, err := DecodeContactEntryID(data); err == nil && len(data) >= 4 {
			if out := AppendContactEntryID(nil, id); !bytes.HasPrefix(data[4:], out[4:]) {
				t.Fatalf("contact: written % x", out)
			}
		}
		if id, err := DecodeXID(data); err == nil {
			out, err := AppendXID(nil, id)
			same("change key", out, err)
		}
		list, err := DecodePredecessorChangeList(data)
		if err != nil {
			return
		}
		out, err := AppendPredecessorChangeList(nil, list)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := DecodePredecessorChangeList(out); err != nil || !again.IncludesAll(list) || !list.IncludesAll(again) {
			t.Fatalf("got %v, %v, want %v", again, err, list)
		}
	})
}

func TestALongTermIDIsReadAsItWasWritten(t *testing.T) {
	id := LongTermID{Replica: testGUID(0xBB), Counter: Counter{1, 2, 3, 4, 5, 6}}
	data := AppendLongTermID(nil, id)
	if got, err := DecodeLongTermID(data); err != nil || got != id || len(data) != 24 {
		t.Errorf("got %+v, %v", got, err)
	}
	data[23] = 1
	if got, err := DecodeLongTermID(data); err == nil {
		t.Errorf("with something in the padding: %+v", got)
	}
}
