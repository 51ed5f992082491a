package merge

import (
	"fmt"
	"strings"
	"testing"

	gw "outpost/internal/groupware"
)

// crlf writes a sample as it is on the wire.
func crlf(s string) []byte { return []byte(strings.ReplaceAll(strings.TrimLeft(s, "\n"), "\n", "\r\n")) }

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
