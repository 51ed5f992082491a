package format

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"

	"outpost/internal/format/contentline"
	"outpost/internal/format/mime"
	gw "outpost/internal/groupware"
)

// product stands in PRODID (RFC 5545 3.7.3).
const product = "-//Outpost//Outpost//EN"

// Normalize makes what a person hands in fit to upload and leaves everything else byte for byte: line ends become CRLF; a calendar
// gets the VERSION, PRODID, UID and DTSTAMP that it lacks and loses METHOD (RFC 4791 4.1), a contact gets VERSION, UID, FN and
// (vCard 3) N, a message gets Message-ID and Date and loses a mailbox file's "From " line. newUID gives a new unique name, now the
// time and zone. What cannot be read only gets its line ends; Validate tells what is wrong with it.
func Normalize(media gw.Media, raw []byte, newUID func() string, now time.Time) []byte {
	raw = toCRLF(raw)
	switch media {
	case gw.MediaMessage:
		return normalizeMail(raw, newUID, now)
	case gw.MediaCalendar:
		return normalizeCalendar(raw, newUID, now)
	case gw.MediaVCard:
		return normalizeCard(raw, newUID)
	}
	return raw
}

// toCRLF gives every line the line end of the wire; raw itself when it has them.
func toCRLF(raw []byte) []byte {
	bare := bytes.Count(raw, []byte("\n")) - bytes.Count(raw, []byte("\r\n"))
	if bare == 0 {
		return raw
	}
	out := make([]byte, 0, len(raw)+bare)
	for len(raw) > 0 {
		k := bytes.IndexByte(raw, '\n')
		if k < 0 {
			break
		}
		out = append(out, bytes.TrimSuffix(raw[:k], []byte("\r"))...)
		out = append(out, '\r', '\n')
		raw = raw[k+1:]
	}
	return append(out, raw...)
}

func normalizeMail(raw []byte, newUID func() string, now time.Time) []byte {
	if bytes.HasPrefix(raw, []byte("From ")) {
		if k := bytes.IndexByte(raw, '\n'); k >= 0 {
			raw = raw[k+1:]
		}
	}
	m := mime.Walk(raw)
	block := m.Header(0)
	if validateMail(raw) != nil {
		return raw
	}
	var head []byte
	if mime.Get(block, "date") == nil {
		head = append(head, "Date: "+now.Format(time.RFC1123Z)+"\r\n"...)
	}
	if mime.Get(block, "message-id") == nil {
		domain := "localhost"
		if list := mime.Addresses(mime.Get(block, "from")); len(list) > 0 {
			if a, problem := sendable(list[0].Addr); problem == "" && !strings.HasSuffix(a, "]") {
				domain = a[strings.LastIndexByte(a, '@')+1:]
			}
		}
		head = append(head, "Message-ID: <"+newUID()+"@"+domain+">\r\n"...)
	}
	if len(block) == len(raw) && !bytes.HasSuffix(raw, []byte("\r\n\r\n")) { // nothing but a header: it needs its empty line
		end := "\r\n"
		if !bytes.HasSuffix(raw, []byte("\r\n")) {
			end = "\r\n\r\n"
		}
		raw = append(raw[:len(raw):len(raw)], end...)
	}
	if len(head) == 0 {
		return raw
	}
	return append(head, raw...)
}

// stamp is a UTC DATE-TIME (RFC 5545 3.3.5).
func stamp(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

func normalizeCalendar(raw []byte, newUID func() string, now time.Time) []byte {
	o, err := contentline.Parse(raw)
	if err != nil {
		return raw
	}
	for _, cal := range o.Components("VCALENDAR") {
		if cal.Get("PRODID") == nil {
			cal.AddFirst(contentline.NewLine("PRODID", product))
		}
		if cal.Get("VERSION") == nil {
			cal.AddFirst(contentline.NewLine("VERSION", "2.0"))
		}
		cal.Remove("METHOD")
		uid := ""
		for _, c := range cal.Components("") {
			if componentKind(c.Name) == "" {
				continue
			}
			if c.Get("DTSTAMP") == nil {
				c.AddFirst(contentline.NewLine("DTSTAMP", stamp(now)))
			}
			if l := c.Get("UID"); l == nil {
				// A changed occurrence that lacks its UID belongs to what stands before it.
				if uid == "" || c.Get("RECURRENCE-ID") == nil {
					uid = newUID()
				}
				c.AddFirst(contentline.NewLine("UID", contentline.Escape(uid)))
			} else if uid = strings.TrimSpace(l.Text()); uid == "" {
				uid = newUID()
				l.SetValue(contentline.Escape(uid))
			}
		}
	}
	return endLine(o.Encode())
}

func normalizeCard(raw []byte, newUID func() string) []byte {
	o, err := contentline.Parse(raw)
	if err != nil {
		return raw
	}
	for _, c := range o.Components("VCARD") {
		if c.Get("FN") == nil {
			if name := cardName(c); name != "" {
				c.AddFirst(contentline.NewLine("FN", contentline.Escape(name)))
			}
		}
		if strings.TrimSpace(c.TextOf("UID")) == "" {
			c.Remove("UID")
			c.AddFirst(contentline.NewLine("UID", newUID()))
		}
		version := strings.TrimSpace(c.TextOf("VERSION"))
		if version == "" {
			c.Remove("VERSION")
			version = "3.0"
			c.AddFirst(contentline.NewLine("VERSION", version)) // RFC 6350 6.7.9: right behind BEGIN
		}
		if version == "3.0" && c.Get("N") == nil && c.Get("FN") != nil { // RFC 2426 3.1.2
			c.Add(contentline.NewLine("N", contentline.Escape(text(c, "FN"))+";;;;"))
		}
	}
	return endLine(o.Encode())
}

func endLine(b []byte) []byte {
	if len(b) > 0 && b[len(b)-1] != '\n' {
		b = append(b, "\r\n"...)
	}
	return b
}

// maxPieces bounds what one file is taken apart into.
const maxPieces = 50000

// SplitCalendar takes a file with several events, tasks and notes apart: one object per UID, each with the time zones that it names
// and the calendar's own properties. A file with one object is returned as it is. Components without UID are objects of their own.
func SplitCalendar(raw []byte) ([][]byte, error) {
	o, err := contentline.Parse(raw)
	if err != nil {
		return nil, err
	}
	type calendar struct {
		*contentline.Component
		own   []contentline.Entry            // its properties
		zones map[string][]contentline.Entry // by TZID
	}
	type group struct {
		cal  *calendar
		list []*contentline.Component
	}
	var groups []*group
	byUID := map[string]*group{}
	for _, v := range o.Components("VCALENDAR") {
		cal := &calendar{Component: v, zones: map[string][]contentline.Entry{}}
		for _, e := range v.Entries {
			if e.Line != nil && e.Line.Name() != "" {
				cal.own = append(cal.own, e)
			} else if e.Component != nil && e.Component.Name == "VTIMEZONE" {
				id := e.Component.TextOf("TZID")
				cal.zones[id] = append(cal.zones[id], e)
			}
		}
		for _, c := range v.Components("") {
			if componentKind(c.Name) == "" {
				continue
			}
			uid := strings.TrimSpace(c.TextOf("UID"))
			key := c.Name + " " + uid
			g := byUID[key]
			if g == nil || uid == "" || g.cal != cal {
				if g = (&group{cal: cal}); len(groups) >= maxPieces {
					return nil, &SyntaxError{Line: c.Line(), Text: "more entries than can be taken at once"}
				}
				groups = append(groups, g)
				byUID[key] = g
			}
			g.list = append(g.list, c)
		}
	}
	switch {
	case len(groups) == 0:
		return nil, &SyntaxError{Line: 1, Text: "there is no event (VEVENT), task (VTODO) or note (VJOURNAL) in it"}
	case len(groups) == 1 && len(o.Components("")) == 1:
		return [][]byte{raw}, nil
	}
	out := make([][]byte, 0, len(groups))
	total := 0
	for _, g := range groups {
		entries := slices.Clone(g.cal.own)
		used := map[string]bool{}
		for _, c := range g.list {
			zonesUsed(c, used)
		}
		for _, id := range slices.Sorted(maps.Keys(used)) {
			entries = append(entries, g.cal.zones[id]...)
		}
		for _, c := range g.list {
			entries = append(entries, contentline.Entry{Component: c})
		}
		one := o.With([]contentline.Entry{{Component: g.cal.With(entries)}}).Encode()
		if total += len(one); total > 16*contentline.MaxSize {
			return nil, &SyntaxError{Line: g.cal.Line(), Text: "its time zones make the pieces too large"}
		}
		out = append(out, one)
	}
	return out, nil
}

func zonesUsed(c *contentline.Component, used map[string]bool) {
	for _, e := range c.Entries {
		if e.Component != nil {
			zonesUsed(e.Component, used)
		} else if z := e.Line.Param("TZID"); z != "" {
			used[z] = true
		}
	}
}

// SplitVCards takes a file with several contacts apart, each as it stands there.
func SplitVCards(raw []byte) ([][]byte, error) {
	o, err := contentline.Parse(raw)
	if err != nil {
		return nil, err
	}
	cards := o.Components("VCARD")
	switch {
	case len(cards) == 0:
		return nil, &SyntaxError{Line: 1, Text: "no contact begins so: BEGIN:VCARD is missing"}
	case len(cards) > maxPieces:
		return nil, &SyntaxError{Line: cards[maxPieces].Line(), Text: "more contacts than can be taken at once"}
	case len(cards) == 1:
		return [][]byte{raw}, nil
	}
	out := make([][]byte, 0, len(cards))
	for _, c := range cards {
		out = append(out, o.With([]contentline.Entry{{Component: c}}).Encode())
	}
	return out, nil
}
