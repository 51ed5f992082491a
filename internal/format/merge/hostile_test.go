package merge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	gw "outpost/internal/groupware"
)

// Items that were made to hurt are merged or refused in seconds; what is listed stays bounded.
func TestHostileItemsAreMergedInBoundedTime(t *testing.T) {
	const n = 5000
	event := func(props string) string {
		return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTART:20260302T090000Z\r\n" + props + "END:VEVENT\r\nEND:VCALENDAR\r\n"
	}
	lines := func(format string, from int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format+"\r\n", from+i)
		}
		return b.String()
	}
	many := func(format string, from int) string { return event(lines(format, from)) }
	items := func(format string, from int) string {
		return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + lines("BEGIN:VEVENT\r\n"+format+"\r\nEND:VEVENT", from) + "END:VCALENDAR\r\n"
	}
	card := func(format string, from int) string {
		return "BEGIN:VCARD\r\nVERSION:4.0\r\n" + lines(format, from) + "END:VCARD\r\n"
	}
	for name, v := range map[string]struct {
		media               gw.Media
		base, local, remote string
	}{
		"attendees":   {gw.MediaCalendar, many("ATTENDEE:mailto:a%d@example.org", 0), many("ATTENDEE:mailto:a%d@example.org", 7), many("ATTENDEE;CN=x:mailto:a%d@example.org", 3)},
		"dates":       {gw.MediaCalendar, many("EXDATE:20260302T%06dZ", 0), many("EXDATE:20260302T%06dZ", 70), many("EXDATE:20260302T%06dZ", 30)},
		"rules":       {gw.MediaCalendar, many("RRULE:FREQ=DAILY;COUNT=%d", 0), many("RRULE:FREQ=DAILY;COUNT=%d", 7), many("RRULE:FREQ=DAILY;COUNT=%d", 0)},
		"same":        {gw.MediaCalendar, many("X-A:1", 0), many("X-A:1", 0) + "\r\n", event("X-A:1\r\n")},
		"parameters":  {gw.MediaCalendar, event("X-A:1\r\n"), event("ATTENDEE" + strings.ReplaceAll(lines(";P%d=x", 0), "\r\n", "") + ":mailto:a@example.org\r\n"), event("ATTENDEE" + strings.ReplaceAll(lines(";Q%d=x", 0), "\r\n", "") + ":mailto:a@example.org\r\n")},
		"occurrences": {gw.MediaCalendar, items("UID:u\r\nRECURRENCE-ID:20260302T%06dZ", 0), items("UID:u\r\nRECURRENCE-ID:20260302T%06dZ\r\nSUMMARY:x", 7), items("UID:u\r\nRECURRENCE-ID:20260302T%06dZ\r\nX-A:x", 3)},
		"events":      {gw.MediaCalendar, items("UID:%d", 0), items("UID:%d\r\nSUMMARY:x", 7), items("UID:%d\r\nX-A:x", 3)},
		"no UIDs":     {gw.MediaCalendar, items("X-A:%d", 0), items("X-A:%d", 7), items("X-A:%d", 3)},
		"alarms":      {gw.MediaCalendar, event(lines("BEGIN:VALARM\r\nTRIGGER:-PT%dM\r\nEND:VALARM", 0)), event(lines("BEGIN:VALARM\r\nTRIGGER:-PT%dM\r\nEND:VALARM", 7)), event(lines("BEGIN:VALARM\r\nUID:1\r\nTRIGGER:-PT%dM\r\nEND:VALARM", 3))},
		"deep":        {gw.MediaCalendar, event(strings.Repeat("BEGIN:X\r\n", 12) + lines("X-A:%d", 0) + strings.Repeat("END:X\r\n", 12)), event(strings.Repeat("BEGIN:X\r\n", 12) + lines("X-A:%d", 1) + strings.Repeat("END:X\r\n", 12)), event(strings.Repeat("BEGIN:X\r\n", 12) + lines("X-A:%d", 2) + strings.Repeat("END:X\r\n", 12))},
		"phones":      {gw.MediaVCard, card("TEL:%d", 0), card("TEL:%d", 7), card("TEL:%d", 3)},
		"groups":      {gw.MediaVCard, card("item%d.TEL:1", 0), card("item%d.TEL:2", 7), card("a%d.TEL:1", 3)},
		"names":       {gw.MediaVCard, card("FN:%d", 0), card("FN:%d", 7), card("FN:%d", 0)},
		"categories":  {gw.MediaVCard, card("CATEGORIES:%d,x", 0), card("CATEGORIES:%d", 7), card("CATEGORIES;TYPE=a:%d", 0)},
		"fields":      {gw.MediaMessage, lines("X-A%d: 1", 0) + "\r\nx", lines("X-A%d: 1", 1) + "\r\nx", lines("X-A%d: 1", 2) + "\r\nx"},
		"parts": {gw.MediaMessage, "A: b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + lines("--b\r\n\r\n%d", 0), "A: b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + lines("--b\r\n\r\n%d", 7) + "--b--\r\n",
			"A: b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + lines("--b\r\n\r\n%d", 3) + "--b--\r\n"},
	} {
		start := time.Now()
		_, clashes := Merge(v.media, []byte(v.base), []byte(v.local), []byte(v.remote))
		list := Compare(v.media, nil, []byte(v.local), []byte(v.remote))
		if d := time.Since(start); d > 30*time.Second {
			t.Errorf("%s takes %v", name, d)
		} else {
			t.Logf("%s: %v, %d clashes, %d differences", name, d.Round(time.Millisecond), len(clashes), len(list))
		}
		if len(clashes) > maxDifferences || len(list) > maxDifferences || len(list) == 0 {
			t.Errorf("%s: %d clashes, %d differences", name, len(clashes), len(list))
		}
	}
}
