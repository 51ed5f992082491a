package itip

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"outpost/internal/format"
	"outpost/internal/format/mime"
	gw "outpost/internal/groupware"
)

const zone1 = `BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
`

const meetingOfAnna = `BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example//EN
` + zone1 + `BEGIN:VEVENT
UID:1@example.org
DTSTAMP:20260301T080000Z
SEQUENCE:2
SUMMARY:Planning
LOCATION:Room 1
DTSTART;TZID=Europe/Berlin:20260305T090000
DTEND;TZID=Europe/Berlin:20260305T100000
ORGANIZER;CN=Anna Berg:mailto:anna@example.org
ATTENDEE;CN=Anna Berg;PARTSTAT=ACCEPTED:mailto:anna@example.org
ATTENDEE;CN=Ben;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;SCHEDULE-STATUS=1.1:mailto:Ben@example.org
ATTENDEE;PARTSTAT=ACCEPTED:mailto:cleo@example.org
X-ROOM;X-P="a;b":blue
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT15M
END:VALARM
END:VEVENT
END:VCALENDAR
`

const weekly = `BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example//EN
BEGIN:VEVENT
UID:w
DTSTAMP:20260301T080000Z
SUMMARY:Team
DTSTART:20260302T090000Z
DTEND:20260302T100000Z
RRULE:FREQ=WEEKLY
ORGANIZER:mailto:anna@example.org
ATTENDEE:mailto:ben@example.org
ATTENDEE:mailto:cleo@example.org
END:VEVENT
END:VCALENDAR
`

func occurrence(more string) string {
	return "BEGIN:VEVENT\nUID:w\nDTSTAMP:20260301T080000Z\nRECURRENCE-ID:20260316T090000Z\nSUMMARY:Team\nDTSTART:20260316T090000Z\nDTEND:20260316T100000Z\nORGANIZER:mailto:anna@example.org\n" + more + "END:VEVENT\n"
}

var anna, ben = []string{"anna@example.org", "berg@example.org"}, []string{"ben@example.org"}

func edit(t *testing.T, s string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if strings.Count(s, pairs[i]) != 1 {
			t.Fatalf("%q occurs %d times", pairs[i], strings.Count(s, pairs[i]))
		}
		s = strings.Replace(s, pairs[i], pairs[i+1], 1)
	}
	return s
}

func wire(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(strings.ReplaceAll(s, "\n", "\r\n"))
}

// now is before the meetings of these tests.
func now() time.Time { return time.Date(2026, 3, 2, 8, 0, 0, 0, time.FixedZone("CET", 3600)) }

func messages(t *testing.T, before, after string, self []string) []Outgoing {
	t.Helper()
	n := 0
	out, err := Messages(wire(before), wire(after), self, "Me <"+self[0]+">", now(), func() string { n++; return fmt.Sprintf("id%d", n) })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// tells checks who is told what: "REQUEST ben@example.org cleo@example.org: Updated: Planning".
func tells(t *testing.T, before, after string, self []string, want ...string) []Outgoing {
	t.Helper()
	out := messages(t, before, after, self)
	var got []string
	for _, o := range out {
		got = append(got, o.Method+" "+strings.Join(o.To, " ")+": "+format.Derive(gw.MediaMessage, o.Raw).Subject)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return out
}

// objectOf is the iCalendar object in a message.
func objectOf(t *testing.T, o Outgoing) string {
	t.Helper()
	w := mime.Walk(o.Raw)
	for i := range w.Parts {
		if p := &w.Parts[i]; p.Type == "text/calendar" {
			if p.Param("method") != o.Method || p.Param("charset") != "utf-8" || w.Problem != "" {
				t.Errorf("%s: %q", w.Problem, w.Header(i))
			}
			data, _ := mime.DecodeBody(p.Encoding, w.Content(i))
			return strings.ReplaceAll(string(data), "\r\n", "\n")
		}
	}
	t.Fatalf("no text/calendar in\n%s", o.Raw)
	return ""
}

func text(t *testing.T, o Outgoing) string {
	t.Helper()
	return format.Derive(gw.MediaMessage, o.Raw).Text
}

func TestAttendeesAreInvitedToANewMeeting(t *testing.T) {
	out := tells(t, "", meetingOfAnna, anna, "REQUEST Ben@example.org cleo@example.org: Invitation: Planning")
	want := "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Outpost//Outpost//EN\nMETHOD:REQUEST\n" + zone1 + `BEGIN:VEVENT
DTSTAMP:20260302T070000Z
UID:1@example.org
SEQUENCE:2
SUMMARY:Planning
LOCATION:Room 1
DTSTART;TZID=Europe/Berlin:20260305T090000
DTEND;TZID=Europe/Berlin:20260305T100000
ORGANIZER;CN=Anna Berg:mailto:anna@example.org
ATTENDEE;CN=Anna Berg;PARTSTAT=ACCEPTED:mailto:anna@example.org
ATTENDEE;CN=Ben;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:Ben@example.org
ATTENDEE;PARTSTAT=ACCEPTED:mailto:cleo@example.org
X-ROOM;X-P="a;b":blue
END:VEVENT
END:VCALENDAR
`
	if got := objectOf(t, out[0]); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, w := range []string{"From: Me <anna@example.org>\r\nTo: Ben <Ben@example.org>,\r\n cleo@example.org\r\n", "Message-ID: <id1@example.org>\r\n", "Date: Mon, 02 Mar 2026 08:00:00 +0100\r\n"} {
		if !strings.Contains(string(out[0].Raw), w) {
			t.Errorf("%q is not in\n%s", w, out[0].Raw)
		}
	}
	if got := text(t, out[0]); got != "Me invites you.\n\nWhat: Planning\nWhen: Thu 5 Mar 2026 09:00 to 10:00 (Europe/Berlin)\nWhere: Room 1" {
		t.Errorf("the text is %q", got)
	}
}

func TestAnAppointmentWithoutAttendeesIsNobodysBusiness(t *testing.T) {
	alone := "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:1\nSUMMARY:x\nDTSTART:20260305T090000Z\nEND:VEVENT\nEND:VCALENDAR\n"
	tells(t, "", alone, anna)
	tells(t, alone, edit(t, alone, "SUMMARY:x", "SUMMARY:y"), anna)
	tells(t, alone, "", anna)
	tells(t, "", "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VJOURNAL\nUID:1\nEND:VJOURNAL\nEND:VCALENDAR\n", anna)
}

func TestAttendeesAreToldOfWhatConcernsThem(t *testing.T) {
	for _, change := range [][]string{
		{"LOCATION:Room 1", "LOCATION:Room 2"}, {"SUMMARY:Planning", "SUMMARY:Planning"}, {"Berlin:20260305T090000", "Berlin:20260305T093000"},
		{"LOCATION:Room 1\n", "LOCATION:Room 1\nDESCRIPTION:Bring the numbers\n"}, {"SUMMARY:Planning\n", "SUMMARY:Planning\nRRULE:FREQ=DAILY\n"},
	} {
		after := edit(t, meetingOfAnna, change...)
		if after == meetingOfAnna {
			tells(t, meetingOfAnna, after, anna)
			continue
		}
		tells(t, meetingOfAnna, after, anna, "REQUEST Ben@example.org cleo@example.org: Updated: Planning")
	}
}

func TestAttendeesAreNotToldOfWhatDoesNotConcernThem(t *testing.T) {
	for _, change := range [][]string{
		{"TRIGGER:-PT15M", "TRIGGER:-PT30M"}, {"CN=Ben;PARTSTAT=NEEDS-ACTION", "CN=Ben;PARTSTAT=ACCEPTED"}, {"DTSTAMP:20260301", "DTSTAMP:20260302"},
		{":blue", ":red"}, {"SUMMARY:Planning", "SUMMARY:Planning\nCATEGORIES:Work"}, {"SUMMARY:Planning", "Summary:Plan\n ning"},
	} {
		tells(t, meetingOfAnna, edit(t, meetingOfAnna, change...), anna)
	}
}

func TestAnAttendeeWhoIsNoLongerAskedGetsACancellation(t *testing.T) {
	after := edit(t, meetingOfAnna, "ATTENDEE;PARTSTAT=ACCEPTED:mailto:cleo@example.org\n", "ATTENDEE:mailto:dan@example.org\n", "SEQUENCE:2", "SEQUENCE:3")
	out := tells(t, meetingOfAnna, after, anna, "CANCEL cleo@example.org: Cancelled: Planning", "REQUEST Ben@example.org dan@example.org: Updated: Planning")
	got := objectOf(t, out[0])
	if !strings.Contains(got, "SEQUENCE:3\n") || strings.Contains(got, "STATUS") || strings.Contains(got, "Ben@") || !strings.Contains(got, "mailto:cleo@example.org") {
		t.Errorf("got\n%s", got)
	}
}

func TestAllAreToldThatADeletedMeetingIsOff(t *testing.T) {
	out := tells(t, meetingOfAnna, "", anna, "CANCEL Ben@example.org cleo@example.org: Cancelled: Planning")
	if got := objectOf(t, out[0]); !strings.Contains(got, "METHOD:CANCEL\n") || !strings.Contains(got, "SEQUENCE:3\n") || !strings.Contains(got, "STATUS:CANCELLED\n") || strings.Contains(got, "VALARM") || !strings.Contains(got, zone1) {
		t.Errorf("got\n%s", got)
	}
	marked := edit(t, meetingOfAnna, "SUMMARY:", "STATUS:CANCELLED\nSUMMARY:", "SEQUENCE:2", "SEQUENCE:3")
	out = tells(t, meetingOfAnna, marked, anna, "CANCEL Ben@example.org cleo@example.org: Cancelled: Planning")
	if got := objectOf(t, out[0]); strings.Count(got, "STATUS:CANCELLED\n") != 1 || !strings.Contains(got, "SEQUENCE:3\n") {
		t.Errorf("got\n%s", got)
	}
	tells(t, marked, edit(t, marked, "Room 1", "Room 2"), anna)
	tells(t, "", marked, anna)
}

func TestNobodyIsToldTwiceBySomebodyElse(t *testing.T) {
	for _, agent := range []string{"NONE", "client"} {
		after := edit(t, meetingOfAnna, "ATTENDEE;CN=Ben;", "ATTENDEE;SCHEDULE-AGENT="+agent+";CN=Ben;")
		tells(t, "", after, anna, "REQUEST cleo@example.org: Invitation: Planning")
		tells(t, after, "", anna, "CANCEL cleo@example.org: Cancelled: Planning")
		invited := edit(t, meetingOfAnna, "ORGANIZER;", "ORGANIZER;SCHEDULE-AGENT="+agent+";")
		tells(t, invited, edit(t, invited, "CN=Ben;PARTSTAT=NEEDS-ACTION", "CN=Ben;PARTSTAT=ACCEPTED"), ben)
	}
	tells(t, "", edit(t, meetingOfAnna, "mailto:Ben@example.org", "urn:uuid:1", "mailto:cleo@example.org", "mailto:berg@example.org"), anna)
}

func TestWhatIsOverIsNotTold(t *testing.T) {
	past := strings.ReplaceAll(meetingOfAnna, "202603", "202602")
	tells(t, "", past, anna)
	tells(t, past, "", anna)
	tells(t, past, meetingOfAnna, anna, "REQUEST Ben@example.org cleo@example.org: Updated: Planning")
	ended := edit(t, strings.ReplaceAll(weekly, "202603", "202502"), "FREQ=WEEKLY", "FREQ=WEEKLY;UNTIL=20250601T000000Z")
	tells(t, "", ended, anna)
	tells(t, "", edit(t, ended, ";UNTIL=20250601T000000Z", ""), anna, "REQUEST ben@example.org cleo@example.org: Invitation: Team")
}

func TestAnAttendeeAnswersTheOrganizer(t *testing.T) {
	for partstat, subject := range map[string]string{"ACCEPTED": "Accepted", "DECLINED": "Declined", "TENTATIVE": "Tentative"} {
		after := edit(t, meetingOfAnna, "CN=Ben;PARTSTAT=NEEDS-ACTION", "CN=Ben;PARTSTAT="+partstat)
		out := tells(t, meetingOfAnna, after, ben, "REPLY anna@example.org: "+subject+": Planning")
		want := "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Outpost//Outpost//EN\nMETHOD:REPLY\n" + zone1 + `BEGIN:VEVENT
DTSTAMP:20260302T070000Z
UID:1@example.org
SEQUENCE:2
SUMMARY:Planning
LOCATION:Room 1
DTSTART;TZID=Europe/Berlin:20260305T090000
DTEND;TZID=Europe/Berlin:20260305T100000
ORGANIZER;CN=Anna Berg:mailto:anna@example.org
ATTENDEE;CN=Ben;PARTSTAT=` + partstat + `:mailto:Ben@example.org
END:VEVENT
END:VCALENDAR
`
		if got := objectOf(t, out[0]); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestAnAttendeeWhoChangesOtherThingsTellsNobody(t *testing.T) {
	tells(t, meetingOfAnna, edit(t, meetingOfAnna, "TRIGGER:-PT15M", "TRIGGER:-PT30M", "LOCATION:Room 1", "LOCATION:Room one"), ben)
	tells(t, "", meetingOfAnna, ben)
	tells(t, meetingOfAnna, "", []string{"stranger@example.org"})
}

func TestADeletedInvitationIsDeclined(t *testing.T) {
	tells(t, meetingOfAnna, "", ben, "REPLY anna@example.org: Declined: Planning")
	tells(t, edit(t, meetingOfAnna, "CN=Ben;PARTSTAT=NEEDS-ACTION", "CN=Ben;PARTSTAT=DECLINED"), "", ben)
	tells(t, edit(t, meetingOfAnna, "SUMMARY:", "STATUS:CANCELLED\nSUMMARY:"), "", ben)
}

func TestAnAnswerToOneOccurrenceNamesIt(t *testing.T) {
	after := edit(t, weekly, "END:VCALENDAR", occurrence("ATTENDEE;PARTSTAT=DECLINED:mailto:ben@example.org\n")+"END:VCALENDAR")
	out := tells(t, weekly, after, ben, "REPLY anna@example.org: Declined: Team")
	if got := objectOf(t, out[0]); strings.Count(got, "BEGIN:VEVENT") != 1 || !strings.Contains(got, "RECURRENCE-ID:20260316T090000Z\n") || strings.Contains(got, "RRULE") {
		t.Errorf("got\n%s", got)
	}
	after = edit(t, weekly, "RRULE:FREQ=WEEKLY", "RRULE:FREQ=WEEKLY\nEXDATE:20260309T090000Z,20260323T090000Z")
	out = tells(t, weekly, after, ben, "REPLY anna@example.org: Declined: Team")
	if got := objectOf(t, out[0]); strings.Count(got, "PARTSTAT=DECLINED") != 2 || !strings.Contains(got, "RECURRENCE-ID:20260309T090000Z\n") || !strings.Contains(got, "RECURRENCE-ID:20260323T090000Z\n") {
		t.Errorf("got\n%s", got)
	}
	tells(t, weekly, edit(t, after, "SUMMARY:Team", "SEQUENCE:1\nSUMMARY:Team"), ben)
}

func TestAChangedOccurrenceIsToldWithItsSeries(t *testing.T) {
	after := edit(t, weekly, "END:VCALENDAR", occurrence("LOCATION:Hall\nATTENDEE:mailto:ben@example.org\nATTENDEE:mailto:cleo@example.org\n")+"END:VCALENDAR")
	out := tells(t, weekly, after, anna, "REQUEST ben@example.org cleo@example.org: Updated: Team")
	if got := objectOf(t, out[0]); strings.Count(got, "BEGIN:VEVENT") != 2 || !strings.Contains(got, "LOCATION:Hall\n") {
		t.Errorf("got\n%s", got)
	}
	tells(t, weekly, edit(t, weekly, "RRULE:FREQ=WEEKLY", "RRULE:FREQ=WEEKLY\nEXDATE:20260309T090000Z"), anna, "REQUEST ben@example.org cleo@example.org: Updated: Team")
}

func TestAGuestOfOneOccurrenceHearsOnlyOfIt(t *testing.T) {
	after := edit(t, weekly, "END:VCALENDAR", occurrence("ATTENDEE:mailto:ben@example.org\nATTENDEE:mailto:eve@example.org\n")+"END:VCALENDAR")
	out := tells(t, weekly, after, anna, "CANCEL cleo@example.org: Cancelled: Team", "REQUEST ben@example.org: Updated: Team",
		"REQUEST cleo@example.org: Updated: Team", "REQUEST eve@example.org: Updated: Team")
	if got := objectOf(t, out[0]); !strings.Contains(got, "RECURRENCE-ID:20260316T090000Z\n") || strings.Contains(got, "eve@") || !strings.Contains(got, "ATTENDEE:mailto:cleo@example.org\n") || strings.Contains(got, "RRULE") {
		t.Errorf("got\n%s", got)
	}
	if got := objectOf(t, out[3]); strings.Count(got, "BEGIN:VEVENT") != 1 || !strings.Contains(got, "RECURRENCE-ID") {
		t.Errorf("got\n%s", got)
	}
	out = tells(t, after, weekly, anna, "CANCEL eve@example.org: Cancelled: Team", "REQUEST ben@example.org cleo@example.org: Updated: Team")
	if got := objectOf(t, out[0]); !strings.Contains(got, "RECURRENCE-ID:20260316T090000Z\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestATaskIsAskedForAndReportedDone(t *testing.T) {
	task := "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VTODO\nUID:t\nSUMMARY:Report\nDUE;VALUE=DATE:20260310\nORGANIZER:mailto:anna@example.org\nATTENDEE;PARTSTAT=ACCEPTED:mailto:ben@example.org\nEND:VTODO\nEND:VCALENDAR\n"
	out := tells(t, "", task, anna, "REQUEST ben@example.org: Invitation: Report")
	if got := text(t, out[0]); got != "Me asks you to do this.\n\nWhat: Report\nDue: Tue 10 Mar 2026" {
		t.Errorf("%q", got)
	}
	out = tells(t, task, edit(t, task, "PARTSTAT=ACCEPTED", "PARTSTAT=COMPLETED", "SUMMARY", "PERCENT-COMPLETE:100\nSUMMARY"), ben, "REPLY anna@example.org: Done: Report")
	if got := objectOf(t, out[0]); !strings.Contains(got, "PERCENT-COMPLETE:100\n") || !strings.Contains(got, "component") && !strings.Contains(string(out[0].Raw), "component=VTODO") {
		t.Errorf("got\n%s", got)
	}
}

func TestAPersonIsToldOnceHoweverTheAddressIsWritten(t *testing.T) {
	tells(t, "", edit(t, meetingOfAnna, "ATTENDEE;PARTSTAT=ACCEPTED:mailto:cleo@example.org", "ATTENDEE:MAILTO:BEN@example.org?subject=x\nATTENDEE:mailto:d%61n@example.org"), anna,
		"REQUEST Ben@example.org dan@example.org: Invitation: Planning")
}

func TestNoAddressOrNameCanSmuggleALineIntoTheHeader(t *testing.T) {
	out := messages(t, "", edit(t, meetingOfAnna, "CN=Ben;", "CN=\"Ben^nBcc: x@example.org\";", "mailto:cleo@example.org", "mailto:cleo@example.org%0d%0aBcc:%20y@example.org", "SUMMARY:Planning", "SUMMARY:Planning\\nBcc: z@example.org"), anna)
	header := mime.Walk(out[0].Raw).Header(0)
	if len(out) != 1 || len(out[0].To) != 1 || mime.Get(header, "bcc") != nil {
		t.Errorf("%v\n%s", out[0].To, header)
	}
}

func TestManyAttendeesAreToldInSeveralMessages(t *testing.T) {
	var b strings.Builder
	for i := range 450 {
		fmt.Fprintf(&b, "ATTENDEE:mailto:p%d@example.org\n", i)
	}
	out := messages(t, "", edit(t, meetingOfAnna, "ATTENDEE;PARTSTAT=ACCEPTED:mailto:cleo@example.org\n", b.String()), anna)
	if len(out) != 3 || len(out[0].To)+len(out[1].To)+len(out[2].To) != 451 {
		t.Errorf("%d messages", len(out))
	}
}

func TestAMeetingThatWasMadeToHurtIsReadInBoundedTime(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		day := time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC).AddDate(0, 0, 7*i).Format("20060102T150405Z")
		fmt.Fprintf(&b, "BEGIN:VEVENT\nUID:w\nRECURRENCE-ID:%s\nDTSTART:%s\nORGANIZER:mailto:anna@example.org\nATTENDEE:mailto:p%d@example.org\nATTENDEE:mailto:q%d@example.org\nEND:VEVENT\n", day, day, i, i)
	}
	after := edit(t, weekly, "END:VCALENDAR", b.String()+"END:VCALENDAR")
	start := time.Now()
	if out := messages(t, weekly, after, anna); len(out) < 1000 {
		t.Errorf("%d messages", len(out))
	}
	if d := time.Since(start); d > 30*time.Second {
		t.Errorf("it takes %v", d)
	}
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	for _, bad := range []string{"x", "BEGIN:VCALENDAR\n", meetingOfAnna + meetingOfAnna, edit(t, meetingOfAnna, "UID:1@example.org\n", ""), edit(t, weekly, "END:VCALENDAR", occurrence("")+occurrence("")+"END:VCALENDAR")} {
		for _, pair := range [][2]string{{bad, meetingOfAnna}, {meetingOfAnna, bad}} {
			if out, err := Messages(wire(pair[0]), wire(pair[1]), anna, "anna@example.org", now(), func() string { return "i" }); err == nil || out != nil {
				t.Errorf("%q gives %v %v", bad[:min(len(bad), 30)], out, err)
			}
		}
	}
	if _, err := Messages(nil, wire(meetingOfAnna), anna, "nobody", now(), func() string { return "i" }); err == nil {
		t.Error("a message without a sender was written")
	}
}

func TestTheOrganizerCountsAChangeOfTimeUp(t *testing.T) {
	for name, c := range map[string]struct {
		before, after, want string
		self                []string
	}{
		"another time":             {meetingOfAnna, edit(t, meetingOfAnna, "T090000", "T093000"), edit(t, meetingOfAnna, "T090000", "T093000", "SEQUENCE:2", "SEQUENCE:3", "0301T080000Z", "0302T070000Z"), anna},
		"counted already":          {meetingOfAnna, edit(t, meetingOfAnna, "T090000", "T093000", "SEQUENCE:2", "SEQUENCE:7"), edit(t, meetingOfAnna, "T090000", "T093000", "SEQUENCE:2", "SEQUENCE:7"), anna},
		"another room":             {meetingOfAnna, edit(t, meetingOfAnna, "Room 1", "Room 2"), edit(t, meetingOfAnna, "Room 1", "Room 2"), anna},
		"an attendee":              {meetingOfAnna, edit(t, meetingOfAnna, "T090000", "T093000"), edit(t, meetingOfAnna, "T090000", "T093000"), ben},
		"a new meeting":            {"", meetingOfAnna, meetingOfAnna, anna},
		"somebody no longer asked": {weekly, edit(t, weekly, "ATTENDEE:mailto:ben@example.org\n", ""), edit(t, weekly, "ATTENDEE:mailto:ben@example.org\n", "", "cleo@example.org\n", "cleo@example.org\nSEQUENCE:1\n", "0301T080000Z", "0302T070000Z"), anna},
	} {
		if got := Bump(wire(c.before), wire(c.after), c.self, now()); string(got) != string(wire(c.want)) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
	after := edit(t, weekly, "END:VCALENDAR", occurrence("LOCATION:Hall\n")+"END:VCALENDAR")
	if got := string(Bump(wire(weekly), wire(after), anna, now())); strings.Count(got, "SEQUENCE:1") != 1 || strings.Index(got, "SEQUENCE:1") < strings.Index(got, "RECURRENCE-ID") {
		t.Errorf("only the changed occurrence counts up:\n%s", got)
	}
	if got := Bump([]byte("junk"), wire(meetingOfAnna), anna, now()); string(got) != string(wire(meetingOfAnna)) {
		t.Errorf("got %s", got)
	}
}

func FuzzMessages(f *testing.F) {
	f.Add([]byte(meetingOfAnna), []byte(weekly), true)
	f.Add([]byte(weekly), []byte(strings.Replace(weekly, "END:VCALENDAR", occurrence("ATTENDEE;PARTSTAT=DECLINED:mailto:ben@example.org\n")+"END:VCALENDAR", 1)), false)
	f.Fuzz(func(t *testing.T, before, after []byte, chair bool) {
		self := ben
		if chair {
			self = anna
		}
		for _, pair := range [][2][]byte{{before, after}, {nil, after}, {before, nil}} {
			out, err := Messages(pair[0], pair[1], self, "me@example.org", now(), func() string { return "id" })
			if err != nil && out != nil {
				t.Fatal("messages and an error")
			}
			for _, o := range out {
				if len(o.To) == 0 || mime.Walk(o.Raw).Problem != "" {
					t.Fatalf("%v %s\n%s", o.To, mime.Walk(o.Raw).Problem, o.Raw)
				}
			}
		}
		bumped := Bump(before, after, self, now())
		if again := Bump(before, bumped, self, now()); string(again) != string(bumped) {
			t.Fatalf("counted up twice:\n%s\n%s", bumped, again)
		}
	})
}
