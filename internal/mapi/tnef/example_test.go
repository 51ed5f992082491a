package tnef

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"outpost/internal/mapi"
	"outpost/internal/mapi/mapitest"
)

// sampleAttributes are attributes of the sample message of MS-OXTNEF 3.1, with the checksums that it gives.
func sampleAttributes() []struct {
	id       uint32
	data     []byte
	checksum uint16
} {
	return []struct {
		id       uint32
		data     []byte
		checksum uint16
	}{
		{attTnefVersion, []byte{0, 0, 1, 0}, 0x0001},
		{attOemCodepage, []byte{0xE4, 0x04, 0, 0, 0, 0, 0, 0}, 0x00E8},
		{attMessageClass, []byte("IPM.Microsoft Mail.Note\x00"), 0x0831},
		{attPriority, []byte{2, 0}, 0x0002},
		{attSubject, []byte("Simple subject\x00"), 0x057A},
		{attDateSent, []byte{0xD4, 7, 2, 0, 17, 0, 11, 0, 25, 0, 35, 0, 2, 0}, 0x0137},
		{attDateModified, []byte{0xD4, 7, 2, 0, 17, 0, 12, 0, 26, 0, 9, 0, 2, 0}, 0x011F},
		{attMessageID, []byte("757BB19CDE936A4087D90BB784C58E3B\x00"), 0x0751},
	}
}

// file makes a stream of attributes of a message.
func file(attributes ...[]byte) []byte {
	return append([]byte{0x78, 0x9F, 0x3E, 0x22, 1, 0}, bytes.Join(attributes, nil)...)
}

func ofMessage(id uint32, data string) []byte {
	return appendAttribute(nil, levelMessage, id, []byte(data))
}

func ofAttachment(id uint32, data string) []byte {
	return appendAttribute(nil, levelAttachment, id, []byte(data))
}

// MS-OXTNEF 3.1
func TestTheSampleMessageOfTheSpecificationIsRead(t *testing.T) {
	var stream []byte
	for _, a := range sampleAttributes() {
		if got := checksum(a.data); got != a.checksum {
			t.Errorf("checksum of 0x%08X is 0x%04X, want 0x%04X", a.id, got, a.checksum)
		}
		stream = append(stream, appendAttribute(nil, levelMessage, a.id, a.data)...)
	}
	m, err := Decode(file(stream))
	if err != nil {
		t.Fatal(err)
	}
	key, _ := hex.DecodeString("757BB19CDE936A4087D90BB784C58E3B")
	want := &mapi.Message{}
	want.Set(tagMessageClass, mapi.String8("IPM.Note"))
	want.Set(tagImportance, int32(1))
	want.Set(tagSubject, mapi.String8("Simple subject"))
	want.Set(tagClientSubmitTime, time.Date(2004, 2, 17, 11, 25, 35, 0, time.UTC))
	want.Set(tagLastModificationTime, time.Date(2004, 2, 17, 12, 26, 9, 0, time.UTC))
	want.Set(tagSearchKey, key)
	want.Set(tagMessageCodepage, int32(1252))
	if d := mapitest.Difference(want, m); d != "" {
		t.Error(d)
	}
}

// MS-OXTNEF 3.1, 2.1.3
func TestTheSampleMessageOfTheSpecificationIsWritten(t *testing.T) {
	m := &mapi.Message{}
	m.Set(tagMessageClass, "IPM.Note")
	m.Set(tagImportance, int32(1))
	m.Set(tagSubject, "Simple subject")
	m.Set(tagClientSubmitTime, time.Date(2004, 2, 17, 11, 25, 35, 0, time.UTC))
	written, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	want := file()
	for _, a := range sampleAttributes()[:6] {
		want = append(want, levelMessage)
		want = le.AppendUint32(want, a.id)
		want = le.AppendUint32(want, uint32(len(a.data)))
		want = le.AppendUint16(append(want, a.data...), a.checksum)
	}
	if !bytes.HasPrefix(written, want) {
		t.Errorf("written\n%x, want at the beginning\n%x", written, want)
	}
}

// MS-OXTNEF 2.1.3: values of encapsulated properties are used instead of attributes that say otherwise.
func TestAPropertyCountsMoreThanAnAttribute(t *testing.T) {
	list := "\x01\x00\x00\x00" + "\x1F\x00\x37\x00\x01\x00\x00\x00\x06\x00\x00\x00h\x00i\x00\x00\x00\x00\x00"
	for _, stream := range [][]byte{
		file(ofMessage(attSubject, "old\x00"), ofMessage(attMsgProps, list)),
		file(ofMessage(attMsgProps, list), ofMessage(attSubject, "old\x00")),
	} {
		m, err := Decode(stream)
		if err != nil {
			t.Fatal(err)
		}
		if v, _ := m.Get(0x0037001F); v != "hi" || m.Len() != 1 {
			t.Errorf("subject is %v, %d properties", v, m.Len())
		}
	}
}

// MS-OXTNEF 2.1.3.3.16, 2.1.3.3.17
func TestAttributesOfMeetingsBecomeProperties(t *testing.T) {
	owner := "\x04\x00Ann\x00" + "\x15\x00SMTP:a@example.com\x00\x00\x00"
	for class, tags := range map[string][3]mapi.Tag{
		"IPM.Microsoft Schedule.MtgReq":   {tagSentRepresentingName, tagSentAddressType, tagSentEmailAddress},
		"IPM.Microsoft Schedule.MtgRespP": {tagReceivedName, tagReceivedAddressType, tagReceivedEmailAddress},
	} {
		m, err := Decode(file(ofMessage(attOwner, owner), ofMessage(attMessageClass, class+"\x00"), ofMessage(attAidOwner, "\x07\x00\x00\x00"),
			ofMessage(attRequestRes, "\x01\x00"), ofMessage(attDateStart, "\xD4\x07\x02\x00\x11\x00\x0B\x00\x19\x00\x23\x00\x02\x00")))
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"Ann", "SMTP", "a@example.com"} {
			if got := asText(&m.Properties, tags[i]); got != want {
				t.Errorf("%s: %s is %q, want %q", class, tags[i], got, want)
			}
		}
		if v, _ := m.Get(tagOwnerAppointmentID); v != int32(7) {
			t.Errorf("PidTagOwnerAppointmentId is %v", v)
		}
		if v, _ := m.Get(tagResponseRequested); v != true {
			t.Errorf("PidTagResponseRequested is %v", v)
		}
		if v, _ := m.Get(tagStartDate); v != time.Date(2004, 2, 17, 11, 25, 35, 0, time.UTC) {
			t.Errorf("PidTagStartDate is %v", v)
		}
	}
}

// MS-OXTNEF 2.1.3.3
func TestTheSenderIsReadFromItsAttribute(t *testing.T) {
	m, err := Decode(file(ofMessage(attFrom, "\x04\x00\x2A\x00\x04\x00\x13\x00Ann\x00SMTP:a@example.com\x00"+strings.Repeat("\x00", 8)),
		ofMessage(attMessageStatus, "\x24")))
	if err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[mapi.Tag]string{tagSenderName: "Ann", tagSenderAddressType: "SMTP", tagSenderEmailAddress: "a@example.com"} {
		if got := asText(&m.Properties, tag); got != want {
			t.Errorf("%s is %q, want %q", tag, got, want)
		}
	}
	if v, _ := m.Get(tagMessageFlags); v != int32(0x01|0x02|0x04) { // read, not modified, submitted
		t.Errorf("PidTagMessageFlags is %v", v)
	}
}

// MS-OXTNEF 2.1.3.3.15
func TestAttributesOfAttachmentsBecomeProperties(t *testing.T) {
	m, err := Decode(file(
		ofAttachment(attAttachRendData, "\x01\x00\xFF\xFF\xFF\xFF"+strings.Repeat("\x00", 8)),
		ofAttachment(attAttachData, "abc"), ofAttachment(attAttachTitle, "a.txt\x00"),
		ofAttachment(attAttachRendData, "\x02\x00\x09\x00\x00\x00"+strings.Repeat("\x00", 4)+"\x01\x00\x00\x00"),
		ofAttachment(attAttachMetaFile, "picture"), ofAttachment(attAttachTransportFilename, "b\x00")))
	if err != nil || len(m.Attachments) != 2 {
		t.Fatalf("%d attachments, %v", len(m.Attachments), err)
	}
	want := &mapi.Message{Attachments: make([]mapi.Attachment, 2)}
	want.Attachments[0].Set(tagAttachMethod, methodByValue)
	want.Attachments[0].Set(tagAttachDataBinary, []byte("abc"))
	want.Attachments[0].Set(tagAttachFilename, mapi.String8("a.txt"))
	want.Attachments[1].Set(tagAttachMethod, methodOLE)
	want.Attachments[1].Set(tagAttachTag, oleTag())
	want.Attachments[1].Set(tagAttachEncoding, macBinaryEncoding())
	want.Attachments[1].Set(tagRenderingPosition, int32(9))
	want.Attachments[1].Set(tagAttachRendering, []byte("picture"))
	want.Attachments[1].Set(tagAttachTransportName, mapi.String8("b"))
	if d := mapitest.Difference(want, m); d != "" {
		t.Error(d)
	}
}

// MS-OXTNEF 2.1.3.4: every value begins at a multiple of four bytes.
func TestAListOfPropertiesHasTheBytesOfTheSpecification(t *testing.T) {
	var p mapi.Properties
	p.Set(mapi.MakeTag(0x0E01, mapi.TypeBoolean), true)
	p.Set(mapi.MakeTag(0x3000, mapi.TypeMultipleInteger16), []int16{1, 2})
	p.SetNamed(mapi.NameString(mapi.PSPublicStrings(), "Ab"), []string{"x"})
	p.SetNamed(mapi.NameID(mapi.PSETIDCommon(), 0x8503), []byte("\x01\x02\x03"))
	w := &writer{}
	got, err := w.appendList(nil, &p)
	if err != nil {
		t.Fatal(err)
	}
	want := "04000000" +
		"0B00010E" + "01000000" +
		"02100030" + "02000000" + "01000000" + "02000000" +
		"1F100080" + "2903020000000000C000000000000046" + "01000000" + "06000000" + "4100620000000000" + "01000000" + "04000000" + "78000000" +
		"02010180" + "0820060000000000C000000000000046" + "00000000" + "03850000" + "01000000" + "03000000" + "01020300"
	if !strings.EqualFold(hex.EncodeToString(got), want) {
		t.Errorf("got\n%X, want\n%s", got, want)
	}
}

// MS-OXTNEF 2.2.3.5
func TestAMessageInAMessageHasNoSubjectAttribute(t *testing.T) {
	inner := &mapi.Message{}
	inner.Set(tagSubject, "inner")
	m := &mapi.Message{Attachments: []mapi.Attachment{{Embedded: inner}}}
	m.Attachments[0].Set(tagAttachMethod, methodEmbedded)
	written, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(written, ofMessage(attSubject, "inner\x00")) {
		t.Error("it has one")
	}
	again, err := Decode(written)
	if err != nil || again.Attachments[0].Embedded == nil || asText(&again.Attachments[0].Embedded.Properties, tagSubject) != "inner" {
		t.Errorf("it is not read again: %v", err)
	}
}
