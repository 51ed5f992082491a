package mapi

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// GUID is a globally unique id in the byte order of the wire: the first three fields are little-endian.
// MS-DTYP 2.3.4.2
type GUID [16]byte

// String gives the usual form without braces: 00062008-0000-0000-c000-000000000046. MS-DTYP 2.3.4.3
func (g GUID) String() string {
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(g[0:]), binary.LittleEndian.Uint16(g[4:]),
		binary.LittleEndian.Uint16(g[6:]), g[8:10], g[10:])
}

// ParseGUID reads the usual form, with or without braces, in either case.
func ParseGUID(s string) (GUID, error) {
	text := s
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		text, ok = strings.CutSuffix(inner, "}")
		if !ok {
			return GUID{}, fmt.Errorf("GUID %.40q: the closing brace is missing", s)
		}
	}
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return GUID{}, fmt.Errorf("GUID %.40q: want the form 00062008-0000-0000-c000-000000000046", s)
	}
	raw, err := hex.DecodeString(text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:])
	if err != nil {
		return GUID{}, fmt.Errorf("GUID %.40q: %w", s, err)
	}
	var g GUID
	binary.LittleEndian.PutUint32(g[0:], binary.BigEndian.Uint32(raw[0:]))
	binary.LittleEndian.PutUint16(g[4:], binary.BigEndian.Uint16(raw[4:]))
	binary.LittleEndian.PutUint16(g[6:], binary.BigEndian.Uint16(raw[6:]))
	copy(g[8:], raw[8:])
	return g, nil
}

// IsZero reports whether all bits are zero, which stands for "no GUID".
func (g GUID) IsZero() bool { return g == GUID{} }

// propertySet makes {d1-0000-0000-C000-000000000046}, the form of most of the sets that Outlook defines.
func propertySet(d1 uint32) GUID {
	g := GUID{8: 0xC0, 15: 0x46}
	binary.LittleEndian.PutUint32(g[0:], d1)
	return g
}

// The property sets. MS-OXPROPS 1.3.2

// PSPublicStrings is the set of names that anybody may make.
func PSPublicStrings() GUID { return propertySet(0x00020329) }

// PSMAPI is the set whose "names" are plain property ids; a property of it is not a named one.
func PSMAPI() GUID { return propertySet(0x00020328) }

// PSInternetHeaders is the set of header fields of Internet messages.
func PSInternetHeaders() GUID { return propertySet(0x00020386) }

// PSETIDAppointment is the set of appointments.
func PSETIDAppointment() GUID { return propertySet(0x00062002) }

// PSETIDTask is the set of tasks.
func PSETIDTask() GUID { return propertySet(0x00062003) }

// PSETIDAddress is the set of contacts.
func PSETIDAddress() GUID { return propertySet(0x00062004) }

// PSETIDCommon is the set of what all kinds of items have.
func PSETIDCommon() GUID { return propertySet(0x00062008) }

// PSETIDLog is the set of journal entries.
func PSETIDLog() GUID { return propertySet(0x0006200A) }

// PSETIDNote is the set of sticky notes.
func PSETIDNote() GUID { return propertySet(0x0006200E) }

// PSETIDPostRss is the set of items of RSS feeds.
func PSETIDPostRss() GUID { return propertySet(0x00062041) }

// PSETIDSharing is the set of sharing messages.
func PSETIDSharing() GUID { return propertySet(0x00062040) }

// PSETIDRemote is the set of the transport that leaves messages on a server.
func PSETIDRemote() GUID { return propertySet(0x00062014) }

// PSETIDReport is the set of reports.
func PSETIDReport() GUID { return propertySet(0x00062013) }

// PSETIDMeeting is {6ED8DA90-450B-101B-98DA-00AA003F1305}, the set of meeting messages.
func PSETIDMeeting() GUID {
	return GUID{0x90, 0xDA, 0xD8, 0x6E, 0x0B, 0x45, 0x1B, 0x10, 0x98, 0xDA, 0x00, 0xAA, 0x00, 0x3F, 0x13, 0x05}
}

// PSETIDMessaging is {41F28F13-83F4-4114-A584-EEDB5A6B0BFF}, the set of messaging (voice and spam).
func PSETIDMessaging() GUID {
	return GUID{0x13, 0x8F, 0xF2, 0x41, 0xF4, 0x83, 0x14, 0x41, 0xA5, 0x84, 0xEE, 0xDB, 0x5A, 0x6B, 0x0B, 0xFF}
}

// PSETIDUnifiedMessaging is {4442858E-A9E3-4E80-B900-317A210CC15B}, the set of voice messages.
func PSETIDUnifiedMessaging() GUID {
	return GUID{0x8E, 0x85, 0x42, 0x44, 0xE3, 0xA9, 0x80, 0x4E, 0xB9, 0x00, 0x31, 0x7A, 0x21, 0x0C, 0xC1, 0x5B}
}

// PSETIDAirSync is {71035549-0739-4DCB-9163-00F0580DBBDF}, the set of synchronised telephones.
func PSETIDAirSync() GUID {
	return GUID{0x49, 0x55, 0x03, 0x71, 0x39, 0x07, 0xCB, 0x4D, 0x91, 0x63, 0x00, 0xF0, 0x58, 0x0D, 0xBB, 0xDF}
}

// PSETIDAttachment is {96357F7F-59E1-47D0-99A7-46515C183B54}, the set of attachments.
func PSETIDAttachment() GUID {
	return GUID{0x7F, 0x7F, 0x35, 0x96, 0xE1, 0x59, 0xD0, 0x47, 0x99, 0xA7, 0x46, 0x51, 0x5C, 0x18, 0x3B, 0x54}
}

// PSETIDCalendarAssistant is {11000E07-B51B-40D6-AF21-CAA85EDAB1D0}, the set of the calendar assistant.
func PSETIDCalendarAssistant() GUID {
	return GUID{0x07, 0x0E, 0x00, 0x11, 0x1B, 0xB5, 0xD6, 0x40, 0xAF, 0x21, 0xCA, 0xA8, 0x5E, 0xDA, 0xB1, 0xD0}
}

// PSETIDXmlExtractedEntities is {23239608-685D-4732-9C55-4C95CB4E8E33}, the set of what was found in a body.
func PSETIDXmlExtractedEntities() GUID {
	return GUID{0x08, 0x96, 0x23, 0x23, 0x5D, 0x68, 0x32, 0x47, 0x9C, 0x55, 0x4C, 0x95, 0xCB, 0x4E, 0x8E, 0x33}
}
