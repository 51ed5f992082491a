package remotetest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

// Item makes an item of a folder's kind. uid becomes its Message-ID, UID and resource name; text its body or summary.
func Item(kind groupware.FolderKind, uid, text string) remote.NewItem {
	switch kind {
	case groupware.FolderCalendar:
		return Object(uid, Event(uid, text))
	case groupware.FolderTasks:
		return Object(uid, Task(uid, text))
	case groupware.FolderNotes:
		return Object(uid, Journal(uid, text))
	case groupware.FolderContacts:
		return Object(uid, VCard3(uid, text))
	}
	return remote.NewItem{Media: groupware.MediaMessage, Raw: PlainMail(uid, text)}
}

// Object makes an item of a calendar object or vCard, with the resource name that fits.
func Object(uid string, raw []byte) remote.NewItem {
	if bytes.HasPrefix(raw, []byte("BEGIN:VCARD")) {
		return remote.NewItem{Media: groupware.MediaVCard, Raw: raw, Name: uid + ".vcf"}
	}
	return remote.NewItem{Media: groupware.MediaCalendar, Raw: raw, Name: uid + ".ics"}
}

// crlf makes a text with every line ended as the protocols demand.
func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

// escape writes a value of type text. RFC 5545 3.3.11, RFC 6350 4
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, ",", `\,`, ";", `\;`, "\n", `\n`).Replace(text)
}

func header(uid, subject string) string {
	return fmt.Sprintf(`Return-Path: <anna@example.org>
Received: from desk.example.org by mail.example.org; Mon, 2 Mar 2026 09:30:00 +0100
From: Anna Berg <anna@example.org>
To: =?utf-8?Q?J=C3=B8rgen?= <jorgen@example.org>
Subject: %s
Date: Mon, 2 Mar 2026 09:30:00 +0100
Message-ID: <%s@example.org>
X-Folded: one
	two
 three
MIME-Version: 1.0
`, subject, uid)
}

// PlainMail is a message of nothing but ASCII text.
func PlainMail(uid, text string) []byte {
	return crlf(header(uid, "Plain "+uid) + "Content-Type: text/plain; charset=us-ascii\n\n" + text + "\n")
}

// EightBitMail has octets above 127 in its body, not all of them UTF-8.
func EightBitMail(uid string) []byte {
	return crlf(header(uid, "Eight bits") + "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n\n" +
		"Gr\xfc\xdfe aus K\xf6ln, \xa4 \xe2\x82\xac \xff\xfe\n.\n..\n. dots at the start of lines\nFrom here\n")
}

// LongLinesMail has lines of 20,000 octets, trailing spaces, and no line end at its end.
func LongLinesMail(uid string) []byte {
	return crlf(header(uid, "Long lines") + "Content-Type: text/plain\n\n" + strings.Repeat("0123456789", 2000) + "\nspaces  \n\t\n\n\n" +
		strings.Repeat("long ", 4000) + "without end")
}

// EmptyBodyMail is a header block and nothing else.
func EmptyBodyMail(uid string) []byte { return crlf(header(uid, "Nothing to say") + "\n") }

// NoMessageIDMail has no Message-ID.
func NoMessageIDMail(text string) []byte {
	return crlf("From: anna@example.org\nTo: jorgen@example.org\nSubject: No id\nDate: Mon, 2 Mar 2026 09:30:00 +0100\n\n" + text + "\n")
}

// base64Lines encodes n bytes that do not repeat soon.
func base64Lines(n int) string {
	raw := make([]byte, n)
	x := uint32(n)
	for i := range raw {
		x = x*1664525 + 1013904223
		raw[i] = byte(x >> 24)
	}
	all := base64.StdEncoding.EncodeToString(raw)
	var b strings.Builder
	for len(all) > 76 {
		b.WriteString(all[:76] + "\n")
		all = all[76:]
	}
	return b.String() + all + "\n"
}

// BigMail has an attachment of size bytes (a third more on the wire).
func BigMail(uid string, size int) []byte {
	return crlf(header(uid, "Big") + `Content-Type: multipart/mixed; boundary="b1"

--b1
Content-Type: text/plain

See the attachment.
--b1
Content-Type: application/octet-stream; name="big.bin"
Content-Disposition: attachment; filename="big.bin"
Content-Transfer-Encoding: base64

` + base64Lines(size) + "--b1--\n")
}

// MultipartMail has text in two forms, an image inside the HTML and two attachments, one with a name in Japanese.
func MultipartMail(uid string) []byte {
	return crlf(header(uid, "=?utf-8?B?w5xiZXJibGljaw==?=") + `Content-Type: multipart/mixed; boundary="=_outer"

This is a message in MIME format.
--=_outer
Content-Type: multipart/alternative; boundary="=_alt"

--=_alt
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe aus dem S=FCden, und ein langer Satz, der weiter=
geht.
--=_alt
Content-Type: multipart/related; boundary="=_rel"

--=_rel
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

` + base64.StdEncoding.EncodeToString([]byte("<p>Gr\u00fc\u00dfe <b>aus dem S\u00fcden</b></p>")) + `
--=_rel
Content-Type: image/png; name=dot.png
Content-ID: <dot@example.org>
Content-Disposition: inline; filename=dot.png
Content-Transfer-Encoding: base64

` + base64Lines(3000) + `--=_rel--
--=_alt--
--=_outer
Content-Type: application/pdf
Content-Disposition: attachment; filename="=?utf-8?B?5aCx5ZGK5pu4LnBkZg==?="
Content-Transfer-Encoding: base64

` + base64Lines(60000) + `--=_outer
Content-Type: text/plain; charset=us-ascii; name="notes.txt"
Content-Disposition: attachment; filename="notes.txt"

this is an attachment, not the text
--=_outer--
`)
}

// HTMLMail has no plain text, only HTML and an image.
func HTMLMail(uid string) []byte {
	return crlf(header(uid, "HTML") + `Content-Type: multipart/related; boundary="rel"

--rel
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<html><body><p>Only =C3=BCber <b>HTML</b></p></body></html>
--rel
Content-Type: image/png
Content-Disposition: inline; filename=dot.png
Content-Transfer-Encoding: base64

` + base64Lines(20000) + "--rel--\n")
}

// SignedMail is multipart/signed: to verify it every byte is needed.
func SignedMail(uid string) []byte {
	return crlf(header(uid, "Signed") + `Content-Type: multipart/signed; boundary="sig"; micalg=pgp-sha256; protocol="application/pgp-signature"

--sig
Content-Type: text/plain; charset=us-ascii

I mean every word of this.
--sig
Content-Type: application/pgp-signature; name="signature.asc"

-----BEGIN PGP SIGNATURE-----

iQEzBAEBCAAdFiEEexampleexampleexampleexample=
-----END PGP SIGNATURE-----
--sig--
`)
}

// BrokenMail is a multipart whose boundary never ends, of a charset that does not exist, with a part that is not base64.
func BrokenMail(uid string) []byte {
	return crlf(header(uid, "=?utf-8?Q?broken=") + `Content-Type: multipart/mixed; boundary="gone

--gone
Content-Type: text/plain; charset=x-nowhere
Content-Transfer-Encoding: base64

!!! this is not base64 !!!
--gone
Content-Type: image/
`)
}

// Event is one meeting in a time zone, with a property nobody knows.
func Event(uid, summary string) []byte {
	return crlf(calendar(zone + fmt.Sprintf(`BEGIN:VEVENT
UID:%s@example.org
DTSTAMP:20260301T120000Z
DTSTART;TZID=Europe/Berlin:20260305T140000
DTEND;TZID=Europe/Berlin:20260305T150000
SUMMARY:%s
DESCRIPTION:Grüße\, and a line\nanother line
X-OUTPOST-TEST:kept
END:VEVENT
`, uid, escape(summary))))
}

// RecurringEvent is a weekly meeting with one occurrence left out and one moved.
func RecurringEvent(uid string) []byte {
	return crlf(calendar(zone + strings.ReplaceAll(`BEGIN:VEVENT
UID:%s@example.org
DTSTAMP:20260301T120000Z
DTSTART;TZID=Europe/Berlin:20260302T090000
DTEND;TZID=Europe/Berlin:20260302T093000
RRULE:FREQ=WEEKLY;COUNT=20;BYDAY=MO
EXDATE;TZID=Europe/Berlin:20260316T090000
SUMMARY:Monday
CATEGORIES:work,team
X-OUTPOST-TEST:kept
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Monday
TRIGGER:-PT15M
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:%s@example.org
DTSTAMP:20260301T120000Z
RECURRENCE-ID;TZID=Europe/Berlin:20260330T090000
DTSTART;TZID=Europe/Berlin:20260331T100000
DTEND;TZID=Europe/Berlin:20260331T103000
SUMMARY:Monday\, on a Tuesday
END:VEVENT
`, "%s", uid)))
}

// AllDayEvent lasts two days and has a summary in many scripts.
func AllDayEvent(uid string) []byte {
	return crlf(calendar(fmt.Sprintf(`BEGIN:VEVENT
UID:%s@example.org
DTSTAMP:20260301T120000Z
DTSTART;VALUE=DATE:20260401
DTEND;VALUE=DATE:20260403
SUMMARY:Ausflug %s
TRANSP:TRANSPARENT
END:VEVENT
`, uid, "\u00dcber \u65e5\u672c\u8a9e \U0001f4c5")))
}

// Task is a VTODO.
func Task(uid, summary string) []byte {
	return crlf(calendar(fmt.Sprintf(`BEGIN:VTODO
UID:%s@example.org
DTSTAMP:20260301T120000Z
DUE;VALUE=DATE:20260310
SUMMARY:%s
PRIORITY:1
PERCENT-COMPLETE:50
STATUS:IN-PROCESS
X-OUTPOST-TEST:kept
END:VTODO
`, uid, escape(summary))))
}

// Journal is a VJOURNAL: a note.
func Journal(uid, summary string) []byte {
	return crlf(calendar(fmt.Sprintf(`BEGIN:VJOURNAL
UID:%s@example.org
DTSTAMP:20260301T120000Z
DTSTART;VALUE=DATE:20260301
SUMMARY:%s
DESCRIPTION:first line\nsecond line
X-OUTPOST-TEST:kept
END:VJOURNAL
`, uid, escape(summary))))
}

func calendar(components string) string {
	return "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Outpost//Test//EN\n" + components + "END:VCALENDAR\n"
}

const zone = `BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
DTSTART:19810329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZNAME:CEST
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZNAME:CET
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
`

// VCard3 is a person (RFC 2426).
func VCard3(uid, name string) []byte {
	return crlf(fmt.Sprintf(`BEGIN:VCARD
VERSION:3.0
UID:%s
FN:%s
N:Berg;Anna;;;
EMAIL;TYPE=INTERNET,WORK:anna@example.org
TEL;TYPE=CELL:+49 30 123456
NOTE:Gr%s
X-OUTPOST-TEST:kept
END:VCARD
`, uid, escape(name), "\u00fc\u00dfe"))
}

// VCard4 is a person (RFC 6350).
func VCard4(uid, name string) []byte {
	return crlf(fmt.Sprintf(`BEGIN:VCARD
VERSION:4.0
UID:%s
FN:%s
N:Berg;Anna;;;
EMAIL;PREF=1:anna@example.org
TEL;VALUE=uri;TYPE=cell:tel:+49-30-123456
X-OUTPOST-TEST:kept
END:VCARD
`, uid, escape(name)))
}

// Group3 is a distribution list as vCard 3.0 programs write it.
func Group3(uid, name string) []byte {
	return crlf(fmt.Sprintf(`BEGIN:VCARD
VERSION:3.0
UID:%s
FN:%s
N:%s;;;;
X-ADDRESSBOOKSERVER-KIND:group
X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:03a0e51f-d1aa-4385-8a53-e29025acd8af
END:VCARD
`, uid, escape(name), escape(name)))
}

// Group4 is a distribution list (RFC 6350 6.1.4).
func Group4(uid, name string) []byte {
	return crlf(fmt.Sprintf(`BEGIN:VCARD
VERSION:4.0
UID:%s
KIND:group
FN:%s
MEMBER:urn:uuid:03a0e51f-d1aa-4385-8a53-e29025acd8af
END:VCARD
`, uid, escape(name)))
}

// Samples are items that a folder of the kind must give back as they are.
func Samples(kind groupware.FolderKind, uid string) []remote.NewItem {
	var raws [][]byte
	id := func() string { return fmt.Sprintf("%s-s%d", uid, len(raws)) }
	add := func(makers ...func(uid string) []byte) {
		for _, m := range makers {
			raws = append(raws, m(id()))
		}
	}
	named := func(m func(uid, text string) []byte, text string) func(string) []byte {
		return func(uid string) []byte { return m(uid, text) }
	}
	switch kind {
	case groupware.FolderMail:
		add(named(PlainMail, "hello"), EightBitMail, LongLinesMail, EmptyBodyMail, MultipartMail, HTMLMail, SignedMail, BrokenMail)
		raws = append(raws, NoMessageIDMail("hello"))
	case groupware.FolderCalendar:
		add(named(Event, "Once"), RecurringEvent, AllDayEvent)
	case groupware.FolderTasks:
		add(named(Task, "Do it"))
	case groupware.FolderNotes:
		add(named(Journal, "Note it"))
	case groupware.FolderContacts:
		add(named(VCard3, "Anna Berg"), named(VCard4, "Anna Berg"), named(Group3, "Team"), named(Group4, "Team"))
	}
	out := make([]remote.NewItem, len(raws))
	for i, raw := range raws {
		out[i] = remote.NewItem{Media: groupware.MediaMessage, Raw: raw}
		if kind != groupware.FolderMail {
			out[i] = Object(fmt.Sprintf("%s-s%d", uid, i), raw)
		}
	}
	return out
}

// missingFrom names the first property of want that got does not hold, for servers that write objects anew. Order,
// folding, parameters, and what the server adds are its own business.
func missingFrom(got, want []byte) string {
	held := properties(got)
	for p := range properties(want) {
		if !held[p] {
			return p
		}
	}
	return ""
}

// properties lists what an object says, each as NAME:VALUE with lists in a fixed order.
func properties(raw []byte) map[string]bool {
	out := map[string]bool{}
	text := strings.NewReplacer("\r\n ", "", "\r\n\t", "", "\n ", "", "\n\t", "").Replace(string(raw))
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		name, _, _ = strings.Cut(strings.ToUpper(name), ";")
		switch name {
		case "PRODID", "DTSTAMP", "VERSION", "TZID", "TZNAME", "DTSTART", "DTEND", "N":
			continue
		}
		if !ok {
			continue
		}
		if name == "RRULE" || name == "CATEGORIES" {
			for part := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ';' || r == ',' }) {
				out[name+":"+part] = true
			}
			continue
		}
		out[name+":"+value] = true
	}
	return out
}
