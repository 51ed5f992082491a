package tnef

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"outpost/internal/mapi"
)

func TestWhatIsNoTNEFIsRefused(t *testing.T) {
	for _, data := range []string{"", "x", "\x78\x9F\x3E\x22", "MIME-Version: 1.0\r\n\r\n"} {
		if m, err := Decode([]byte(data)); m != nil || !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v, %v", data, m, err)
		}
	}
}

func TestABrokenFileIsReadAsFarAsItCanBeAndSaysWhere(t *testing.T) {
	good := ofMessage(attSubject, "good\x00")
	rend := ofAttachment(attAttachRendData, "\x01\x00\xFF\xFF\xFF\xFF"+strings.Repeat("\x00", 8))
	damaged := ofMessage(attBody, "body\x00")
	damaged[len(damaged)-1]++
	for name, c := range map[string]struct {
		file    []byte
		problem string
	}{
		"garbage at the end":              {file(good, []byte("garbage at the end")), "at byte 22: an attribute should begin, but there is 0x67"},
		"half a header":                   {file(good, []byte{1, 2, 3}), "at byte 22: 3 bytes at the end are no attribute"},
		"a length beyond the end":         {file(good, []byte{1, 0x0C, 0x80, 2, 0, 0xFF, 0xFF, 0xFF, 0xFF, 'h', 'i'}), "at byte 31: attribute 0x0002800C should have 4294967295 bytes, but the file has only 2 more"},
		"a wrong checksum":                {file(good, damaged), "at byte 31: the checksum of attribute 0x0002800C is wrong"},
		"a missing checksum":              {file(good, damaged[:len(damaged)-2]), "at byte 31: the checksum of attribute 0x0002800C is missing"},
		"an unknown attribute":            {file(good, ofMessage(0x00061234, "what?")), "at byte 31: attribute 0x00061234 of 5 bytes is not understood"},
		"an impossible date":              {file(good, ofMessage(attDateSent, strings.Repeat("\xFF", 14))), "at byte 31: attribute 0x00038005"},
		"an unknown property type":        {file(good, ofMessage(attMsgProps, "\x01\x00\x00\x00\x99\x09\x01\x30\x00\x00\x00\x00")), "property 1 of 1: at byte 39: values of type 0x0999"},
		"more values than bytes":          {file(good, ofMessage(attMsgProps, "\x01\x00\x00\x00\x03\x10\x01\x30\xFF\xFF\xFF\xFF")), "4294967295 values, but only 0 bytes left"},
		"more properties than bytes":      {file(good, ofMessage(attMsgProps, "\xFF\xFF\xFF\xFF\x03\x00\x01\x30\x00\x00\x00\x00")), "property 2 of 4294967295: at byte 43"},
		"more recipients than bytes":      {file(good, ofMessage(attRecipTable, "\xFF\xFF\xFF\xFF\x00\x00\x00\x00")), "there should be 4294967295 recipients, but there are only 1"},
		"an attachment without beginning": {file(good, ofAttachment(attAttachData, "abc")), "at byte 31: attribute 0x0006800F of an attachment stands before"},
		"an embedded stream broken off": {file(good, rend, ofAttachment(attAttachment, "\x01\x00\x00\x00\x0D\x00\x01\x37\x01\x00\x00\x00\x19\x00\x00\x00"+
			"\x07\x03\x02\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46"+"\x78\x9F\x3E\x22\x01\x00\x07\x07\x07")), "at byte 94: an attribute should begin"},
		"a meeting without owner": {file(good, ofMessage(attOwner, "\xFF")), "the owner of the meeting cannot be read"},
	} {
		m, err := Decode(c.file)
		if m == nil || asText(&m.Properties, tagSubject) != "good" {
			t.Errorf("%s: what is good was not read: %v", name, err)
		}
		if err == nil || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: %v, want %q", name, err, c.problem)
		}
	}
}

func TestWhatFollowsABrokenListIsRead(t *testing.T) {
	m, err := Decode(file(ofMessage(attMsgProps, "\x02\x00\x00\x00\x03\x00\x17\x00\x02\x00\x00\x00\x99\x09\x01\x30"), ofMessage(attSubject, "later\x00")))
	if err == nil {
		t.Error("no problem is told")
	}
	if v, _ := m.Get(tagImportance); v != int32(2) || asText(&m.Properties, tagSubject) != "later" {
		t.Errorf("importance %v, %v", v, err)
	}
}

func TestNULsAndLineEndsAtTheEndAreNoProblem(t *testing.T) {
	if _, err := Decode(file(ofMessage(attSubject, "x\x00"), []byte("\r\n\x00\x00"))); err != nil {
		t.Error(err)
	}
}

func TestMessagesInMessagesEndSomewhere(t *testing.T) {
	in := func(m *mapi.Message) *mapi.Message {
		outer := &mapi.Message{Attachments: []mapi.Attachment{{Embedded: m}}}
		outer.Attachments[0].Set(tagAttachMethod, methodEmbedded)
		return outer
	}
	m := &mapi.Message{}
	for range maxDepth - 1 {
		m = in(m)
	}
	written, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(written); err != nil {
		t.Errorf("%d deep: %v", maxDepth, err)
	}
	if _, err := Encode(in(m)); err == nil {
		t.Error("one deeper is written")
	}
	iid, innermost := iidMessage(), must(Encode(&mapi.Message{}))
	list := le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, 1), uint32(tagAttachDataObject)), 1)
	if list, err = appendCounted(list, append(iid[:], written...)); err != nil {
		t.Fatal(err)
	}
	m, err = Decode(file(ofAttachment(attAttachRendData, string(rendData(&mapi.Properties{}))), ofAttachment(attAttachment, string(list))))
	if err == nil || !strings.Contains(err.Error(), "deeper than") {
		t.Errorf("one deeper is read: %v", err)
	}
	for m.Attachments[0].Embedded != nil {
		m = m.Attachments[0].Embedded
	}
	if v, _ := m.Attachments[0].Get(tagAttachDataObject); !mapi.Equal(v, mapi.Object(innermost)) {
		t.Errorf("what lies too deep is lost: %v", v)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestOnlySoManyProblemsAreTold(t *testing.T) {
	_, err := Decode(file(bytes.Repeat(ofMessage(0x00061234, ""), 1000)))
	if n := strings.Count(err.Error(), "\n"); n != maxProblems {
		t.Errorf("%d lines", n+1)
	}
	if !strings.HasSuffix(err.Error(), "and 980 more") {
		t.Error(err)
	}
}

func TestWhatTheFormatCannotHoldIsAnError(t *testing.T) {
	for name, set := range map[string]func(*mapi.Message){
		"a rule":                 func(m *mapi.Message) { m.Set(mapi.MakeTag(0x6680, mapi.TypeRuleAction), mapi.RuleActions{}) },
		"no value":               func(m *mapi.Message) { m.Set(mapi.MakeTag(0x3001, mapi.TypeNull), mapi.Null{}) },
		"an id without its name": func(m *mapi.Message) { m.Set(mapi.MakeTag(0x8001, mapi.TypeInteger32), int32(1)) },
		"an attachment that cannot": func(m *mapi.Message) {
			m.Attachments = []mapi.Attachment{{}}
			m.Attachments[0].Set(mapi.MakeTag(0x8001, mapi.TypeInteger32), int32(1))
		},
	} {
		m := &mapi.Message{}
		set(m)
		if out, err := Encode(m); err == nil {
			t.Errorf("%s is written: %x", name, out)
		}
	}
}
