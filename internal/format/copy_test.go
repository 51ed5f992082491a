package format

import (
	"strings"
	"testing"

	"outpost/internal/groupware"
)

func TestTheCopyOfAMeetingIsAnAppointmentOfItsOwn(t *testing.T) {
	raw := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:meeting\r\nSUMMARY:Review\r\nORGANIZER:mailto:anna@example.org\r\n" +
		"ATTENDEE;CN=Ben:mailto:ben@example.org\r\nX-ROOM:4\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:meeting\r\nRECURRENCE-ID:20260301T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	got := string(AsCopy(groupware.MediaCalendar, []byte(raw), "other"))
	want := strings.ReplaceAll(raw, "UID:meeting", "UID:other")
	want = strings.Replace(want, "ORGANIZER:mailto:anna@example.org\r\n", "", 1)
	want = strings.Replace(want, "ATTENDEE;CN=Ben:mailto:ben@example.org\r\n", "", 1)
	if got != want {
		t.Fatalf("%q", got)
	}
	card := "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:a\r\nFN:Anna\r\nX-NICK;TYPE=x:y\r\nEND:VCARD\r\n"
	if got := string(AsCopy(groupware.MediaVCard, []byte(card), "b")); got != strings.Replace(card, "UID:a", "UID:b", 1) {
		t.Fatalf("%q", got)
	}
}
