package format

import (
	"strings"
	"testing"
	"time"

	"outpost/internal/format/contentline"
	gw "outpost/internal/groupware"
)

// event wraps properties into an object; zone is put before the VEVENT.
func event(zone, props string) []byte {
	return crlf("BEGIN:VCALENDAR\nVERSION:2.0\n" + zone + "BEGIN:VEVENT\nUID:u1\n" + props + "\nEND:VEVENT\nEND:VCALENDAR\n")
}

// custom is the zone of a program that names its zones itself: Central European rules under another name.
const custom = `BEGIN:VTIMEZONE
TZID:Customized Time Zone
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
`

func TestTimesOfEvents(t *testing.T) {
	for _, c := range []struct{ zone, props, date, end string }{
		{"", "DTSTART:20261122T100000Z\nDTEND:20261122T110000Z", "2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z"},
		{"", "DTSTART;TZID=Europe/Berlin:20261122T100000\nDURATION:PT1H30M", "2026-11-22T10:00:00+01:00", "2026-11-22T11:30:00+01:00"},
		{"", "DTSTART;TZID=W. Europe Standard Time:20260722T100000", "2026-07-22T10:00:00+02:00", "2026-07-22T10:00:00+02:00"},
		{"", "DTSTART;TZID=/mozilla.org/20050126_1/America/New_York:20260722T100000", "2026-07-22T10:00:00-04:00", "2026-07-22T10:00:00-04:00"},
		{"", "DTSTART;TZID=\"Europe/Berlin\":20260722T100000", "2026-07-22T10:00:00+02:00", "2026-07-22T10:00:00+02:00"},
		{"", "DTSTART;VALUE=DATE:20261122", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"},
		{"", "DTSTART;VALUE=DATE:20261122\nDURATION:P1W", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"},
		{"", "DTSTART:20261122T100000", "2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z"},
		// DURATION in days is by the calendar: the night of the change has 25 hours (RFC 5545 3.3.6)
		{"", "DTSTART;TZID=Europe/Berlin:20261024T120000\nDURATION:P1D", "2026-10-24T12:00:00+02:00", "2026-10-25T12:00:00+01:00"},
		// RFC 5545 3.3.5: what occurs twice is the first, what does not occur has the offset from before the gap
		{"", "DTSTART;TZID=America/New_York:20071104T013000", "2007-11-04T01:30:00-04:00", "2007-11-04T01:30:00-04:00"},
		{"", "DTSTART;TZID=America/New_York:20070311T023000", "2007-03-11T03:30:00-04:00", "2007-03-11T03:30:00-04:00"},
		{custom, "DTSTART;TZID=Customized Time Zone:20260722T100000", "2026-07-22T10:00:00+02:00", "2026-07-22T10:00:00+02:00"},
		{custom, "DTSTART;TZID=Customized Time Zone:20261122T100000", "2026-11-22T10:00:00+01:00", "2026-11-22T10:00:00+01:00"},
		{custom, "DTSTART;TZID=Customized Time Zone:20260328T235959", "2026-03-28T23:59:59+01:00", "2026-03-28T23:59:59+01:00"},
		{custom, "DTSTART;TZID=Customized Time Zone:20260329T030000", "2026-03-29T03:00:00+02:00", "2026-03-29T03:00:00+02:00"},
		{"BEGIN:VTIMEZONE\nTZID:x\nX-LIC-LOCATION:Asia/Tokyo\nEND:VTIMEZONE\n", "DTSTART;TZID=x:20260722T100000", "2026-07-22T10:00:00+09:00", "2026-07-22T10:00:00+09:00"},
	} {
		d := Derive(gw.MediaCalendar, event(c.zone, c.props))
		if got, end := d.Date.Format(time.RFC3339), d.End.Format(time.RFC3339); got != c.date || end != c.end || d.Problem != "" {
			t.Errorf("%q: got %s to %s (%s), want %s to %s", c.props, got, end, d.Problem, c.date, c.end)
		}
	}
	for props, want := range map[string]string{
		"DTSTART;TZID=Nowhere:20260722T100000": `DTSTART in line 5: the time zone "Nowhere" is not known`,
		"DTSTART:tomorrow":                     `DTSTART in line 5: "tomorrow" is no date or time`,
		"DTSTART:20260722\nDURATION:1 hour":    `DURATION in line 6: "1 hour" is no duration`,
	} {
		if d := Derive(gw.MediaCalendar, event("", props)); d.Problem != want || d.Kind != gw.KindEvent {
			t.Errorf("%q: problem %q", props, d.Problem)
		}
	}
}

// The rules of a VTIMEZONE give what the zone itself gives, hour by hour around its changes and day by day for ten years.
func TestZoneRulesAgreeWithTheZone(t *testing.T) {
	o, err := contentline.Parse(crlf("BEGIN:VCALENDAR\n" + custom + "END:VCALENDAR\n"))
	if err != nil {
		t.Fatal(err)
	}
	cal := o.Components("VCALENDAR")[0]
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for at := time.Date(2020, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() < 2030; at = at.Add(time.Hour) {
		want := localise(at, berlin)
		if want.Hour() != at.Hour() || want.Hour() == 2 && want.Month() == 10 { // in the gap and in the hour that comes twice a rule cannot say
			continue
		}
		got, _, err := Time(at.Format("20060102T150405"), "Customized Time Zone", cal)
		if err != nil || !got.Equal(want) {
			t.Fatalf("%v: got %v, want %v (%v)", at, got, want, err)
		}
	}
}

func TestEveryWindowsZoneIsAZone(t *testing.T) {
	for name := range windowsZones {
		if location(name) == nil {
			t.Errorf("%s is no zone", name)
		}
	}
}

func TestTasksAndNotes(t *testing.T) {
	d := Derive(gw.MediaCalendar, crlf("BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:t1\nSUMMARY:Pay\\, now\nDUE;VALUE=DATE:20261130\nEND:VTODO\nEND:VCALENDAR\n"))
	if d.Kind != gw.KindTask || d.Subject != "Pay, now" || d.Date.Format(time.DateOnly) != "2026-11-30" || !d.End.Equal(d.Date) || !d.AllDay {
		t.Errorf("%+v", d)
	}
	d = Derive(gw.MediaCalendar, crlf("BEGIN:VCALENDAR\nBEGIN:VJOURNAL\nUID:n1\nSUMMARY:Note\nDESCRIPTION:a\\nb\nLAST-MODIFIED:20261122T100000Z\nEND:VJOURNAL\nEND:VCALENDAR\n"))
	if d.Kind != gw.KindNote || d.Text != "a\nb" || d.Date.IsZero() {
		t.Errorf("%+v", d)
	}
}

func TestASeriesStandsForItsOccurrences(t *testing.T) {
	d := Derive(gw.MediaCalendar, crlf("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\nRECURRENCE-ID:20261123T100000Z\nDTSTART:20261123T110000Z\nSUMMARY:Moved\nEND:VEVENT\n"+
		"BEGIN:VEVENT\nUID:u\nDTSTART:20261122T100000Z\nRRULE:FREQ=DAILY\nSUMMARY:Daily\nORGANIZER;CN=Anna:MAILTO:Anna@x.org\nATTENDEE;CN=Tom:mailto:tom@x.org\nATTENDEE:mailto:eve@x.org\n"+
		"LOCATION:Room 1\nDESCRIPTION:Bring ideas\nEND:VEVENT\nEND:VCALENDAR\n"))
	if d.Subject != "Daily" || !d.Recurs || d.From != "Anna <Anna@x.org>" || d.FromAddr != "anna@x.org" || d.To != "Tom <tom@x.org>, eve@x.org" ||
		d.MessageID != "u" || d.Date.Day() != 22 || !strings.Contains(d.Text, "Room 1") || !strings.Contains(d.Text, "Bring ideas") || !strings.Contains(d.Text, "Moved") {
		t.Errorf("%+v", d)
	}
}

func TestContacts(t *testing.T) {
	d := Derive(gw.MediaVCard, crlf("BEGIN:VCARD\nVERSION:3.0\nUID:c1\nFN:Anna Berg\nN:Berg;Anna;;;\nEMAIL;TYPE=WORK:Anna@X.org\nTEL;TYPE=CELL:+49 170 1\nADR;TYPE=HOME:;;Hauptstr. 1;Köln;;50667;Germany\nORG:ACME;Sales\nNOTE:likes\\, tea\nREV:2026-11-22T10:00:00Z\nEND:VCARD\n"))
	if d.Kind != gw.KindContact || d.Subject != "Anna Berg" || d.From != "Anna Berg <Anna@X.org>" || d.FromAddr != "anna@x.org" || d.MessageID != "c1" || d.Date.IsZero() || d.Problem != "" {
		t.Errorf("%+v", d)
	}
	if want := "Anna@X.org\n+49 170 1\nHauptstr. 1, Köln, 50667, Germany\nACME, Sales\nlikes, tea"; d.Text != want {
		t.Errorf("text %q", d.Text)
	}
	for _, kind := range []string{"KIND:group", "X-ADDRESSBOOKSERVER-KIND:group"} {
		if d := Derive(gw.MediaVCard, crlf("BEGIN:VCARD\nVERSION:3.0\nFN:Team\n"+kind+"\nEND:VCARD\n")); d.Kind != gw.KindList || d.Subject != "Team" {
			t.Errorf("%+v", d)
		}
	}
	d = Derive(gw.MediaVCard, crlf("BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:B=E4r;J=F6rg;;Dr.\nTEL;HOME:1\nNOTE;QUOTED-PRINTABLE:two=0D=0A=\nlines\nEND:VCARD\n"))
	if d.Subject != "Dr. Jörg Bär" || !strings.Contains(d.Text, "two\nlines") {
		t.Errorf("%+v", d)
	}
}
