package main

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"outpost/internal/groupware"
	"outpost/internal/store"
)

// meeting says that the account's owner invites somebody to an event.
const meeting = "ORGANIZER:mailto:" + address + "\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:" + address + "\r\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:ben@example.org\r\n"

func isMeeting(raw []byte) bool { return bytes.Contains(raw, []byte("ORGANIZER:")) }

// invitation finds the iCalendar object in a message (RFC 6047); nil when there is none.
func invitation(raw []byte) []byte {
	_, part, ok := bytes.Cut(raw, []byte("\r\nContent-Type: text/calendar"))
	_, body, ok2 := bytes.Cut(part, []byte("\r\n\r\n"))
	body, _, ok3 := bytes.Cut(body, []byte("\r\n--"))
	if !ok || !ok2 || !ok3 {
		return nil
	}
	out, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\r", "", "\n", "").Replace(string(body)))
	if err != nil {
		return nil
	}
	return out
}

// version names what attendees are told: a method, an event, and what it says. Texts are never used again, so it is never told twice.
func version(method string, object []byte) string {
	of := plainTexts(object)
	slices.Sort(of)
	return method + " " + property(object, "UID:") + " " + strings.Join(of, " ")
}

// storing notes which events a call of the engine stores, changes or removes, whatever is answered, once it was made.
func (h *history) storing(service, folder string) (made func()) {
	if service != "caldav" {
		return func() {}
	}
	look := func() map[string][]byte {
		out := map[string][]byte{}
		for _, it := range h.server.Snapshot() {
			if it.Folder == folder && isMeeting(it.Raw) {
				out[key(it.Raw)] = it.Raw
			}
		}
		return out
	}
	before := look()
	return func() {
		after := look()
		for uid, raw := range after {
			if !slices.Equal(plainTexts(before[uid]), plainTexts(raw)) {
				h.stored[uid] = version("REQUEST", raw)
			}
		}
		for uid := range before {
			if after[uid] == nil {
				h.stored[uid] = "CANCEL " + uid
			}
		}
	}
}

// forgetInvitations says that a backup was put back: what it holds unsent, and the server no longer has, nobody can know to have been told of.
func (h *history) forgetInvitations() {
	there := map[string]bool{}
	for _, it := range h.server.Snapshot() {
		there[key(it.Raw)] = true
	}
	for uid, v := range h.stored {
		waited := slices.ContainsFunc(strings.Fields(v), func(s string) bool { return h.backup.sent[s] })
		h.retold[uid] = h.retold[uid] || waited || !there[uid]
	}
	clear(h.stored) // what was still in the Outbox is lost
}

// invitedOnce checks that attendees were told of every version once at most, of the last one once when it was stored from here, and of none
// where the server tells them.
func (h *history) invitedOnce(here []kept) {
	told, cancelled := map[string]int{}, map[string]int{}
	note := func(raw []byte) {
		object := invitation(raw)
		if object == nil {
			return
		}
		if method := property(object, "METHOD:"); method == "CANCEL" {
			cancelled["CANCEL "+property(object, "UID:")]++
		} else {
			told[version(method, object)]++
		}
	}
	for _, m := range h.server.Sent() {
		note(m.Raw)
	}
	for _, counts := range []map[string]int{told, cancelled} {
		for _, v := range sorted(counts) {
			if h.plays.Schedules {
				h.violated("the server tells attendees itself, and Outpost told them %q", v)
			} else if counts[v] > 1 && !h.retold[strings.Fields(v)[1]] {
				h.violated("attendees were told %d times: %s", counts[v], v)
			}
		}
	}
	if h.plays.Schedules {
		return
	}
	h.view(func(tx *store.Tx) error { // what a person is asked about counts as told
		for _, k := range here {
			q, found, err := tx.Submission(k.thing.ID)
			if err != nil {
				return err
			}
			if found && q.State == store.Unknown || k.Role == groupware.RoleLocalFailures {
				note(k.raw)
			}
		}
		return nil
	})
	now := map[string]string{}
	for _, it := range h.server.Snapshot() {
		if it.Media == groupware.MediaCalendar && isMeeting(it.Raw) {
			now[key(it.Raw)] = version("REQUEST", it.Raw)
		}
	}
	for uid, v := range h.stored {
		switch {
		case now[uid] == v && told[v] == 0:
			h.violated("attendees were never told: %s", v)
		case now[uid] == "" && strings.HasPrefix(v, "CANCEL") && cancelled[v] == 0:
			h.violated("attendees were never told: %s", v)
		}
	}
}

// said is an iTIP message or a notice: it repeats texts, and has none of its own. Of some only the header was read, and no other message here is
// multipart/alternative.
func said(raw []byte) bool {
	return bytes.Contains(raw, []byte("\r\nAuto-Submitted:")) || bytes.Contains(raw, []byte("\r\nContent-Type: multipart/alternative"))
}
