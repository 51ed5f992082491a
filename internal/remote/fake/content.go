package fake

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"strings"

	"golang.org/x/text/encoding/htmlindex"

	"outpost/internal/groupware"
)

// messageID returns the Message-ID of a message as it stands in its header.
func messageID(raw []byte) string {
	head, _ := split(raw)
	return strings.TrimSpace(parseHeader(head).Get("Message-Id"))
}

// split parts a message after the empty line that ends its header block.
func split(raw []byte) (head, body []byte) {
	at := 0
	for at < len(raw) {
		n := bytes.IndexByte(raw[at:], '\n')
		if n < 0 {
			return raw, nil
		}
		line := raw[at : at+n+1]
		at += n + 1
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			return raw[:at], raw[at:]
		}
	}
	return raw, nil
}

// parseHeader reads fields as far as they are fields.
func parseHeader(head []byte) textproto.MIMEHeader {
	h := textproto.MIMEHeader{}
	key := ""
	for line := range strings.SplitSeq(strings.ReplaceAll(string(head), "\r\n", "\n"), "\n") {
		if line != "" && (line[0] == ' ' || line[0] == '\t') {
			if v := h[key]; len(v) > 0 {
				v[len(v)-1] += line
			}
			continue
		}
		if k, v, ok := strings.Cut(line, ":"); ok {
			key = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(k))
			h.Add(key, strings.TrimSpace(v))
		}
	}
	return h
}

// partial returns what remote.PartText asks for, nil for a message that is to be read whole.
func partial(raw []byte) *groupware.Partial {
	head, body := split(raw)
	kind, params, err := mime.ParseMediaType(parseHeader(head).Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") || kind == "multipart/signed" || kind == "multipart/encrypted" {
		return nil
	}
	p := &groupware.Partial{Header: bytes.Clone(head), Size: int64(len(raw))}
	html := ""
	walk(p, &html, "", body, params["boundary"], 0)
	if p.Text == "" {
		p.Text = html
	}
	return p
}

func walk(p *groupware.Partial, html *string, prefix string, body []byte, boundary string, depth int) {
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for n := 1; depth < 20 && n < 1000; n++ {
		part, err := r.NextRawPart()
		if err != nil {
			return
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return
		}
		at := fmt.Sprintf("%s%d", prefix, n)
		kind, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil {
			kind = "text/plain"
		}
		if strings.HasPrefix(kind, "multipart/") {
			walk(p, html, at+".", content, params["boundary"], depth+1)
			continue
		}
		disposition, dp, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
		name := dp["filename"]
		if name == "" {
			name = params["name"]
		}
		if decoded, err := new(mime.WordDecoder).DecodeHeader(name); err == nil {
			name = decoded
		}
		leaf := groupware.Part{Path: at, Type: kind, Name: name, Size: int64(len(content)), Inline: disposition == "inline",
			Encoding: strings.ToLower(part.Header.Get("Content-Transfer-Encoding"))}
		p.Parts = append(p.Parts, leaf)
		if disposition == "attachment" {
			continue
		}
		switch {
		case kind == "text/plain" && p.Text == "":
			p.Text = decode(content, leaf.Encoding, params["charset"])
		case kind == "text/html" && *html == "":
			*html = withoutTags(decode(content, leaf.Encoding, params["charset"]))
		}
	}
}

func decode(content []byte, encoding, charset string) string {
	var r io.Reader = bytes.NewReader(content)
	switch encoding {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	if e, err := htmlindex.Get(charset); err == nil {
		r = e.NewDecoder().Reader(r)
	}
	out, _ := io.ReadAll(r)
	return strings.ToValidUTF8(string(out), "\uFFFD")
}

func withoutTags(html string) string {
	var b strings.Builder
	in := false
	for _, r := range html {
		switch {
		case r == '<':
			in = true
		case r == '>':
			in = false
		case !in:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// kindOf tells what a calendar object or vCard is by its first component; "" when it is neither.
func kindOf(raw []byte) groupware.Kind {
	text := strings.ToUpper(string(raw))
	switch {
	case strings.Contains(text, "BEGIN:VEVENT"):
		return groupware.KindEvent
	case strings.Contains(text, "BEGIN:VTODO"):
		return groupware.KindTask
	case strings.Contains(text, "BEGIN:VJOURNAL"):
		return groupware.KindNote
	case strings.Contains(text, "BEGIN:VCARD"):
		return groupware.KindContact
	}
	return ""
}

// uidOf returns the first UID of a calendar object or vCard.
func uidOf(raw []byte) string { return parseHeader(raw).Get("Uid") }

// rewrite is how a server that rewrites changes an object: a property of its own before the object's end. What was rewritten
// once stays as it is.
func rewrite(raw []byte) []byte {
	if bytes.Contains(raw, []byte("X-REWRITTEN:")) {
		return raw
	}
	at := bytes.LastIndex(raw, []byte("END:"))
	if at < 0 {
		return raw
	}
	return append(append(bytes.Clone(raw[:at]), "X-REWRITTEN:1\r\n"...), raw[at:]...)
}
