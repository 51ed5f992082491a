package format

import (
	"strconv"
	"strings"
	"time"

	"outpost/internal/format/contentline"
	"outpost/internal/format/mime"
	gw "outpost/internal/groupware"
)

// deriveCard reads a vCard (RFC 6350; RFC 2426; vCard 2.1).
func deriveCard(raw []byte) Derived {
	d := Derived{Kind: gw.KindContact}
	o, err := contentline.Parse(raw)
	if err != nil {
		d.Problem = err.Error()
	}
	if o == nil {
		return d
	}
	cards := o.Components("VCARD")
	if len(cards) == 0 {
		d.problem("there is no VCARD in it")
		return d
	}
	c := cards[0]
	if isGroup(c) {
		d.Kind = gw.KindList
	}
	d.Subject = mime.Display(cardName(c), maxDisplay)
	d.MessageID = mime.Display(strings.TrimSpace(text(c, "UID")), maxID)
	if l := c.Get("REV"); l != nil {
		var ok bool
		if d.Date, ok = revision(l.Value()); !ok {
			d.problem("REV in line " + itoa(l.Number) + " is no date: " + short(l.Value()))
		}
	}
	var b strings.Builder
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" && b.Len() < maxText {
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(s)
		}
	}
	for _, e := range c.Entries {
		l := e.Line
		if l == nil {
			continue
		}
		switch l.Name() {
		case "EMAIL":
			addr := strings.TrimSpace(cardText(l))
			add(addr)
			if d.FromAddr == "" && addr != "" {
				d.From = mime.Display(mime.Address{Name: d.Subject, Addr: addr}.String(), maxDisplay)
				d.FromAddr = mime.Display(strings.ToLower(addr), maxDisplay)
			}
		case "TEL":
			add(strings.TrimPrefix(cardText(l), "tel:"))
		case "ADR", "ORG":
			add(structured(l))
		case "NICKNAME", "TITLE", "ROLE", "NOTE", "URL", "IMPP", "CATEGORIES", "LABEL", "RELATED":
			add(cardText(l))
		case "N":
			if name := nameOfParts(c); name != d.Subject {
				add(name)
			}
		}
	}
	d.Text = bound(mime.Lines(strings.ToValidUTF8(b.String(), "\uFFFD")), maxText)
	return d
}

// isGroup tells a distribution list: RFC 6350 6.1.4, and what Apple's programs wrote before it.
func isGroup(c *contentline.Component) bool {
	return strings.EqualFold(strings.TrimSpace(text(c, "KIND")), "group") ||
		strings.EqualFold(strings.TrimSpace(text(c, "X-ADDRESSBOOKSERVER-KIND")), "group")
}

// cardName returns FN, or what else names the card.
func cardName(c *contentline.Component) string {
	if fn := strings.TrimSpace(text(c, "FN")); fn != "" {
		return fn
	}
	if n := nameOfParts(c); n != "" {
		return n
	}
	for _, name := range []string{"ORG", "NICKNAME", "EMAIL"} {
		if l := c.Get(name); l != nil {
			if s := structured(l); s != "" {
				return s
			}
		}
	}
	return ""
}

// nameOfParts writes N (RFC 6350 6.2.2) as a person would: prefix, given, additional, family name, suffix.
func nameOfParts(c *contentline.Component) string {
	l := c.Get("N")
	if l == nil {
		return ""
	}
	f := contentline.Fields(decodedValue(l), ';')
	var words []string
	for _, i := range []int{3, 1, 2, 0, 4} {
		if i < len(f) {
			if w := strings.TrimSpace(contentline.Unescape(f[i])); w != "" {
				words = append(words, w)
			}
		}
	}
	return strings.Join(words, " ")
}

// structured joins the filled components of a structured value.
func structured(l *contentline.Line) string {
	var words []string
	for _, f := range contentline.Fields(decodedValue(l), ';') {
		if w := strings.TrimSpace(contentline.Unescape(f)); w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, ", ")
}

// cardText returns a TEXT value, of vCard 2.1 also one in quoted-printable or another charset.
func cardText(l *contentline.Line) string { return contentline.Unescape(decodedValue(l)) }

// decodedValue undoes vCard 2.1's ENCODING=QUOTED-PRINTABLE and CHARSET; the value is still escaped.
func decodedValue(l *contentline.Line) string {
	v := []byte(l.Value())
	if strings.EqualFold(l.Param("ENCODING"), "QUOTED-PRINTABLE") {
		v, _ = mime.DecodeBody("quoted-printable", v)
	}
	if cs := l.Param("CHARSET"); cs != "" {
		return mime.Decode(cs, v)
	}
	return mime.Guess(v)
}

// revision reads REV: a timestamp in basic or extended form (RFC 6350 4.3.5, RFC 2426 3.6.4), or a date.
func revision(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{"20060102T150405Z", time.RFC3339Nano, "20060102T150405Z07", "20060102T150405Z0700", "20060102T150405",
		"2006-01-02T15:04:05", "20060102T150405.999Z", "2006-01-02", "20060102"} {
		if t, err := time.Parse(layout, s); err == nil && mime.SafeYear(t) {
			return t, true
		}
	}
	return time.Time{}, false
}

func itoa(n int) string { return strconv.Itoa(n) }
