package format

import (
	"fmt"

	"outpost/internal/format/htmltext"
	"outpost/internal/format/mime"
	gw "outpost/internal/groupware"
)

// Leaves lists every leaf of a message in order, its text too; those inside attached messages are not listed, the attached message is.
func Leaves(raw []byte) []gw.Part {
	r := reader{m: mime.Walk(raw)}
	for i := range r.m.Parts {
		if p := &r.m.Parts[i]; !p.Nested && !p.Multipart {
			r.attach(i, p.Parent >= 0 && p.Number > 1 && r.m.Parts[p.Parent].Type == "multipart/related")
		}
	}
	return r.attachments
}

// Content returns the part at an IMAP section ("2.1") and its content without transfer encoding; of text also without charset: it
// is UTF-8. What is broken is read as far as it goes.
func Content(raw []byte, path string) (gw.Part, []byte, error) {
	r := reader{m: mime.Walk(raw)}
	for i := range r.m.Parts {
		p := &r.m.Parts[i]
		if p.Multipart || r.m.Path(i) != path || p.Nested && r.m.Parts[p.Parent].Message && r.m.Path(p.Parent) == path {
			continue
		}
		r.attach(i, false)
		if p.Message {
			return r.attachments[0], r.m.Content(i), nil
		}
		content, _ := mime.DecodeBody(p.Encoding, r.m.Content(i))
		if r.isText(p) && p.Type != "text/html" {
			content = []byte(p.PlainText(content))
		} else if p.Type == "text/html" || p.Type == "text/calendar" {
			content = []byte(mime.Decode(p.Param("charset"), content))
		}
		return r.attachments[0], content, nil
	}
	return gw.Part{}, nil, fmt.Errorf("the message has no part %q", path)
}

// TextOfHTML turns HTML (UTF-8) into text to read, at most max bytes.
func TextOfHTML(s string, max int) string { return mime.Lines(htmltext.Text(s, max)) }
