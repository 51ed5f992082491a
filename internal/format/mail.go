package format

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"outpost/internal/format/htmltext"
	"outpost/internal/format/mime"
	gw "outpost/internal/groupware"
)

// header reads the fields of RFC 5322 3.6 that lists and conversations need.
func (d *Derived) header(block []byte) {
	var from, sender, to, cc []byte
	for f := range mime.Fields(block) {
		value := f.Value
		switch fieldName(f.Name) {
		case "subject":
			if d.Subject == "" {
				d.Subject = mime.Display(mime.Text(value), maxDisplay)
			}
		case "from":
			if from == nil {
				from = value
			}
		case "sender":
			sender = value
		case "to":
			if to == nil {
				to = value
			}
		case "cc":
			if cc == nil {
				cc = value
			}
		case "date":
			if d.Date.IsZero() {
				var ok bool
				if d.Date, ok = mime.Date(value); !ok && d.Problem == "" {
					d.Problem = "the Date header cannot be read: " + mime.Display(mime.Text(value), 80)
				}
			}
		case "x-uniform-type-identifier":
			if isNoteType(value) {
				d.Kind = gw.KindNote
			}
		case "message-id":
			if d.MessageID == "" {
				if ids := messageIDs(value, 1); len(ids) > 0 {
					d.MessageID = ids[0]
				}
			}
		case "in-reply-to":
			if d.InReplyTo == nil {
				d.InReplyTo = messageIDs(value, maxReferences)
			}
		case "references":
			if d.References == nil {
				d.References = messageIDs(value, maxReferences)
			}
		}
	}
	if from == nil {
		from = sender
	}
	if list := mime.Addresses(from); len(list) > 0 {
		d.From = mime.Display(list[0].String(), maxDisplay)
		d.FromAddr = mime.Display(strings.ToLower(list[0].Addr), maxDisplay)
	}
	d.To = displayList(append(mime.Addresses(to), mime.Addresses(cc)...))
}

// fieldName returns the lower-case name of the fields that header looks at, "" for the others, without allocating.
func fieldName(name []byte) string {
	var a [len("x-uniform-type-identifier")]byte
	if len(name) > len(a) {
		return ""
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		a[i] = c
	}
	switch string(a[:len(name)]) {
	case "subject":
		return "subject"
	case "from":
		return "from"
	case "sender":
		return "sender"
	case "to":
		return "to"
	case "cc":
		return "cc"
	case "date":
		return "date"
	case "message-id":
		return "message-id"
	case "in-reply-to":
		return "in-reply-to"
	case "x-uniform-type-identifier":
		return "x-uniform-type-identifier"
	case "references":
		return "references"
	}
	return ""
}

func displayList(list []mime.Address) string {
	if len(list) == 1 {
		return mime.Display(list[0].String(), maxDisplay)
	}
	var b strings.Builder
	for _, a := range list {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.String())
		if b.Len() > maxDisplay {
			break
		}
	}
	return mime.Display(b.String(), maxDisplay)
}

// messageIDs finds the msg-ids of RFC 5322 3.6.4 in a value; of more than max the last ones, which are the nearest, and the first.
func messageIDs(value []byte, max int) []string {
	var out []string
	v := mime.Unfold(value)
	for len(out) < 10*maxReferences {
		open := bytes.IndexByte(v, '<')
		if open < 0 {
			break
		}
		end := bytes.IndexByte(v[open:], '>')
		if end < 0 {
			break
		}
		id := v[open : open+end+1]
		v = v[open+end+1:]
		if len(id) > 2 && len(id) <= maxID {
			out = append(out, mime.Guess(bytes.Join(bytes.Fields(id), nil)))
		}
	}
	if len(out) == 0 && max == 1 { // an id without its brackets
		if f := bytes.Fields(value); len(f) == 1 && len(f[0]) <= maxID-2 {
			out = []string{"<" + mime.Guess(f[0]) + ">"}
		}
	}
	if len(out) > max {
		out = append(out[:1:1], out[len(out)-max+1:]...)
	}
	return out
}

func bound(s string, max int) string {
	if len(s) <= max {
		return s
	}
	for max > 0 && !utf8.RuneStart(s[max]) {
		max--
	}
	return s[:max]
}

// reader collects the text of a message and the leaves that are attachments.
type reader struct {
	m           *mime.Message
	children    [][]int
	attachments []gw.Part
	problem     string
}

// readText returns the text to read (RFC 2046 5.1: of alternatives the plain one) and the other leaves.
func readText(m *mime.Message) (string, []gw.Part) {
	r := reader{m: m}
	if len(m.Parts) > 1 {
		r.children = make([][]int, len(m.Parts))
		for i := 1; i < len(m.Parts); i++ {
			p := m.Parts[i].Parent
			r.children[p] = append(r.children[p], i)
		}
	}
	text := r.part(0, maxText, false)
	if m.Problem == "" {
		m.Problem = r.problem
	}
	return strings.TrimRight(bound(text, maxText), "\n"), r.attachments
}

// part returns the text of part i and below. related tells that its parent shows it inside another part.
func (r *reader) part(i, max int, related bool) string {
	p := &r.m.Parts[i]
	if !p.Multipart {
		if !r.isText(p) {
			r.attach(i, related)
			return ""
		}
		return r.leaf(i, max)
	}
	kids := r.children[i]
	switch p.Type {
	case "multipart/alternative":
		// The plain text if it says anything, else the first alternative that does. The others are not attachments, unless they
		// are no text at all (an invitation's calendar part).
		text := ""
		for _, k := range kids {
			if c := &r.m.Parts[k]; !c.Multipart && c.Type == "text/plain" && r.isText(c) && strings.TrimSpace(text) == "" {
				text = r.leaf(k, max)
			}
		}
		for _, k := range kids {
			c := &r.m.Parts[k]
			switch silent := strings.TrimSpace(text) == ""; {
			case !c.Multipart && !r.isText(c):
				r.attach(k, false)
			case silent && (c.Multipart || c.Type != "text/plain"):
				text = r.part(k, max, false)
			case c.Multipart:
				r.part(k, 0, false) // for its attachments
			}
		}
		return text
	case "multipart/related":
		var b strings.Builder
		for n, k := range kids {
			t := r.part(k, max-b.Len(), n > 0)
			join(&b, t)
		}
		return b.String()
	}
	var b strings.Builder
	for _, k := range kids {
		join(&b, r.part(k, max-b.Len(), false))
	}
	return b.String()
}

func join(b *strings.Builder, t string) {
	if t == "" {
		return
	}
	if b.Len() > 0 {
		b.WriteString("\n\n")
	}
	b.WriteString(t)
}

// isText tells whether a leaf is to be read with the message and no attachment.
func (r *reader) isText(p *mime.Part) bool {
	return readable(p.Type) && (p.Parent < 0 || p.Disposition() != "attachment" && p.FileName() == "")
}

// readable tells the media types that are shown as the message's text.
func readable(mediaType string) bool {
	switch mediaType {
	case "text/plain", "text/html", "text/enriched", "text/richtext":
		return true
	}
	return false
}

func (r *reader) leaf(i, max int) string {
	if max <= 0 {
		return ""
	}
	p := &r.m.Parts[i]
	body := r.m.Content(i)
	if limit := 8 * maxText; len(body) > limit {
		body = body[:limit]
	}
	decoded, problem := mime.DecodeBody(p.Encoding, body)
	if problem != "" && r.problem == "" {
		r.problem = problem + " in part " + r.m.Path(i)
	}
	if p.Type == "text/plain" {
		return bound(p.PlainText(decoded), max)
	}
	return mime.Lines(htmltext.Text(mime.Decode(p.Param("charset"), decoded), max))
}

func (r *reader) attach(i int, related bool) {
	p := &r.m.Parts[i]
	disposition := p.Disposition()
	r.attachments = append(r.attachments, gw.Part{
		Path:     r.m.Path(i),
		Type:     p.Type,
		Name:     mime.Display(p.FileName(), 255),
		Size:     int64(p.End - p.Body),
		Inline:   disposition == "inline" || disposition == "" && (related || p.ContentID() != "" && strings.HasPrefix(p.Type, "image/")),
		Encoding: p.Encoding,
	})
}
