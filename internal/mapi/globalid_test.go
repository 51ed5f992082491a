package mapi

import (
	"bytes"
	"testing"
	"time"
)

// The example of MS-OXOCAL 4.1.2: an occurrence that was moved from 25 to 26 March 2008.
const movedOccurrence = "040000008200E00074C5B7101A82E00807D803195025D461E473C8010000000000000000100000002A5844B3A444F74A9C246C60886F116B"

func TestAGlobalObjectIDIsThatOfTheSpecification(t *testing.T) {
	data := unhex(t, movedOccurrence)
	id, err := DecodeGlobalObjectID(data)
	if err != nil {
		t.Fatal(err)
	}
	if id.Year != 2008 || id.Month != 3 || id.Day != 25 || len(id.Data) != 16 {
		t.Errorf("read %+v", id)
	}
	if got, want := Filetime(id.Created).Truncate(time.Second), time.Date(2008, 2, 20, 17, 16, 51, 0, time.UTC); !got.Equal(want) {
		t.Errorf("made at %s, want %s", got, want)
	}
	if out := AppendGlobalObjectID(nil, id); !bytes.Equal(out, data) {
		t.Errorf("written % x", out)
	}
	copy(data[16:20], []byte{0, 0, 0, 0})
	if out := AppendGlobalObjectID(nil, id.Clean()); !bytes.Equal(out, data) {
		t.Errorf("that of the series is % x", out)
	}
	if got := id.Clean().On(time.Date(2008, 3, 25, 0, 0, 0, 0, time.UTC)); !equalDeep(got, id) {
		t.Errorf("that of the day is %+v", got)
	}
	if uid, ok := id.UID(); ok {
		t.Errorf("it was made of %q", uid)
	}
	for n := range data {
		if got, err := DecodeGlobalObjectID(data[:n]); err == nil {
			t.Errorf("%d bytes were read as %+v", n, got)
		}
	}
}

func TestAUIDBecomesAGlobalObjectIDAndBack(t *testing.T) {
	id, err := GlobalObjectIDOfUID("meeting-1@example.com")
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeGlobalObjectID(AppendGlobalObjectID(nil, id))
	if err != nil {
		t.Fatal(err)
	}
	if uid, ok := back.UID(); !ok || uid != "meeting-1@example.com" {
		t.Errorf("got %q, %v", uid, ok)
	}
	for _, uid := range []string{"", "a\x00b"} {
		if id, err := GlobalObjectIDOfUID(uid); err == nil {
			t.Errorf("%q became %+v", uid, id)
		}
	}
}

func FuzzGlobalObjectID(f *testing.F) {
	f.Add(unhex(f, movedOccurrence))
	f.Fuzz(func(t *testing.T, data []byte) {
		id, err := DecodeGlobalObjectID(data)
		if err != nil {
			return
		}
		if out := AppendGlobalObjectID(nil, id); !bytes.Equal(out, data) {
			t.Fatalf("written % x", out)
		}
		id.UID()
	})
}
