package tnef

import (
	"testing"

	"outpost/internal/mapi"
	"outpost/internal/mapi/mapitest"
	"pgregory.net/rapid"
)

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := mapitest.DrawMessage(t)
		written, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(written)
		if err != nil {
			t.Fatal(err)
		}
		if d := mapitest.Difference(m, again); d != "" {
			t.Fatal(d)
		}
	})
}

// Whatever can be read at all can be written, and is then read without a problem as the same.
func FuzzDecode(f *testing.F) {
	for _, raw := range seeds(f) {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, _ := Decode(raw)
		if m == nil {
			return
		}
		written, err := Encode(m)
		if err != nil {
			return // times after the year 60055 cannot be written
		}
		again, err := Decode(written)
		if err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
		rewritten, err := Encode(again)
		if err != nil {
			t.Fatal(err)
		}
		third, err := Decode(rewritten)
		if err != nil {
			t.Fatal(err)
		}
		if d := mapitest.Difference(again, third); d != "" {
			t.Fatal(d)
		}
	})
}

func seeds(f *testing.F) [][]byte {
	m := &mapi.Message{Recipients: make([]mapi.Properties, 1), Attachments: []mapi.Attachment{{Embedded: &mapi.Message{}}, {}}}
	m.Set(tagSubject, "subject")
	m.Recipients[0].SetNamed(mapi.NameString(mapi.PSPublicStrings(), "Keywords"), []string{"red", "green"})
	m.Attachments[0].Embedded.Set(tagMessageClass, mapi.String8("IPM.Note"))
	m.Attachments[1].Set(tagAttachDataBinary, []byte("data"))
	written, err := Encode(m)
	if err != nil {
		f.Fatal(err)
	}
	var meeting []byte
	for _, a := range sampleAttributes() {
		meeting = append(meeting, appendAttribute(nil, levelMessage, a.id, a.data)...)
	}
	return [][]byte{written, file(meeting)}
}
