package engine

import (
	"slices"
	"strings"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

func invitation(uid, summary string) string {
	return strings.Replace(event(uid, summary), "SUMMARY:", "ORGANIZER:mailto:anna@example.org\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@example.org\r\n"+
		"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:ben@example.org\r\nSUMMARY:", 1)
}

// told lists what was sent: method and recipients of each message.
func (d *desk) told() (out []string) {
	for _, m := range d.server.Sent() {
		for _, method := range []string{"REQUEST", "REPLY", "CANCEL"} {
			if strings.Contains(string(m.Raw), "method="+method) {
				out = append(out, method+" "+strings.Join(m.To, ","))
			}
		}
	}
	return out
}

func (d *desk) wasTold(want ...string) {
	d.t.Helper()
	if got := d.told(); !slices.Equal(got, want) {
		d.t.Fatalf("told %q instead of %q", got, want)
	}
}

func TestAttendeesAreToldOnceOfEachChangeByOutpostWhereTheServerDoesNot(t *testing.T) {
	d := newDesk(t, fake.Options{})
	d.sync()
	d.add("Calendar", groupware.MediaCalendar, invitation("m", "Meeting"))
	d.sync()
	d.wasTold("REQUEST ben@example.org")
	d.edit("Calendar", "Meeting", "DTSTART:20260305T09", "DTSTART:20260305T08")
	d.sync()
	d.wasTold("REQUEST ben@example.org", "REQUEST ben@example.org")
	if raw := d.raw(d.find("Calendar", "Meeting")); !strings.Contains(raw, "SEQUENCE:1") {
		t.Fatal(raw)
	}
	d.quiet()
	d.do(func(tx *store.Tx) error { return tx.Delete(d.find("Calendar", "Meeting")) })
	d.sync()
	d.wasTold("REQUEST ben@example.org", "REQUEST ben@example.org", "CANCEL ben@example.org")
	d.quiet()
}

func TestAServerThatSchedulesTellsByItself(t *testing.T) {
	d := newDesk(t, fake.Options{Features: fake.Features{Schedules: true}})
	d.sync()
	d.add("Calendar", groupware.MediaCalendar, invitation("m", "Meeting"))
	d.sync()
	d.wasTold()
	d.quiet()
}

func TestALostAnswerNeitherLosesNorRepeatsAnInvitation(t *testing.T) {
	d := newDesk(t, fake.Options{})
	d.sync()
	d.server.Faults().Order(fake.Fault{Call: "Create", Service: "caldav", Nth: 1, Cut: true, At: fake.After})
	d.add("Calendar", groupware.MediaCalendar, invitation("m", "Meeting"))
	if _, err := d.e.Pass(d.ctx, PassOptions{}); kindOf(err) != remote.Offline {
		t.Fatal(err)
	}
	d.wasTold()
	d.sync()
	d.wasTold("REQUEST ben@example.org")
	d.quiet()
}

func TestWhatAnotherClientDoesIsNotOursToTell(t *testing.T) {
	d := newDesk(t, fake.Options{})
	d.server.PutObject(d.server.FolderID("Calendar"), "m.ics", []byte(invitation("m", "Meeting")))
	d.sync()
	d.editThere("Calendar", "SUMMARY:Meeting", "SUMMARY:Party")
	d.sync()
	d.wasTold()
	d.quiet()
}

func TestAServerOfWhichNothingIsKnownInAPassIsLeftAlone(t *testing.T) {
	d := newDesk(t, fake.Options{Features: fake.Features{Schedules: true}})
	d.sync()
	d.server.Faults().Order(fake.Fault{Call: "Folders", Service: "caldav", Nth: 1, Kind: remote.Other})
	d.add("Calendar", groupware.MediaCalendar, invitation("m", "Meeting"))
	if _, err := d.e.Pass(d.ctx, PassOptions{}); err == nil {
		t.Fatal("the refused listing was not told")
	}
	d.sync()
	d.both("Calendar", "Meeting []")
	d.wasTold()
	d.quiet()
}
