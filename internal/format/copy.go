package format

import (
	"outpost/internal/format/contentline"
	"outpost/internal/groupware"
)

// AsCopy gives an object a UID of its own: a server may refuse the same UID in two calendars (RFC 4791 5.3.2.1). The copy of
// a meeting is an appointment without organizer and attendees, so that no server invites anybody to it.
func AsCopy(media groupware.Media, raw []byte, uid string) []byte {
	o, _ := contentline.Parse(raw)
	for _, c := range Components(media, o) {
		c.Set("UID", contentline.Escape(uid))
		if media == groupware.MediaCalendar {
			c.Remove("ORGANIZER")
			c.Remove("ATTENDEE")
		}
	}
	if o == nil {
		return raw
	}
	return o.Encode()
}

// Components returns what carries the UID of an item; o may be nil.
func Components(media groupware.Media, o *contentline.Object) []*contentline.Component {
	if o == nil {
		return nil
	}
	if media == groupware.MediaVCard {
		return o.Components("VCARD")
	}
	var out []*contentline.Component
	for _, calendar := range o.Components("VCALENDAR") {
		for _, name := range []string{"VEVENT", "VTODO", "VJOURNAL"} {
			out = append(out, calendar.Components(name)...)
		}
	}
	return out
}
