package format

import (
	"strings"

	"outpost/internal/format/contentline"
	"outpost/internal/format/mime"
	gw "outpost/internal/groupware"
)

// deriveCard reads a vCard (RFC 6350, RFC 2426, vCard 2.1).
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
		if d.Problem == "" {
			d.Problem = "no VCARD in it"
		}
		return d
	}
	c := cards[0]
	if strings.EqualFold(c.TextOf("KIND"), "group") || strings.EqualFold(c.TextOf("X-ADDRESSBOOKSERVER-KIND"), "group") {
		d.Kind = gw.KindList
	}
	d.Subject = mime.Display(c.TextOf("FN"), maxDisplay)
	d.MessageID = mime.Display(c.TextOf("UID"), maxID)
	var text strings.Builder
	for _, e := range c.Entries {
		if e.Line == nil {
			continue
		}
		switch e.Line.Name() {
		case "EMAIL":
			if d.FromAddr == "" {
				a := mime.Address{Name: d.Subject, Addr: strings.TrimSpace(e.Line.Text())}
				d.From = mime.Display(a.String(), maxDisplay)
				d.FromAddr = mime.Display(strings.ToLower(a.Addr), maxDisplay)
			}
			fallthrough
		case "TEL", "NOTE", "ORG", "TITLE", "ADR":
			if text.Len() > 0 {
				text.WriteByte('\n')
			}
			text.WriteString(e.Line.Text())
		}
	}
	d.Text = bound(mime.Lines(text.String()), maxText)
	return d
}
