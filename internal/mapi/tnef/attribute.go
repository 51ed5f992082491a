package tnef

import (
	"bytes"
	"encoding/hex"
	"strings"
	"time"

	"outpost/internal/mapi"
)

// signature begins every stream. MS-OXTNEF 2.1.3
const signature = 0x223E9F78

// The levels of attributes. MS-OXTNEF 2.1.3
const (
	levelMessage    = 1
	levelAttachment = 2
)

// The attributes. MS-OXTNEF 2.1.3
const (
	attOwner                   uint32 = 0x00060000
	attSentFor                 uint32 = 0x00060001
	attDelegate                uint32 = 0x00060002
	attDateStart               uint32 = 0x00030006
	attDateEnd                 uint32 = 0x00030007
	attAidOwner                uint32 = 0x00050008
	attRequestRes              uint32 = 0x00040009
	attOriginalMessageClass    uint32 = 0x00070600
	attOriginalClassAsSent     uint32 = 0x00070006 // what mail programs write instead
	attFrom                    uint32 = 0x00008000
	attSubject                 uint32 = 0x00018004
	attDateSent                uint32 = 0x00038005
	attDateRecd                uint32 = 0x00038006
	attMessageStatus           uint32 = 0x00068007
	attMessageClass            uint32 = 0x00078008
	attMessageID               uint32 = 0x00018009
	attParentID                uint32 = 0x0001800A
	attConversationID          uint32 = 0x0001800B
	attBody                    uint32 = 0x0002800C
	attPriority                uint32 = 0x0004800D
	attAttachData              uint32 = 0x0006800F
	attAttachTitle             uint32 = 0x00018010
	attAttachMetaFile          uint32 = 0x00068011
	attAttachCreateDate        uint32 = 0x00038012
	attAttachModifyDate        uint32 = 0x00038013
	attDateModified            uint32 = 0x00038020
	attAttachTransportFilename uint32 = 0x00069001
	attAttachRendData          uint32 = 0x00069002
	attMsgProps                uint32 = 0x00069003
	attRecipTable              uint32 = 0x00069004
	attAttachment              uint32 = 0x00069005
	attTnefVersion             uint32 = 0x00089006
	attOemCodepage             uint32 = 0x00069007
)

// The properties that attributes stand for. MS-OXTNEF 2.1.3.3
const (
	tagConversationKey      mapi.Tag = 0x000B0102
	tagImportance           mapi.Tag = 0x00170003
	tagMessageClass         mapi.Tag = 0x001A001E
	tagParentKey            mapi.Tag = 0x00250102
	tagSubject              mapi.Tag = 0x0037001E
	tagClientSubmitTime     mapi.Tag = 0x00390040
	tagSentRepresentingName mapi.Tag = 0x0042001E
	tagReceivedEntryID      mapi.Tag = 0x00430102
	tagReceivedName         mapi.Tag = 0x0044001E
	tagOriginalMessageClass mapi.Tag = 0x004B001E
	tagStartDate            mapi.Tag = 0x00600040
	tagEndDate              mapi.Tag = 0x00610040
	tagOwnerAppointmentID   mapi.Tag = 0x00620003
	tagResponseRequested    mapi.Tag = 0x0063000B
	tagSentAddressType      mapi.Tag = 0x0064001E
	tagSentEmailAddress     mapi.Tag = 0x0065001E
	tagReceivedAddressType  mapi.Tag = 0x0077001E
	tagReceivedEmailAddress mapi.Tag = 0x0078001E
	tagSenderName           mapi.Tag = 0x0C1A001E
	tagSenderAddressType    mapi.Tag = 0x0C1E001E
	tagSenderEmailAddress   mapi.Tag = 0x0C1F001E
	tagMessageDeliveryTime  mapi.Tag = 0x0E060040
	tagMessageFlags         mapi.Tag = 0x0E070003
	tagBody                 mapi.Tag = 0x1000001E
	tagCreationTime         mapi.Tag = 0x30070040
	tagLastModificationTime mapi.Tag = 0x30080040
	tagSearchKey            mapi.Tag = 0x300B0102
	tagAttachDataBinary     mapi.Tag = 0x37010102
	tagAttachDataObject     mapi.Tag = 0x3701000D
	tagAttachEncoding       mapi.Tag = 0x37020102
	tagAttachFilename       mapi.Tag = 0x3704001E
	tagAttachMethod         mapi.Tag = 0x37050003
	tagAttachLongFilename   mapi.Tag = 0x3707001E
	tagAttachRendering      mapi.Tag = 0x37090102
	tagAttachTag            mapi.Tag = 0x370A0102
	tagRenderingPosition    mapi.Tag = 0x370B0003
	tagAttachTransportName  mapi.Tag = 0x370C001E
	tagMessageCodepage      mapi.Tag = 0x3FFD0003
)

// The attachment methods that the old attributes know. MS-OXCMSG 2.2.2.9
const (
	methodByValue  int32 = 1
	methodEmbedded int32 = 5
	methodOLE      int32 = 6
)

// checksum is the sum of the bytes. MS-OXTNEF 2.1.3
func checksum(data []byte) (sum uint16) {
	for _, b := range data {
		sum += uint16(b)
	}
	return sum
}

// text is what stands before the first NUL.
func text(data []byte) mapi.String8 {
	before, _, _ := bytes.Cut(data, []byte{0})
	return mapi.String8(before)
}

// messageAttribute turns an attribute of a message into the properties it stands for. It reports whether it could.
// MS-OXTNEF 2.1.3.3
func messageAttribute(p *mapi.Properties, id uint32, data []byte) bool {
	r := &reader{data: data}
	switch id {
	case attSubject:
		p.Set(tagSubject, text(data))
	case attBody:
		p.Set(tagBody, text(data))
	case attMessageClass:
		p.Set(tagMessageClass, classFromAttribute(text(data)))
	case attOriginalMessageClass, attOriginalClassAsSent:
		p.Set(tagOriginalMessageClass, classFromAttribute(text(data)))
	case attMessageID:
		return setHex(p, tagSearchKey, data)
	case attParentID:
		return setHex(p, tagParentKey, data)
	case attConversationID:
		return setHex(p, tagConversationKey, data)
	case attDateSent:
		return setDate(p, tagClientSubmitTime, data)
	case attDateRecd:
		return setDate(p, tagMessageDeliveryTime, data)
	case attDateModified:
		return setDate(p, tagLastModificationTime, data)
	case attDateStart:
		return setDate(p, tagStartDate, data)
	case attDateEnd:
		return setDate(p, tagEndDate, data)
	case attDelegate:
		p.Set(tagReceivedEntryID, bytes.Clone(data))
	case attFrom:
		return setAddress(p, readTriple(r), tagSenderName, tagSenderAddressType, tagSenderEmailAddress)
	case attSentFor:
		return setAddress(p, readCountedAddress(r), tagSentRepresentingName, tagSentAddressType, tagSentEmailAddress)
	case attAidOwner:
		if v := r.u32(); r.err == nil {
			p.Set(tagOwnerAppointmentID, int32(v))
		}
		return r.err == nil
	case attRequestRes:
		if v := r.u16(); r.err == nil {
			p.Set(tagResponseRequested, v != 0)
		}
		return r.err == nil
	case attPriority:
		v := r.u16()
		if v < 1 || v > 3 {
			return false
		}
		p.Set(tagImportance, int32(3-v)) // 1 is high, 3 low
	case attMessageStatus:
		if v := r.u8(); r.err == nil {
			p.Set(tagMessageFlags, flagsFromStatus(v))
		}
		return r.err == nil
	default:
		return false
	}
	return true
}

// ownerAttribute turns attOwner into the properties of whoever called a meeting: of the one who sent the request, or of
// the one to whom the answer goes. MS-OXTNEF 2.1.3.3.16
func ownerAttribute(p *mapi.Properties, class string, data []byte) bool {
	r := &reader{data: data}
	switch {
	case hasPrefix(class, "IPM.Schedule.Meeting.Resp"):
		return setAddress(p, readCountedAddress(r), tagReceivedName, tagReceivedAddressType, tagReceivedEmailAddress)
	case hasPrefix(class, "IPM.Schedule.Meeting"):
		return setAddress(p, readCountedAddress(r), tagSentRepresentingName, tagSentAddressType, tagSentEmailAddress)
	}
	return false
}

// attachmentAttribute turns an attribute of an attachment into the property it stands for. MS-OXTNEF 2.1.3.3
func attachmentAttribute(p *mapi.Properties, id uint32, data []byte) bool {
	switch id {
	case attAttachData:
		p.Set(tagAttachDataBinary, bytes.Clone(data))
	case attAttachTitle:
		p.Set(tagAttachFilename, text(data))
	case attAttachMetaFile:
		p.Set(tagAttachRendering, bytes.Clone(data))
	case attAttachTransportFilename:
		p.Set(tagAttachTransportName, text(data))
	case attAttachCreateDate:
		return setDate(p, tagCreationTime, data)
	case attAttachModifyDate:
		return setDate(p, tagLastModificationTime, data)
	case attAttachRendData:
		return setRendData(p, data)
	default:
		return false
	}
	return true
}

// How an attachment was shown. MS-OXTNEF 2.1.3.3.15
const (
	rendFile      = 1
	rendOLE       = 2
	rendMacBinary = 1
	rendNowhere   = 0xFFFFFFFF // the attachment has no place in the text
)

// setRendData reads the attribute that begins an attachment. MS-OXTNEF 2.1.3.3.15
func setRendData(p *mapi.Properties, data []byte) bool {
	r := &reader{data: data}
	kind, position := r.u16(), r.u32()
	r.take(4) // the size of the picture
	flags := r.u32()
	if r.err != nil {
		return false
	}
	if kind == rendOLE {
		p.Set(tagAttachMethod, methodOLE)
		p.Set(tagAttachTag, oleTag())
	} else {
		p.Set(tagAttachMethod, methodByValue)
	}
	if flags&rendMacBinary != 0 {
		p.Set(tagAttachEncoding, macBinaryEncoding())
	}
	if position != rendNowhere {
		p.Set(tagRenderingPosition, int32(position))
	}
	return true
}

// oleTag is {1.2.840.113556.3.10.3.1}, the type of OLE objects. MS-OXCMSG 2.2.2.15
func oleTag() []byte { return []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x14, 0x03, 0x0A, 0x03, 0x01} }

// macBinaryEncoding is {1.2.840.113556.3.11.1}, the encoding of files of the Macintosh. MS-OXCMSG 2.2.2.20
func macBinaryEncoding() []byte { return []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x14, 0x03, 0x0B, 0x01} }

// setHex reads a binary value written as hexadecimal digits. MS-OXTNEF 2.1.3.3
func setHex(p *mapi.Properties, t mapi.Tag, data []byte) bool {
	v, err := hex.DecodeString(string(text(data)))
	if err != nil {
		return false
	}
	p.Set(t, v)
	return true
}

// setDate reads a date of seven numbers. It has no zone and is taken as UTC. MS-OXTNEF 2.1.3.3
func setDate(p *mapi.Properties, t mapi.Tag, data []byte) bool {
	r := &reader{data: data}
	year, month, day := int(r.u16()), int(r.u16()), int(r.u16())
	hour, minute, second := int(r.u16()), int(r.u16()), int(r.u16())
	if r.err != nil || year < 1601 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60 {
		return false
	}
	p.Set(t, time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC))
	return true
}

// appendDate is the other way round. MS-OXTNEF 2.1.3.3
func appendDate(dst []byte, t time.Time) []byte {
	t = t.UTC()
	for _, n := range []int{t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second(), int(t.Weekday())} {
		dst = le.AppendUint16(dst, uint16(n))
	}
	return dst
}

// address is a name and an address of the form SMTP:somebody@example.com.
type address struct {
	name, address []byte
	ok            bool
}

// readTriple reads a TRP structure and what belongs to it. MS-OXTNEF 2.1.3.3
func readTriple(r *reader) address {
	const oneOff = 4
	kind := r.u16()
	r.u16() // the length of everything
	names, addresses := r.u16(), r.u16()
	a := address{name: r.take(int(names)), address: r.take(int(addresses))}
	a.ok = r.err == nil && kind == oneOff
	return a
}

// readCountedAddress reads two texts with their lengths before them. MS-OXTNEF 2.1.3.3.16
func readCountedAddress(r *reader) address {
	a := address{name: r.take(int(r.u16()))}
	a.address = r.take(int(r.u16()))
	a.ok = r.err == nil
	return a
}

func setAddress(p *mapi.Properties, a address, name, kind, email mapi.Tag) bool {
	if !a.ok {
		return false
	}
	p.Set(name, text(a.name))
	before, after, found := strings.Cut(string(text(a.address)), ":")
	if found {
		p.Set(kind, mapi.String8(before))
		p.Set(email, mapi.String8(after))
	}
	return found
}

// flagsFromStatus gives PidTagMessageFlags for attMessageStatus. MS-OXTNEF 2.1.3.3
func flagsFromStatus(status uint8) (flags int32) {
	for _, f := range []struct {
		status uint8
		flag   int32
	}{{0x20, 0x01}, {0x04, 0x04}, {0x02, 0x08}, {0x80, 0x10}} { // read, submitted, not sent, has attachments
		if status&f.status != 0 {
			flags |= f.flag
		}
	}
	if status&0x01 == 0 {
		flags |= 0x02 // not modified
	}
	return flags
}

// classes gives the message classes that the attributes know by other names. MS-OXTNEF 2.1.3.3
func classes() [][2]string {
	return [][2]string{
		{"IPM.Microsoft Mail.Note", "IPM.Note"},
		{"IPM.Microsoft Mail.Read Receipt", "Report.IPM.Note.IPNRN"},
		{"IPM.Microsoft Mail.Non-Delivery", "Report.IPM.Note.NDR"},
		{"IPM.Microsoft Schedule.MtgRespP", "IPM.Schedule.Meeting.Resp.Pos"},
		{"IPM.Microsoft Schedule.MtgRespN", "IPM.Schedule.Meeting.Resp.Neg"},
		{"IPM.Microsoft Schedule.MtgRespA", "IPM.Schedule.Meeting.Resp.Tent"},
		{"IPM.Microsoft Schedule.MtgReq", "IPM.Schedule.Meeting.Request"},
		{"IPM.Microsoft Schedule.MtgCncl", "IPM.Schedule.Meeting.Canceled"},
	}
}

func classFromAttribute(class mapi.String8) mapi.String8 {
	for _, c := range classes() {
		if strings.EqualFold(string(class), c[0]) {
			return mapi.String8(c[1])
		}
	}
	return class
}

func classToAttribute(class string) string {
	for _, c := range classes() {
		if strings.EqualFold(class, c[1]) {
			return c[0]
		}
	}
	return class
}

func hasPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
