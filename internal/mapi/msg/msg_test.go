package msg

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"outpost/internal/mapi"
	"outpost/internal/mapi/mapitest"
	"outpost/internal/mapi/tnef"
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

// Messages that Outlook made, taken from sample files of another format, with embedded messages and objects.
func TestMessagesOfOutlookAreTheSameAfterWriting(t *testing.T) {
	for name, raw := range mapitest.Corpus(t, "tnef", ".tnef") {
		m, _ := tnef.Decode(raw)
		written, err := Encode(m)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := Decode(written)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		forgetLayout(t, m)
		forgetLayout(t, again)
		m.Delete(tagStoreSupportMask)
		for _, a := range m.Attachments {
			if a.Embedded != nil {
				a.Embedded.Delete(tagStoreSupportMask)
			}
		}
		if d := mapitest.Difference(m, again); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// forgetLayout writes objects anew: a compound file has its sectors in any order.
func forgetLayout(t *testing.T, m *mapi.Message) {
	for i := range m.Attachments {
		v, _ := m.Attachments[i].Get(tagAttachDataObject)
		object, ok := v.(mapi.Object)
		if !ok {
			continue
		}
		s, err := readCompound(object)
		if err != nil {
			t.Fatal(err)
		}
		if len(s.children) == 0 {
			t.Error("an object has nothing in it")
		}
		anew, err := writeCompound(s)
		if err != nil {
			t.Fatal(err)
		}
		m.Attachments[i].Set(tagAttachDataObject, mapi.Object(anew))
	}
}

// MS-OXMSG 3.2
func TestTheNameOfTheSpecificationIsRead(t *testing.T) {
	entry, _ := hex.DecodeString("1000000007000500")
	texts, _ := hex.DecodeString("09927D46352E7D1A4111927201F23012" + "1C000000" + "5A005C009100480045004400410045005200200053004900" + "5A004400" + "448A6FBB4D1252E411")
	set := mapi.PSETIDCommon()
	n, index, err := readName(entry, set[:], texts)
	if err != nil {
		t.Fatal(err)
	}
	if want := mapi.NameString(set, "Z\\\u0091HEDAER SIZD"); n != want || index != 5 {
		t.Errorf("%q with index %d, want %q with 5", n, index, want)
	}
}

// MS-OXMSG 2.2.3
func TestNamesHaveTheBytesOfTheSpecification(t *testing.T) {
	table := newNameTable()
	for i, n := range []mapi.Name{mapi.NameID(mapi.PSETIDCommon(), 0x8503), mapi.NameString(mapi.PSPublicStrings(), "Abc"), mapi.NameID(mapi.PSETIDCommon(), 0x8503)} {
		id, err := table.id(n)
		if want := uint16(0x8000 + i%2); err != nil || id != want {
			t.Errorf("%s is 0x%04X, %v", n, id, err)
		}
	}
	s := table.storage()
	for name, want := range map[string]string{
		nameGUIDs:              "0820060000000000c000000000000046",
		nameEntries:            "0385000006000000" + "0000000005000100",
		nameStrings:            "06000000" + "4100620063000000",
		"__substg1.0_100F0102": "0385000006000000", // 0x1000 + (0x8503 XOR 3<<1) MOD 0x1F
	} {
		got, _ := s.stream(name)
		if hex.EncodeToString(got) != want {
			t.Errorf("%s is %x, want %s", name, got, want)
		}
	}
}

// MS-OXMSG 2.4, 2.1.3, 2.1.4
func TestPropertiesHaveTheBytesOfTheSpecification(t *testing.T) {
	m := &mapi.Message{Recipients: make([]mapi.Properties, 2), Attachments: make([]mapi.Attachment, 1)}
	m.Set(0x0017_0003, int32(2))
	m.Set(0x0037_001F, "Hi")
	m.Set(0x0070_001E, mapi.String8("Hi"))
	m.Set(0x3FF0_101F, []string{"a", "bc"})
	m.Set(0x3FF1_1003, []int32{1, 2})
	m.Set(0x3FF2_1102, [][]byte{{9}})
	root, err := (&encoder{names: newNameTable()}).message(m, headerOfFile, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		nameProperties: "0000000000000000" + "02000000" + "01000000" + "02000000" + "01000000" + "0000000000000000" +
			"03001700" + "06000000" + "0200000000000000" +
			"1f003700" + "06000000" + "0600000000000000" +
			"1e007000" + "06000000" + "0300000000000000" +
			"1f10f03f" + "06000000" + "0800000000000000" +
			"0310f13f" + "06000000" + "0800000000000000" +
			"0211f23f" + "06000000" + "0800000000000000" +
			"03000d34" + "06000000" + "0000040000000000",
		"__substg1.0_0037001F":          "48006900",
		"__substg1.0_0070001E":          "4869",
		"__substg1.0_3FF0101F":          "04000000" + "06000000",
		"__substg1.0_3FF0101F-00000000": "61000000",
		"__substg1.0_3FF0101F-00000001": "620063000000",
		"__substg1.0_3FF11003":          "01000000" + "02000000",
		"__substg1.0_3FF21102":          "0100000000000000",
		"__substg1.0_3FF21102-00000000": "09",
	} {
		got, _ := root.stream(name)
		if hex.EncodeToString(got) != want {
			t.Errorf("%s is %x, want %s", name, got, want)
		}
	}
	for _, name := range []string{"__recip_version1.0_#00000001", "__attach_version1.0_#00000000"} {
		if root.storage(name) == nil {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestWhatIsNoMessageFileIsRefused(t *testing.T) {
	for _, data := range []string{"", "From: a@example.com\r\n\r\n", string(compoundSignature())} {
		if m, err := Decode([]byte(data)); m != nil || !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v, %v", data, m, err)
		}
	}
}

func remove(s *storage, name string) {
	delete(s.children, key(name))
	s.order = slices.DeleteFunc(s.order, func(k string) bool { return k == key(name) })
}

func TestABrokenFileIsReadAsFarAsItCanBeAndSaysWhere(t *testing.T) {
	sound := func() *storage {
		m := &mapi.Message{Recipients: make([]mapi.Properties, 1), Attachments: make([]mapi.Attachment, 1)}
		m.Set(0x0037_001F, "good")
		m.Set(0x1000_001F, "body")
		m.SetNamed(mapi.NameString(mapi.PSETIDCommon(), "name"), []string{"a", "b"})
		m.Attachments[0].Set(0x3701_0102, []byte("data"))
		e := &encoder{names: newNameTable()}
		root, err := e.message(m, headerOfFile, 0)
		if err != nil {
			t.Fatal(err)
		}
		root.addStorage(nameNames, e.names.storage())
		return root
	}
	for name, c := range map[string]struct {
		spoil   func(*storage)
		problem string
	}{
		"a property is there twice": {func(s *storage) {
			p, _ := s.stream(nameProperties)
			s.addStream(nameProperties, append(p, p[headerOfFile:]...))
		}, ": property 0x0037001F is there twice"},
		"a value is missing":       {func(s *storage) { remove(s, "__substg1.0_1000001F") }, ": property 0x1000001F: its value is missing"},
		"one of many is missing":   {func(s *storage) { remove(s, "__substg1.0_8000101F-00000001") }, "property 0x8000101F: value 2 of 2 is missing"},
		"the names are missing":    {func(s *storage) { remove(s, nameNames) }, "property 0x8000101F: it has no name"},
		"a name has no set":        {func(s *storage) { s.storage(nameNames).addStream(nameGUIDs, nil) }, "name 0 of a property: there is no property set 3"},
		"a name has no text":       {func(s *storage) { s.storage(nameNames).addStream(nameStrings, []byte{9, 0, 0, 0}) }, "its text goes beyond the end"},
		"a part has no properties": {func(s *storage) { remove(s.storage("__attach_version1.0_#00000000"), nameProperties) }, "/__attach_version1.0_#00000000/__properties_version1.0: the list of properties is missing"},
		"a text of an odd length":  {func(s *storage) { s.addStream("__substg1.0_1000001F", []byte{1}) }, "property 0x1000001F"},
		"a type that nobody knows": {func(s *storage) {
			p, _ := s.stream(nameProperties)
			s.addStream(nameProperties, append(p, 0x99, 9, 1, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
			s.addStream("__substg1.0_30010999", nil)
		}, "values of type 0x0999 cannot be read"},
	} {
		root := sound()
		c.spoil(root)
		raw, err := writeCompound(root)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Decode(raw)
		if m == nil {
			t.Fatalf("%s: %v", name, err)
		}
		if v, _ := m.Get(0x0037_001F); v != "good" || len(m.Recipients) != 1 || len(m.Attachments) != 1 {
			t.Errorf("%s: what is good was not read: %v", name, err)
		}
		if err == nil || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: %v, want %q", name, err, c.problem)
		}
	}
}

func TestMessagesInMessagesEndSomewhere(t *testing.T) {
	m := &mapi.Message{}
	for range maxDepth - 1 {
		m = &mapi.Message{Attachments: []mapi.Attachment{{Embedded: m}}}
	}
	written, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(written); err != nil {
		t.Errorf("%d deep: %v", maxDepth, err)
	}
	if _, err := Encode(&mapi.Message{Attachments: []mapi.Attachment{{Embedded: m}}}); err == nil {
		t.Error("one deeper is written")
	}
}

func TestWhatTheFormatCannotHoldIsAnError(t *testing.T) {
	for name, set := range map[string]func(*mapi.Message){
		"a rule":               func(m *mapi.Message) { m.Set(mapi.MakeTag(0x6680, mapi.TypeRuleAction), mapi.RuleActions{}) },
		"an id without a name": func(m *mapi.Message) { m.Set(mapi.MakeTag(0x8001, mapi.TypeInteger32), int32(1)) },
		"too many recipients":  func(m *mapi.Message) { m.Recipients = make([]mapi.Properties, maxObjects+1) },
	} {
		m := &mapi.Message{}
		set(m)
		if _, err := Encode(m); err == nil {
			t.Errorf("%s is written", name)
		}
	}
}

// Email::Outlook::Message (Debian: libemail-outlook-message-perl) finds in what we write the attachments, byte for byte.
func TestAnotherProgramFindsTheAttachments(t *testing.T) {
	if out, err := exec.Command("perl", "-MEmail::Outlook::Message", "-e", "1").CombinedOutput(); err != nil {
		t.Skipf("perl with Email::Outlook::Message is not installed: %.100s", out)
	}
	const program = `
use Email::Outlook::Message; use Digest::SHA qw(sha256_hex);
Email::Outlook::Message->new($ARGV[0])->to_email_mime->walk_parts(sub {
	my $p = shift;
	print sha256_hex($p->body), " ", $p->filename // "", "\n" unless $p->subparts;
});`
	compared := 0
	for name, raw := range mapitest.Corpus(t, "tnef", ".tnef") {
		m, _ := tnef.Decode(raw)
		written, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "message.msg")
		if err := os.WriteFile(file, written, 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := exec.Command("perl", "-e", program, file).Output()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i := range m.Attachments {
			v, _ := m.Attachments[i].Get(0x3701_0102)
			data, ok := v.([]byte)
			if !ok {
				continue // a message or an object, of which it makes something else
			}
			compared++
			if !bytes.Contains(found, fmt.Appendf(nil, "%x ", sha256.Sum256(data))) {
				t.Errorf("%s: it does not find the %d bytes of attachment %d, but %s", name, len(data), i, found)
			}
		}
	}
	if compared < 20 {
		t.Errorf("only %d attachments were compared", compared)
	}
	t.Logf("%d attachments compared", compared)
}

// Whatever can be read at all can be written, and is then read without a problem as the same.
func FuzzDecode(f *testing.F) {
	m := &mapi.Message{Recipients: make([]mapi.Properties, 1), Attachments: []mapi.Attachment{{Embedded: &mapi.Message{}}, {}}}
	m.Set(0x0037_001F, "subject")
	m.Recipients[0].SetNamed(mapi.NameString(mapi.PSPublicStrings(), "Keywords"), []string{"red", "green"})
	m.Attachments[1].Set(0x3701_0102, bytes.Repeat([]byte("data"), 2000))
	written, err := Encode(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(written)
	f.Add(largeSectors(bytes.Repeat([]byte("abcde"), 1000)))
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
