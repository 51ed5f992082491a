package format

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"outpost/internal/format/contentline"
	gw "outpost/internal/groupware"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.FixedZone("CET", 3600))

func newUID() string { return "new-uid" }

func TestNormalizeAddsWhatIsMissingAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		name     string
		media    gw.Media
		in, want string
	}{
		{"a whole event stays", gw.MediaCalendar,
			"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:1\nDTSTAMP:20260101T000000Z\nDTSTART:20260101\nsummary:Fol\n ded\nX-KEPT;a=b:c\nEND:VEVENT\nEND:VCALENDAR\n",
			"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:1\nDTSTAMP:20260101T000000Z\nDTSTART:20260101\nsummary:Fol\n ded\nX-KEPT;a=b:c\nEND:VEVENT\nEND:VCALENDAR\n"},
		{"a bare event", gw.MediaCalendar, "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nDTSTART:20260101\nEND:VEVENT\nEND:VCALENDAR",
			"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Outpost//Outpost//EN\nBEGIN:VEVENT\nUID:new-uid\nDTSTAMP:20261122T090000Z\nDTSTART:20260101\nEND:VEVENT\nEND:VCALENDAR\n"},
		{"a bare contact", gw.MediaVCard, "BEGIN:VCARD\nN:Berg;Anna;;;\nEND:VCARD\n", "BEGIN:VCARD\nVERSION:3.0\nUID:new-uid\nFN:Anna Berg\nN:Berg;Anna;;;\nEND:VCARD\n"},
		{"a vCard 4 needs no N", gw.MediaVCard, "BEGIN:VCARD\nVERSION:4.0\nFN:Anna\nUID:1\nEND:VCARD\n", "BEGIN:VCARD\nVERSION:4.0\nFN:Anna\nUID:1\nEND:VCARD\n"},
		{"a vCard 3 needs N", gw.MediaVCard, "BEGIN:VCARD\nVERSION:3.0\nFN:Berg; Anna\nUID:1\nEND:VCARD\n", "BEGIN:VCARD\nVERSION:3.0\nFN:Berg; Anna\nUID:1\nN:Berg\\; Anna;;;;\nEND:VCARD\n"},
		{"a whole message stays", gw.MediaMessage, "Date: x\nmessage-id: <1>\n\nbody", "Date: x\nmessage-id: <1>\n\nbody"},
		{"a bare message", gw.MediaMessage, "From a@b Sun\nSubject: x\nFrom: Anna <a@example.org>\n\nbody\n",
			"Date: Sun, 22 Nov 2026 10:00:00 +0100\nMessage-ID: <new-uid@example.org>\nSubject: x\nFrom: Anna <a@example.org>\n\nbody\n"},
		{"only a header", gw.MediaMessage, "Date: x\nMessage-ID: <1>\n", "Date: x\nMessage-ID: <1>\n\n"},
		{"what is no calendar", gw.MediaCalendar, "hello\n", "hello\n"},
		{"what is no message", gw.MediaMessage, "", ""},
	} {
		got := Normalize(c.media, []byte(c.in), newUID, now)
		if want := crlf(c.want); !bytes.Equal(got, want) {
			t.Errorf("%s:\n%q, want\n%q", c.name, got, want)
		}
		if again := Normalize(c.media, got, newUID, now); !bytes.Equal(again, got) {
			t.Errorf("%s: a second time gives %q", c.name, again)
		}
	}
}

func TestValidateTellsWhatIsWrongAndWhere(t *testing.T) {
	for _, c := range []struct {
		media    gw.Media
		in, want string
	}{
		{gw.MediaCalendar, string(event("", "DTSTART:20260101")), ""},
		{gw.MediaCalendar, "hello", `line 1: "hello" is no property: there is no colon after a name`},
		{gw.MediaCalendar, "BEGIN:VCARD\r\nEND:VCARD", "line 1: no calendar begins so: BEGIN:VCALENDAR is missing"},
		{gw.MediaCalendar, "BEGIN:VCALENDAR\nEND:VCALENDAR", "line 1: there is no event (VEVENT), task (VTODO) or note (VJOURNAL) in it"},
		{gw.MediaCalendar, "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\nEND:VCALENDAR", "line 2: the event has no DTSTART"},
		{gw.MediaCalendar, "BEGIN:VCALENDAR\nBEGIN:VTODO\nEND:VTODO\nEND:VCALENDAR", "line 2: the UID is missing"},
		{gw.MediaCalendar, "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:1\nEND:VTODO\nBEGIN:VTODO\nUID:2\nEND:VTODO\nEND:VCALENDAR", "line 5: a second VTODO with another UID: hand them in one by one"},
		{gw.MediaCalendar, "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:1\nEND:VTODO\nBEGIN:VTODO\nUID:1\nEND:VTODO\nEND:VCALENDAR", "line 5: a second VTODO with the same UID and no RECURRENCE-ID"},
		{gw.MediaCalendar, "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:1\nEND:VTODO\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\nEND:VCALENDAR", "line 5: a VEVENT beside a VTODO: hand them in one by one"},
		{gw.MediaCalendar, "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:1\nDUE:soon\nEND:VTODO\nEND:VCALENDAR", `line 4: DUE: "soon" is no date or time`},
		{gw.MediaCalendar, "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:1\n", "line 4: END:VTODO is missing"},
		{gw.MediaVCard, "BEGIN:VCARD\nUID:1\nFN:a\nEND:VCARD\n", ""},
		{gw.MediaVCard, "BEGIN:VCARD\nUID:1\nN:;;;;\nEND:VCARD\n", "line 1: the contact has no name: give it FN or N"},
		{gw.MediaVCard, "BEGIN:VCARD\nUID:1\nN:a\nEND:VCARD\nBEGIN:VCARD\nEND:VCARD\n", "line 5: a second VCARD: hand them in one by one"},
		{gw.MediaMessage, "Subject: x\r\n\r\n", ""},
		{gw.MediaMessage, "", "line 1: the message is empty"},
		{gw.MediaMessage, "hello\nworld\n", `line 1: no message begins so: the first line must be a header line such as "Subject: ..."`},
		{gw.MediaMessage, "Subject: x\n\na\nb\x00", "line 4: there is a NUL byte, which mail cannot have"},
	} {
		err := Validate(c.media, []byte(c.in))
		if got := errorText(err); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
		if _, ok := errors.AsType[*SyntaxError](err); err != nil && !ok {
			t.Errorf("%q: %T", c.in, err)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAFileIsTakenApart(t *testing.T) {
	zone := strings.ReplaceAll(custom, "Customized Time Zone", "z")
	in := crlf("BEGIN:VCALENDAR\nPRODID:x\n" + zone + strings.ReplaceAll(zone, "TZID:z", "TZID:unused") +
		"BEGIN:VEVENT\nUID:1\nDTSTART;TZID=z:20260101T100000\nRRULE:FREQ=DAILY\nEND:VEVENT\nBEGIN:VTODO\nUID:2\nEND:VTODO\n" +
		"BEGIN:VEVENT\nUID:1\nRECURRENCE-ID;TZID=z:20260102T100000\nDTSTART;TZID=z:20260102T110000\nEND:VEVENT\nX-CAL:y\nEND:VCALENDAR")
	got, err := SplitCalendar(in)
	if err != nil || len(got) != 2 {
		t.Fatal(len(got), err)
	}
	one := crlf("BEGIN:VCALENDAR\nPRODID:x\nX-CAL:y\n" + zone + "BEGIN:VEVENT\nUID:1\nDTSTART;TZID=z:20260101T100000\nRRULE:FREQ=DAILY\nEND:VEVENT\n" +
		"BEGIN:VEVENT\nUID:1\nRECURRENCE-ID;TZID=z:20260102T100000\nDTSTART;TZID=z:20260102T110000\nEND:VEVENT\nEND:VCALENDAR")
	if !bytes.Equal(got[0], one) {
		t.Errorf("got %q, want %q", got[0], one)
	}
	if two := crlf("BEGIN:VCALENDAR\nPRODID:x\nX-CAL:y\nBEGIN:VTODO\nUID:2\nEND:VTODO\nEND:VCALENDAR"); !bytes.Equal(got[1], two) {
		t.Errorf("got %q, want %q", got[1], two)
	}
	for _, raw := range got {
		if err := Validate(gw.MediaCalendar, Normalize(gw.MediaCalendar, raw, newUID, now)); err != nil {
			t.Error(err)
		}
	}
	if got, err := SplitCalendar(one); err != nil || len(got) != 1 || !bytes.Equal(got[0], one) {
		t.Error("one object does not stay as it is", err)
	}
	cards := "BEGIN:VCARD\nFN:a\nEND:VCARD\n\nbegin:vcard\nFN:b\nend:vcard\n"
	if got, err := SplitVCards([]byte(cards)); err != nil || len(got) != 2 || string(got[1]) != "begin:vcard\nFN:b\nend:vcard\n" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := SplitVCards([]byte("BEGIN:VCALENDAR\nEND:VCALENDAR\n")); err == nil {
		t.Error("a calendar was taken for contacts")
	}
}

func TestNotesTravelAsMessages(t *testing.T) {
	note := crlf("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VJOURNAL\nUID:n-1\nDTSTAMP:20261122T090000Z\nSUMMARY:Grüße\\, Köln\nDESCRIPTION:first\\nsecond ä\nCATEGORIES:a,b\nX-COLOR:red\nEND:VJOURNAL\nEND:VCALENDAR\n")
	msg, err := MessageFromNote(note, "Änne <a@example.org>", now)
	if err != nil {
		t.Fatal(err)
	}
	d := Derive(gw.MediaMessage, msg)
	if d.Kind != gw.KindNote || d.Subject != "Grüße, Köln" || d.Text != "first\nsecond ä" || d.From != "Änne <a@example.org>" || d.MessageID != "<n-1@note.invalid>" || d.Problem != "" {
		t.Errorf("%+v", d)
	}
	if err := Validate(gw.MediaMessage, msg); err != nil {
		t.Error(err)
	}
	if got := NoteFromMessage(msg); !bytes.Equal(got, note) {
		t.Errorf("got %q", got)
	}
	changed := bytes.Replace(msg, mimeSubject(t, msg), []byte("Subject: New\r\n"), 1)
	want := bytes.Replace(note, []byte("SUMMARY:Grüße\\, Köln"), []byte("SUMMARY:New"), 1)
	if got := NoteFromMessage(changed); !bytes.Equal(got, want) {
		t.Errorf("after a change of the Subject: %q", got)
	}
	// a note of another program
	other := crlf("Subject: Shopping\nDate: Sun, 22 Nov 2026 10:00:00 +0100\nX-Uniform-Type-Identifier: com.apple.mail-note\nX-Universally-Unique-Identifier: AB-1\nContent-Type: text/html\n\n<div>Milk</div><div>Tea, black</div>\n")
	got := NoteFromMessage(other)
	if want := crlf("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Outpost//Outpost//EN\nBEGIN:VJOURNAL\nUID:AB-1\nDTSTAMP:20261122T090000Z\nLAST-MODIFIED:20261122T090000Z\nSUMMARY:Shopping\nDESCRIPTION:Milk\\nTea\\, black\nEND:VJOURNAL\nEND:VCALENDAR\n"); !bytes.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if _, err := MessageFromNote(event("", "DTSTART:20260101"), "", now); err == nil {
		t.Error("an event was taken for a note")
	}
}

func mimeSubject(t *testing.T, msg []byte) []byte {
	t.Helper()
	a := bytes.Index(msg, []byte("Subject: "))
	b := bytes.Index(msg, []byte("\r\nDate: "))
	if a < 0 || b < a {
		t.Fatal("no Subject")
	}
	return msg[a : b+2]
}

func TestEnvelope(t *testing.T) {
	raw := crlf("Subject: x\nFrom: Anna <anna@example.org>, Tom <tom@example.org>\nSender: Secretary <s@example.org>\nTo: \"Berg, Eve\" <eve@example.org>,\n Team: a@b.org, <c@d.org>;\nCc: eve@example.org\nBcc: hidden@xn.org\nbcc: jürgen@bücher.example\n\nbody\n")
	from, to, err := Envelope(raw)
	if err != nil || from != "s@example.org" || strings.Join(to, " ") != "eve@example.org a@b.org c@d.org hidden@xn.org jürgen@xn--bcher-kva.example" {
		t.Errorf("%q %q %v", from, to, err)
	}
	if got := WithoutBcc(raw); !bytes.Equal(got, crlf("Subject: x\nFrom: Anna <anna@example.org>, Tom <tom@example.org>\nSender: Secretary <s@example.org>\nTo: \"Berg, Eve\" <eve@example.org>,\n Team: a@b.org, <c@d.org>;\nCc: eve@example.org\n\nbody\n")) {
		t.Errorf("%q", got)
	}
	if raw := crlf("To: a@b.org\n\nBcc: in the text\n"); !bytes.Equal(WithoutBcc(raw), raw) {
		t.Error("the text was changed")
	}
	for in, want := range map[string]string{
		"From: a@b.org\nTo: <jo hn@x.org>\n\n":            `line 2: To: "jo hn@x.org" is no mail address: what stands before the @ has characters that need quotes`,
		"To: a@b.org\n\n":                                 "the message has no From address",
		"From: a@b.org\n\n":                               "the message has no recipient: give it a To, Cc or Bcc",
		"From: a@b.org\nTo: undisclosed-recipients:;\n\n": "the message has no recipient: give it a To, Cc or Bcc",
		"From: a@b.org\nSubject: x\nTo: Tom\n\n":          `line 3: To: "Tom" is no mail address: there is no @ in it`,
		"From: a@b.org\nTo: ok@x.org,\n Tom <tom@>\n\n":   `line 2: To: "Tom <tom@>" is no mail address: a part is missing beside the @`,
		"From: a@b.org\nTo: a@b..org\n\n":                 `line 2: To: "a@b..org" is no mail address: what stands behind the @ is no domain`,
		"From: a@b.org\nTo: <a b>@c\n\n":                  `line 2: To: "a b" is no mail address: there is no @ in it`,
	} {
		if _, _, err := Envelope(crlf(in)); errorText(err) != want {
			t.Errorf("%q: got %q", in, errorText(err))
		}
	}
}

func TestSinglePartsAreRead(t *testing.T) {
	raw := mixed(wrap([]byte("the attachment"), 76, "\r\n"))
	var got []string
	for _, p := range Leaves(raw) {
		got = append(got, p.Path+" "+p.Type)
	}
	if strings.Join(got, ", ") != "1.1 text/plain, 1.2 text/html, 2 application/pdf" {
		t.Errorf("%q", got)
	}
	p, content, err := Content(raw, "2")
	if err != nil || p.Name != "Pläne.pdf" || string(content) != "the attachment" {
		t.Errorf("%+v %q %v", p, content, err)
	}
	if _, content, err := Content(raw, "1.1"); err != nil || string(content) != "Schöne Grüße" {
		t.Errorf("%q %v", content, err)
	}
	if _, _, err := Content(raw, "3"); err == nil {
		t.Error("a part that is not there was found")
	}
}

func FuzzHandedIn(f *testing.F) {
	f.Add(uint8(0), []byte("From: a@b\nTo: c@d\nBcc: e@f\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--"))
	f.Add(uint8(1), event(custom, "DTSTART;TZID=Customized Time Zone:20260101T100000\nDURATION:P1D\nRRULE:FREQ=DAILY"))
	f.Add(uint8(1), []byte("BEGIN:VCALENDAR\nBEGIN:VJOURNAL\nSUMMARY:x\nDESCRIPTION:y\nEND:VJOURNAL\nEND:VCALENDAR"))
	f.Add(uint8(2), []byte("BEGIN:VCARD\nVERSION:2.1\nN;QUOTED-PRINTABLE;CHARSET=utf-8:a=C3=A4=\n;b\nEND:VCARD"))
	f.Fuzz(func(t *testing.T, kind uint8, raw []byte) {
		media := []gw.Media{gw.MediaMessage, gw.MediaCalendar, gw.MediaVCard}[kind%3]
		checkDerived(t, "raw", Derive(media, raw))
		n := Normalize(media, raw, newUID, now)
		if again := Normalize(media, n, newUID, now); !bytes.Equal(again, n) {
			t.Fatalf("normalised twice: %q, once %q", again, n)
		}
		valid := Validate(media, n) == nil
		switch media {
		case gw.MediaMessage:
			Envelope(n)
			WithoutBcc(n)
			for _, p := range Leaves(n) {
				if _, _, err := Content(n, p.Path); err != nil {
					t.Fatal(err)
				}
			}
			o, err := contentline.Parse(NoteFromMessage(n))
			if o == nil || err != nil {
				t.Fatal(err)
			}
		case gw.MediaCalendar:
			pieces, err := SplitCalendar(n)
			if valid && (err != nil || len(pieces) != 1) {
				t.Fatalf("%d pieces of a valid object: %v", len(pieces), err)
			}
			if msg, err := MessageFromNote(n, "a@b", now); err == nil {
				if got := NoteFromMessage(msg); !bytes.Equal(got, n) {
					t.Fatalf("a note came back as %q, was %q", got, n)
				}
			}
		case gw.MediaVCard:
			if pieces, err := SplitVCards(n); valid && (err != nil || len(pieces) != 1) {
				t.Fatalf("%d pieces of a valid object: %v", len(pieces), err)
			}
		}
	})
}
