package merge

import (
	"fmt"
	"strings"
	"testing"

	gw "outpost/internal/groupware"
)

// crlf writes a sample as it is on the wire.
func crlf(s string) []byte {
	return []byte(strings.ReplaceAll(strings.TrimLeft(s, "\n"), "\n", "\r\n"))
}

const meeting = `
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example//Calendar 1.0//EN
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:1@example.org
DTSTAMP:20260301T080000Z
SEQUENCE:1
CREATED:20260301T080000Z
SUMMARY:Planning
LOCATION:Room 1
DESCRIPTION:The plan for the year\, in short.
DTSTART;TZID=Europe/Berlin:20260305T090000
DTEND;TZID=Europe/Berlin:20260305T100000
CATEGORIES:Work,Plan
ORGANIZER;CN=Anna:mailto:anna@example.org
ATTENDEE;CN=Ben;PARTSTAT=NEEDS-ACTION:mailto:ben@example.org
ATTENDEE;CN=Cleo;PARTSTAT=ACCEPTED:mailto:cleo@example.org
X-COLOUR-OF-ROOM;X-SHADE="dark;very":blue
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Planning
TRIGGER:-PT15M
END:VALARM
END:VEVENT
END:VCALENDAR
`

// edit changes a sample; every pair is what stands there and what stands there afterwards.
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

// merges checks that two versions merge to a third, whichever side is which (then only the order of properties may differ).
func merges(t *testing.T, media gw.Media, base, local, remote, want string) {
	t.Helper()
	got, clashes := Merge(media, crlf(base), crlf(local), crlf(remote))
	if len(clashes) > 0 {
		t.Fatalf("clashes: %+v", clashes)
	}
	if string(got) != string(crlf(want)) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	again, clashes := Merge(media, crlf(base), crlf(remote), crlf(local))
	if len(clashes) > 0 {
		t.Fatalf("the other way round clashes: %+v", clashes)
	}
	if d := Compare(media, crlf(base), again, got); len(d) > 0 {
		t.Errorf("the other way round differs: %+v\n%s", d, again)
	}
}

// collides checks what cannot be merged, whichever side is which; every line is "where: property".
func collides(t *testing.T, media gw.Media, base, local, remote string, want ...string) []Difference {
	t.Helper()
	var first []Difference
	for i, sides := range [][2]string{{local, remote}, {remote, local}} {
		got, clashes := Merge(media, crlf(base), crlf(sides[0]), crlf(sides[1]))
		if got != nil {
			t.Fatalf("it was merged:\n%s", got)
		}
		var lines []string
		for _, d := range clashes {
			lines = append(lines, d.Where+": "+d.Property)
		}
		if fmt.Sprint(lines) != fmt.Sprint(want) {
			t.Errorf("got %q, want %q", lines, want)
		}
		if i == 0 {
			first = clashes
		}
	}
	return first
}

func TestAnEventChangedInDifferentPropertiesHasBothChanges(t *testing.T) {
	local := edit(t, meeting, "SUMMARY:Planning", "SUMMARY:Planning 2027", "SEQUENCE:1", "SEQUENCE:3")
	remote := edit(t, meeting, "LOCATION:Room 1", "LOCATION:Room 2", "20260305T100000", "20260305T110000", "SEQUENCE:1", "SEQUENCE:2")
	merges(t, gw.MediaCalendar, meeting, local, remote,
		edit(t, remote, "SUMMARY:Planning", "SUMMARY:Planning 2027", "SEQUENCE:2", "SEQUENCE:3"))
}

func TestThePropertyThatBothChangedIsNamed(t *testing.T) {
	local := edit(t, meeting, "LOCATION:Room 1", "LOCATION:Room 7", "SUMMARY:Planning", "SUMMARY:Other")
	remote := edit(t, meeting, "LOCATION:Room 1", "LOCATION:Room\\, 2")
	got := collides(t, gw.MediaCalendar, meeting, local, remote, "event: Location")
	if want := (Difference{"event", "Location", "LOCATION", "Room 1", "Room 7", "Room, 2", true}); got[0] != want {
		t.Errorf("got %+v", got[0])
	}
	list := Compare(gw.MediaCalendar, crlf(meeting), crlf(local), crlf(remote))
	if len(list) != 2 || list[0].Property != "Subject" || list[0].Clash || !list[1].Clash {
		t.Errorf("side by side: %+v", list)
	}
}

func TestTheSameChangeOnBothSidesIsNoClash(t *testing.T) {
	local := edit(t, meeting, "LOCATION:Room 1", "LOCATION:Room 2", "DTSTAMP:20260301T080000Z", "DTSTAMP:20260303T080000Z")
	remote := edit(t, meeting, "LOCATION:Room 1", "location:Room\n  2", "DTSTAMP:20260301T080000Z", "DTSTAMP:20260302T080000Z")
	merges(t, gw.MediaCalendar, meeting, local, remote, edit(t, remote, "DTSTAMP:20260302T080000Z", "DTSTAMP:20260303T080000Z"))
}

func TestBytesThatNobodyChangedSurviveHoweverTheyAreWritten(t *testing.T) {
	remote := edit(t, meeting, "SUMMARY:Planning\n", "Summary;X-P=1:Plan\n ning\n", "X-COLOUR-OF-ROOM;X-SHADE=\"dark;very\":blue\n", "x-colour-of-room;X-Shade=\"dark;very\":bl\n\tue\n")
	local := edit(t, meeting, "LOCATION:Room 1", "LOCATION:Room 2")
	merges(t, gw.MediaCalendar, meeting, local, remote, edit(t, remote, "LOCATION:Room 1", "LOCATION:Room 2"))
}

func TestAnUnknownPropertyClashesLikeAnyOther(t *testing.T) {
	collides(t, gw.MediaCalendar, meeting, edit(t, meeting, ":blue", ":red"), edit(t, meeting, ":blue", ":green"), "event: X-COLOUR-OF-ROOM")
}

func TestAnAddedUnknownPropertyIsTakenOver(t *testing.T) {
	local := edit(t, meeting, "LOCATION:Room 1\n", "LOCATION:Room 1\nX-NEW;X-Q=\"a:b\":1\\;2\n")
	remote := edit(t, meeting, "LOCATION:Room 1", "LOCATION:Room 2")
	merges(t, gw.MediaCalendar, meeting, local, remote, edit(t, remote, ":blue\n", ":blue\nX-NEW;X-Q=\"a:b\":1\\;2\n"))
}

func TestAPropertyThatOneSideTookOutAndTheOtherLeftIsGone(t *testing.T) {
	local := edit(t, meeting, "LOCATION:Room 1\n", "")
	remote := edit(t, meeting, "SUMMARY:Planning", "SUMMARY:Plan")
	merges(t, gw.MediaCalendar, meeting, local, remote, edit(t, remote, "LOCATION:Room 1\n", ""))
	collides(t, gw.MediaCalendar, meeting, local, edit(t, meeting, "Room 1", "Room 2"), "event: Location")
}

func TestStartAndEndChangeTogether(t *testing.T) {
	local := edit(t, meeting, "DTEND;TZID=Europe/Berlin:20260305T100000", "DTEND;TZID=Europe/Berlin:20260305T113000")
	remote := edit(t, meeting, "DTSTART;TZID=Europe/Berlin:20260305T090000", "DTSTART;TZID=Europe/Berlin:20260305T093000")
	collides(t, gw.MediaCalendar, meeting, local, remote, "event: Start", "event: End")
}

func TestAttendeesMergeOneByOneAndParameterByParameter(t *testing.T) {
	local := edit(t, meeting, "ATTENDEE;CN=Ben;PARTSTAT=NEEDS-ACTION:mailto:ben@example.org", "ATTENDEE;CN=Ben;PARTSTAT=ACCEPTED:mailto:ben@example.org")
	remote := edit(t, meeting, "ATTENDEE;CN=Ben;PARTSTAT=NEEDS-ACTION:mailto:ben@example.org", "ATTENDEE;CN=B;PARTSTAT=NEEDS-ACTION;SCHEDULE-STATUS=1.2:MAILTO:Ben@example.org\nATTENDEE:mailto:dan@example.org",
		"ATTENDEE;CN=Cleo;PARTSTAT=ACCEPTED:mailto:cleo@example.org\n", "")
	merges(t, gw.MediaCalendar, meeting, local, remote, edit(t, remote, "NEEDS-ACTION;SCHEDULE", "ACCEPTED;SCHEDULE"))
	collides(t, gw.MediaCalendar, meeting, local, edit(t, meeting, "CN=Ben;PARTSTAT=NEEDS-ACTION", "CN=Ben;PARTSTAT=DECLINED"), "event: Attendee ben@example.org")
}

func TestCategoriesMergeAsASet(t *testing.T) {
	local := edit(t, meeting, "CATEGORIES:Work,Plan", "CATEGORIES:Plan,Big\\, bold")
	remote := edit(t, meeting, "CATEGORIES:Work,Plan", "CATEGORIES:Work,Plan\nCATEGORIES:Year")
	merges(t, gw.MediaCalendar, meeting, local, remote, edit(t, remote, "CATEGORIES:Work,Plan", "CATEGORIES:Plan,Big\\, bold"))
}

func TestTheTimeZoneComesWithTheTimeThatUsesIt(t *testing.T) {
	const rome = "BEGIN:VTIMEZONE\nTZID:Europe/Rome\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n"
	local := edit(t, meeting, "END:VTIMEZONE\n", "END:VTIMEZONE\n"+rome, "DTSTART;TZID=Europe/Berlin", "DTSTART;TZID=Europe/Rome", "DTEND;TZID=Europe/Berlin", "DTEND;TZID=Europe/Rome")
	remote := edit(t, meeting, "SUMMARY:Planning", "SUMMARY:Plan")
	merges(t, gw.MediaCalendar, meeting, local, remote, edit(t, local, "SUMMARY:Planning", "SUMMARY:Plan"))
}

func TestAlarmsMergeAsASetAndDismissedOnesStayDismissed(t *testing.T) {
	local := edit(t, meeting, "END:VALARM\n", "ACKNOWLEDGED:20260305T074501Z\nEND:VALARM\n")
	remote := edit(t, meeting, "END:VALARM\n", "END:VALARM\nBEGIN:VALARM\nACTION:AUDIO\nTRIGGER:-PT5M\nEND:VALARM\n")
	merges(t, gw.MediaCalendar, meeting, local, remote, edit(t, remote, "TRIGGER:-PT15M\n", "TRIGGER:-PT15M\nACKNOWLEDGED:20260305T074501Z\n"))
}

func TestAnAlarmIsFoundByItsUID(t *testing.T) {
	base := edit(t, meeting, "BEGIN:VALARM\n", "BEGIN:VALARM\nUID:a1\n")
	local := edit(t, base, "TRIGGER:-PT15M", "TRIGGER:-PT30M")
	merges(t, gw.MediaCalendar, base, local, edit(t, base, "ACTION:DISPLAY", "ACTION:AUDIO"), edit(t, local, "ACTION:DISPLAY", "ACTION:AUDIO"))
	collides(t, gw.MediaCalendar, base, local, edit(t, base, "TRIGGER:-PT15M", "TRIGGER:-PT60M"), "alarm 1: Time of the reminder")
	collides(t, gw.MediaCalendar, base, local, strings.Replace(base, base[strings.Index(base, "BEGIN:VALARM"):strings.Index(base, "END:VEVENT")], "", 1), "alarm 1: Reminder")
}

const weekly = `
BEGIN:VCALENDAR
VERSION:2.0
PRODID:x
BEGIN:VEVENT
UID:w
SUMMARY:Team
DTSTART;TZID=Europe/Berlin:20260302T090000
DTEND;TZID=Europe/Berlin:20260302T100000
RRULE:FREQ=WEEKLY;COUNT=10
EXDATE;TZID=Europe/Berlin:20260309T090000
END:VEVENT
BEGIN:VEVENT
UID:w
RECURRENCE-ID;TZID=Europe/Berlin:20260316T090000
SUMMARY:Team
DTSTART;TZID=Europe/Berlin:20260316T110000
DTEND;TZID=Europe/Berlin:20260316T120000
END:VEVENT
END:VCALENDAR
`

// occurrence is one changed occurrence of weekly at its usual time.
func occurrence(day, more string) string {
	return "BEGIN:VEVENT\nUID:w\nRECURRENCE-ID;TZID=Europe/Berlin:" + day + "T090000\nDTSTART;TZID=Europe/Berlin:" + day + "T090000\nDTEND;TZID=Europe/Berlin:" + day + "T100000\n" + more + "END:VEVENT\n"
}

func TestChangesToDifferentOccurrencesAreBothThere(t *testing.T) {
	local := edit(t, weekly, "110000\nDTEND;TZID=Europe/Berlin:20260316T120000", "130000\nDTEND;TZID=Europe/Berlin:20260316T140000")
	remote := edit(t, weekly, "END:VCALENDAR", occurrence("20260323", "SUMMARY:Team and guests\n")+"END:VCALENDAR")
	merges(t, gw.MediaCalendar, weekly, local, remote, edit(t, local, "END:VCALENDAR", occurrence("20260323", "SUMMARY:Team and guests\n")+"END:VCALENDAR"))
}

func TestChangesToTheSameOccurrenceMergeByProperty(t *testing.T) {
	local := edit(t, weekly, "END:VCALENDAR", occurrence("20260323", "SUMMARY:Team and guests\n")+"END:VCALENDAR")
	remote := edit(t, weekly, "END:VCALENDAR", occurrence("20260323", "SUMMARY:Team\nLOCATION:Hall\n")+"END:VCALENDAR")
	merges(t, gw.MediaCalendar, weekly, local, remote, edit(t, remote, "SUMMARY:Team\nLOCATION:Hall", "SUMMARY:Team and guests\nLOCATION:Hall"))
	remote = edit(t, weekly, "END:VCALENDAR", occurrence("20260323", "SUMMARY:Team at home\n")+"END:VCALENDAR")
	collides(t, gw.MediaCalendar, weekly, local, remote, "occurrence of 2026-03-23 09:00: Subject")
}

func TestAnOccurrenceIsFoundHoweverItsTimeIsWritten(t *testing.T) {
	remote := edit(t, weekly, "RECURRENCE-ID;TZID=Europe/Berlin:20260316T090000", "RECURRENCE-ID:20260316T080000Z")
	local := edit(t, weekly, "20260316T090000\nSUMMARY:Team", "20260316T090000\nSUMMARY:Team 2")
	merges(t, gw.MediaCalendar, weekly, local, remote, edit(t, remote, "80000Z\nSUMMARY:Team", "80000Z\nSUMMARY:Team 2"))
}

func TestOccurrencesDeletedOnBothSidesAreBothGone(t *testing.T) {
	local := edit(t, weekly, "EXDATE;TZID=Europe/Berlin:20260309T090000", "EXDATE;TZID=Europe/Berlin:20260309T090000,20260323T090000")
	remote := edit(t, weekly, "EXDATE;TZID=Europe/Berlin:20260309T090000", "EXDATE;TZID=Europe/Berlin:20260309T090000\nEXDATE;TZID=Europe/Berlin:20260330T090000")
	merges(t, gw.MediaCalendar, weekly, local, remote, edit(t, remote, "20260309T090000", "20260309T090000,20260323T090000"))
}

func TestAnOccurrenceDeletedHereAndChangedThereIsAClash(t *testing.T) {
	local := edit(t, weekly, "EXDATE;TZID=Europe/Berlin:20260309T090000", "EXDATE;TZID=Europe/Berlin:20260309T090000,20260323T090000")
	remote := edit(t, weekly, "END:VCALENDAR", occurrence("20260323", "SUMMARY:Team and guests\n")+"END:VCALENDAR")
	collides(t, gw.MediaCalendar, weekly, local, remote, "occurrence of 2026-03-23 09:00: Occurrence")
	local = strings.Replace(weekly, weekly[strings.LastIndex(weekly, "BEGIN:VEVENT"):strings.Index(weekly, "END:VCALENDAR")], "", 1)
	remote = edit(t, weekly, "20260316T090000\nSUMMARY:Team", "20260316T090000\nSUMMARY:Team 2")
	collides(t, gw.MediaCalendar, weekly, local, remote, "occurrence of 2026-03-16 09:00: Occurrence")
}

// Occurrences are named by the start that the rule gives them: after a move the names of the other side name nothing.
func TestASeriesMovedHereWhileAnOccurrenceWasDeletedThereIsAClash(t *testing.T) {
	local := edit(t, weekly, "DTSTART;TZID=Europe/Berlin:20260302T090000", "DTSTART;TZID=Europe/Berlin:20260302T093000")
	remote := edit(t, weekly, "EXDATE;TZID=Europe/Berlin:20260309T090000", "EXDATE;TZID=Europe/Berlin:20260309T090000,20260323T090000")
	collides(t, gw.MediaCalendar, weekly, local, remote, "event: Start")
	remote = edit(t, weekly, "SUMMARY:Team\nDTSTART;TZID=Europe/Berlin:20260302T", "SUMMARY:Team 2\nDTSTART;TZID=Europe/Berlin:20260302T")
	merges(t, gw.MediaCalendar, weekly, local, remote, edit(t, local, "SUMMARY:Team\nDTSTART;TZID=Europe/Berlin:20260302T", "SUMMARY:Team 2\nDTSTART;TZID=Europe/Berlin:20260302T"))
}

func TestATaskDoneHereAndRenamedThereIsDoneAndRenamed(t *testing.T) {
	const base = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VTODO\nUID:t\nSUMMARY:Buy tea\nDUE;VALUE=DATE:20260310\nSTATUS:NEEDS-ACTION\nEND:VTODO\nEND:VCALENDAR\n"
	local := edit(t, base, "STATUS:NEEDS-ACTION", "STATUS:COMPLETED\nCOMPLETED:20260309T100000Z\nPERCENT-COMPLETE:100")
	remote := edit(t, base, "SUMMARY:Buy tea", "SUMMARY:Buy green tea", "20260310", "20260311")
	merges(t, gw.MediaCalendar, base, local, remote, edit(t, remote, "STATUS:NEEDS-ACTION", "STATUS:COMPLETED\nCOMPLETED:20260309T100000Z\nPERCENT-COMPLETE:100"))
	collides(t, gw.MediaCalendar, base, edit(t, base, "DATE:20260310", "DATE:20260312"), remote, "task: Due")
}

func TestANoteMergesTitleAndText(t *testing.T) {
	const base = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VJOURNAL\nUID:n\nSUMMARY:List\nDESCRIPTION:eggs\nEND:VJOURNAL\nEND:VCALENDAR\n"
	merges(t, gw.MediaCalendar, base, edit(t, base, "List", "Shopping"), edit(t, base, "eggs", "eggs\\nmilk"), edit(t, base, "List", "Shopping", "eggs", "eggs\\nmilk"))
	collides(t, gw.MediaCalendar, base, edit(t, base, "eggs", "bread"), edit(t, base, "eggs", "milk"), "note: Text")
}

const card = `
BEGIN:VCARD
VERSION:3.0
UID:c
N:Berg;Anna;;;
FN:Anna Berg
TEL;TYPE=WORK,VOICE:+49 1
TEL;TYPE=HOME:+49 2
TEL;TYPE=CELL;TYPE=pref:+49 3
EMAIL;TYPE=INTERNET:anna@example.org
item1.URL:https://example.org/
item1.X-ABLabel:_$!<HomePage>!$_
NOTE:Likes tea
X-ZODIAC;X-P=1:Lion
REV:20260101T000000Z
END:VCARD
`

func TestSeveralPhonesOfAContactMergeOneByOne(t *testing.T) {
	local := edit(t, card, "+49 1", "+49 11", "REV:20260101T000000Z", "REV:2026-01-03T00:00:00Z")
	remote := edit(t, card, "TEL;TYPE=HOME:+49 2\n", "", "+49 3", "+49 33\nTEL;TYPE=WORK,FAX:+49 4", "REV:20260101T000000Z", "REV:20260102T000000Z")
	merges(t, gw.MediaVCard, card, local, remote, edit(t, remote, "+49 1", "+49 11", "REV:20260102T000000Z", "REV:2026-01-03T00:00:00Z"))
	collides(t, gw.MediaVCard, card, local, edit(t, card, "+49 1", "+49 12"), "contact: Phone (work)")
}

func TestPhonesOfOneKindAreASet(t *testing.T) {
	base := edit(t, card, "TEL;TYPE=HOME:", "TEL;TYPE=WORK:")
	local := edit(t, base, "+49 1\n", "+49 11\n")
	remote := edit(t, base, "+49 2\n", "+49 2\nTEL;TYPE=WORK:+49 22\n")
	merges(t, gw.MediaVCard, base, local, remote, edit(t, remote, "+49 1\n", "+49 11\n"))
}

func TestANumberAddedOnBothSidesIsThereTwiceOnlyWhenItDiffers(t *testing.T) {
	local := edit(t, card, "NOTE:", "TEL;TYPE=FAX:+49 5\nNOTE:")
	merges(t, gw.MediaVCard, card, local, edit(t, card, "FN:Anna Berg", "FN:Anna Berg\nTEL;type=fax:+49 5"), edit(t, card, "FN:Anna Berg", "FN:Anna Berg\nTEL;type=fax:+49 5"))
	merges(t, gw.MediaVCard, card, local, edit(t, card, "+49 3\n", "+49 3\nTEL;TYPE=FAX:+49 6\n"), edit(t, card, "+49 3\n", "+49 3\nTEL;TYPE=FAX:+49 6\nTEL;TYPE=FAX:+49 5\n"))
}

func TestTheNameIsOneThing(t *testing.T) {
	collides(t, gw.MediaVCard, card, edit(t, card, "FN:Anna Berg", "FN:Anna B. Berg"), edit(t, card, "N:Berg;Anna;;;", "N:Berg;Annika;;;"), "contact: Name", "contact: Name")
	merges(t, gw.MediaVCard, card, edit(t, card, "FN:Anna Berg", "FN:Anna Tal", "N:Berg;", "N:Tal;"), edit(t, card, "tea", "coffee", "N:Berg;Anna;;;", "N:Berg;Anna"),
		edit(t, card, "FN:Anna Berg", "FN:Anna Tal", "N:Berg;", "N:Tal;", "tea", "coffee"))
}

func TestGroupsOfTheSameNameAddedOnBothSidesStayApart(t *testing.T) {
	local := edit(t, card, "NOTE:", "item2.TEL:+49 7\nitem2.X-ABLabel:Boat\nNOTE:")
	remote := edit(t, card, "NOTE:", "item2.TEL:+49 8\nitem2.X-ABLabel:Car\nNOTE:")
	merges(t, gw.MediaVCard, card, local, remote, edit(t, remote, "item2.TEL:+49 8\n", "item2.TEL:+49 8\nitem3.TEL:+49 7\n", "item2.X-ABLabel:Car\n", "item2.X-ABLabel:Car\nitem3.X-ABLabel:Boat\n"))
}

func TestGroupsThatWereNumberedAnewAreTheSame(t *testing.T) {
	base := edit(t, card, "NOTE:", "item2.TEL:+49 7\nitem2.X-ABLabel:Boat\nNOTE:")
	remote := edit(t, card, "item1.URL", "item9.URL", "item1.X-AB", "item9.X-AB", "NOTE:", "item1.TEL:+49 7\nitem1.X-ABLabel:Boat\nNOTE:", "tea", "coffee")
	if d := Compare(gw.MediaVCard, crlf(base), crlf(base), crlf(remote)); len(d) != 1 || d[0].Property != "Notes" {
		t.Errorf("they differ in %+v", d)
	}
	merges(t, gw.MediaVCard, base, edit(t, base, "Boat", "Ship"), remote, edit(t, remote, "Boat", "Ship"))
}

func TestMembersOfADistributionListAreASet(t *testing.T) {
	const base = "BEGIN:VCARD\nVERSION:4.0\nKIND:group\nUID:l\nFN:Team\nMEMBER:urn:uuid:1\nMEMBER:urn:uuid:2\nEND:VCARD\n"
	local := edit(t, base, "MEMBER:urn:uuid:1\n", "", "MEMBER:urn:uuid:2\n", "MEMBER:urn:uuid:2\nMEMBER:mailto:x@example.org\n")
	remote := edit(t, base, "END:VCARD", "MEMBER:urn:uuid:3\nEND:VCARD", "FN:Team", "FN:The team")
	merges(t, gw.MediaVCard, base, local, remote, edit(t, remote, "MEMBER:urn:uuid:1\n", "MEMBER:mailto:x@example.org\n"))
	collides(t, gw.MediaVCard, base, edit(t, base, "FN:Team", "FN:A"), remote, "list: Name")
}

func TestCardsOfDifferentVersionsAreNotMixed(t *testing.T) {
	collides(t, gw.MediaVCard, card, edit(t, card, "tea", "coffee"), edit(t, card, "VERSION:3.0", "VERSION:4.0"), "contact: Version")
}

func TestWithoutABaseWhateverDiffersClashes(t *testing.T) {
	got, clashes := Merge(gw.MediaVCard, nil, crlf(card), crlf(edit(t, card, "tea", "coffee")))
	if got != nil || len(clashes) != 1 || clashes[0].Property != "Notes" || clashes[0].Base != "" {
		t.Errorf("got %s %+v", got, clashes)
	}
	if got, clashes := Merge(gw.MediaVCard, nil, crlf(card), crlf(edit(t, card, "REV:2026", "REV:2027"))); got == nil {
		t.Errorf("only the revision differs: %+v", clashes)
	}
}

func TestWhatCannotBeReadClashesAsAWhole(t *testing.T) {
	for _, bad := range []string{"", "x", "BEGIN:VCALENDAR\n", meeting + meeting[1:], edit(t, meeting, "SUMMARY:Planning", "no property"), "BEGIN:VCARD\nEND:VCARD\n", strings.Repeat("BEGIN:A\n", 100)} {
		local := edit(t, meeting, "Room 1", "Room 2")
		remote := edit(t, meeting, "Room 1", "Room 3")
		collides(t, gw.MediaCalendar, bad, local, remote, "content: Content")
		collides(t, gw.MediaCalendar, meeting, bad, remote, "content: Content")
	}
}

func TestOneChangedSideNeedsNoReading(t *testing.T) {
	for _, media := range []gw.Media{gw.MediaCalendar, gw.MediaVCard, gw.MediaMessage} {
		for _, x := range [][2]string{{"junk", "more junk"}, {card, meeting}, {"", "x"}} {
			if got, clashes := Merge(media, []byte(x[0]), []byte(x[0]), []byte(x[1])); string(got) != x[1] || clashes != nil {
				t.Errorf("only the server changed %q: %q %v", x, got, clashes)
			}
			if got, clashes := Merge(media, []byte(x[0]), []byte(x[1]), []byte(x[0])); string(got) != x[1] || clashes != nil {
				t.Errorf("only we changed %q: %q %v", x, got, clashes)
			}
			if got, clashes := Merge(media, []byte(x[0]), []byte(x[1]), []byte(x[1])); string(got) != x[1] || clashes != nil {
				t.Errorf("both changed %q alike: %q %v", x, got, clashes)
			}
		}
	}
}
