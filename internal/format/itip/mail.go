package itip

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime/quotedprintable"
	"strings"
	"time"

	"outpost/internal/format/mime"
)

// send writes a message and adds it to what is to be sent (RFC 6047 2).
func (w *writer) send(method, what string, m *meeting, g *group, list []*component) {
	from := mime.Addresses([]byte(mime.Display(w.from, 500)))
	if len(from) != 1 || from[0].Addr == "" {
		w.err = fmt.Errorf("%q is no address to send from", mime.Display(w.from, 100))
		return
	}
	out := Outgoing{Method: method}
	var to []string
	for _, who := range g.who {
		a := m.name(who)
		out.To = append(out.To, a.Addr)
		to = append(to, a.Encode())
	}
	subject := mime.Display(list[0].TextOf("SUMMARY"), 500)
	if subject == "" {
		subject = "(no subject)"
	}
	id := strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`<>()[]@,;:"\`, r) {
			return '-'
		}
		return r
	}, w.id())
	domain := from[0].Addr[strings.LastIndexByte(from[0].Addr, '@')+1:]
	boundary := "=_" + id
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("From: %s", from[0].Encode())
	line("To: %s", strings.Join(to, ",\r\n "))
	b.Write(mime.EncodeText("Subject", what+": "+subject))
	line("Date: %s", w.now.Format(time.RFC1123Z))
	line("Message-ID: <%s@%s>", id, domain)
	line("MIME-Version: 1.0")
	line("Content-Type: multipart/alternative; boundary=\"%s\"", boundary)
	line("")
	line("--%s", boundary)
	line("Content-Type: text/plain; charset=utf-8")
	line("Content-Transfer-Encoding: quoted-printable")
	line("")
	text := quotedprintable.NewWriter(&b) // writing to a buffer cannot fail
	io.WriteString(text, w.words(method, what, from[0], m, list))
	text.Close()
	line("")
	line("--%s", boundary)
	// RFC 6047 2.4: method as in the object, the one component that it is about.
	line("Content-Type: text/calendar; charset=utf-8; method=%s; component=%s", method, list[0].Name)
	line("Content-Transfer-Encoding: base64")
	line("")
	data := object(m, method, list)
	for len(data) > 0 {
		n := min(57, len(data)) // 76 characters, RFC 2045 6.8
		line("%s", base64.StdEncoding.EncodeToString(data[:n]))
		data = data[n:]
	}
	line("--%s--", boundary)
	out.Raw = b.Bytes()
	w.out = append(w.out, out)
}

// name is the mailbox of an attendee or the organizer.
func (m *meeting) name(who string) mime.Address {
	for _, l := range []*line{m.any[who], m.organizer} {
		if l != nil && address(l) == who {
			return mime.Address{Name: mime.Display(l.Param("CN"), 200), Addr: mailbox(l)}
		}
	}
	return mime.Address{Addr: who}
}

// words tells in plain words what the object says.
func (w *writer) words(method, what string, from mime.Address, m *meeting, list []*component) string {
	who := from.Name
	if who == "" {
		who = from.Addr
	}
	kind := "meeting"
	if list[0].Name == "VTODO" {
		kind = "task"
	}
	if list[0].Get("RECURRENCE-ID") != nil {
		kind = "occurrence of a " + kind
	}
	var b strings.Builder
	switch {
	case method == "REPLY" && what == "Answer":
		fmt.Fprintf(&b, "%s has answered.\n", who)
	case method == "REPLY" && what == "Tentative":
		fmt.Fprintf(&b, "%s may come.\n", who)
	case method == "REPLY":
		fmt.Fprintf(&b, "%s: %s.\n", who, strings.ToLower(what))
	case method == "CANCEL" && list[0].Get("STATUS") == nil:
		fmt.Fprintf(&b, "%s no longer asks you to this %s.\n", who, kind)
	case method == "CANCEL":
		fmt.Fprintf(&b, "%s has cancelled this %s.\n", who, kind)
	case what == "Updated":
		fmt.Fprintf(&b, "%s has changed this %s.\n", who, kind)
	case list[0].Name == "VTODO":
		fmt.Fprintf(&b, "%s asks you to do this.\n", who)
	default:
		fmt.Fprintf(&b, "%s invites you.\n", who)
	}
	for i, c := range list {
		if i == 20 {
			fmt.Fprintf(&b, "\nand %d more\n", len(list)-i)
			break
		}
		b.WriteByte('\n')
		add := func(label, value string) {
			if value = strings.TrimSpace(value); value != "" {
				fmt.Fprintf(&b, "%s: %s\n", label, value)
			}
		}
		add("What", mime.Display(c.TextOf("SUMMARY"), 500))
		add("When", when(c))
		if c.Name == "VTODO" {
			add("Due", moment(c.Get("DUE")))
		}
		if l := c.Get("RRULE"); l != nil {
			add("Repeats", mime.Display(l.Value(), 500))
		}
		add("Where", mime.Display(c.TextOf("LOCATION"), 500))
		if method == "REQUEST" && c.Get("DESCRIPTION") != nil {
			s := strings.ToValidUTF8(mime.Lines(c.TextOf("DESCRIPTION")), "\uFFFD")
			if len(s) > 64<<10 {
				s = strings.ToValidUTF8(s[:64<<10], "") + "…"
			}
			fmt.Fprintf(&b, "\n%s\n", strings.TrimRight(s, "\n"))
		}
	}
	return strings.ReplaceAll(b.String(), "\n", "\r\n")
}

// when tells start and end as they stand in the event, in the zone of the event.
func when(c *component) string {
	start, end := c.Get("DTSTART"), c.Get("DTEND")
	if start == nil {
		return ""
	}
	s := moment(start)
	if end == nil {
		return s
	}
	a, ok1 := wall(start.Value())
	e, ok2 := wall(end.Value())
	switch {
	case !ok1 || !ok2 || start.Param("TZID") != end.Param("TZID") || len(strings.TrimSpace(start.Value())) != len(strings.TrimSpace(end.Value())):
		return s + " to " + moment(end)
	case len(strings.TrimSpace(end.Value())) == 8: // DTEND is the day after, RFC 5545 3.6.1
		if e = e.AddDate(0, 0, -1); e.After(a) {
			return s + " to " + e.Format("Mon 2 Jan 2006")
		}
		return s
	case a.Format(time.DateOnly) == e.Format(time.DateOnly):
		return a.Format("Mon 2 Jan 2006 15:04") + " to " + e.Format("15:04") + zone(start)
	}
	return a.Format("Mon 2 Jan 2006 15:04") + " to " + e.Format("Mon 2 Jan 2006 15:04") + zone(start)
}

// moment writes a date or time without moving it to another zone.
func moment(l *line) string {
	if l == nil {
		return ""
	}
	t, ok := wall(l.Value())
	switch {
	case !ok:
		return mime.Display(l.Value(), 100)
	case len(strings.TrimSpace(l.Value())) == 8:
		return t.Format("Mon 2 Jan 2006")
	}
	return t.Format("Mon 2 Jan 2006 15:04") + zone(l)
}

func zone(l *line) string {
	if z := l.Param("TZID"); z != "" {
		return " (" + mime.Display(z, 100) + ")"
	}
	if strings.HasSuffix(strings.ToUpper(strings.TrimSpace(l.Value())), "Z") {
		return " UTC"
	}
	return ""
}

// wall reads a date or time as it stands on the wall, whatever its zone.
func wall(v string) (time.Time, bool) {
	v = strings.TrimSpace(v)
	if n := len(v); n != 8 && n != 15 && n != 16 {
		return time.Time{}, false
	}
	t, err := time.Parse("20060102T150405Z"[:len(v)], v)
	return t, err == nil
}
