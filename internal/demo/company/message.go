package company

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"html"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"

	"golang.org/x/text/encoding/htmlindex"
)

// letter is a message before it is written out.
type letter struct {
	trace       string // the Received line, if it came from outside
	from        Person
	to, cc      []Person
	subject     string
	date        time.Time
	id          string
	references  []string
	headers     []string // further lines, as they are
	text        string
	html        string // "" for plain text only
	charset     string // "" for UTF-8
	inline      []attachment
	invitation  string // an iCalendar object with METHOD
	attachments []attachment
}

type attachment struct {
	name, typ, cid string
	data           []byte
}

// raw writes the message (RFC 5322, 2045).
func (l *letter) raw() []byte {
	var b bytes.Buffer
	line := func(name, value string) { b.WriteString(fold(name+": "+value) + "\r\n") }
	if l.trace != "" {
		b.WriteString(fold(l.trace) + "\r\n")
	}
	line("From", address(l.from))
	line("To", addresses(l.to))
	if len(l.cc) > 0 {
		line("Cc", addresses(l.cc))
	}
	line("Subject", l.words(l.subject))
	line("Date", l.date.Format("Mon, 2 Jan 2006 15:04:05 -0700"))
	line("Message-ID", l.id)
	if len(l.references) > 0 {
		line("In-Reply-To", l.references[len(l.references)-1])
		line("References", strings.Join(l.references, " "))
	}
	for _, h := range l.headers {
		b.WriteString(fold(h) + "\r\n")
	}
	b.WriteString("MIME-Version: 1.0\r\n")
	b.Write(l.body())
	return b.Bytes()
}

// body returns the content with its header: the text, wrapped in what the letter has besides.
func (l *letter) body() []byte {
	inner := textPart("plain", l.text, l.charset, "")
	if l.html != "" {
		rich := textPart("html", l.html, l.charset, "")
		if len(l.inline) > 0 {
			parts := [][]byte{rich}
			for _, a := range l.inline {
				parts = append(parts, a.part())
			}
			rich = l.multipart("related", parts)
		}
		inner = l.multipart("alternative", [][]byte{inner, rich})
	}
	if l.invitation != "" {
		_, method, _ := strings.Cut(l.invitation, "METHOD:")
		method, _, _ = strings.Cut(method, "\r\n")
		inner = l.multipart("alternative", [][]byte{inner, textPart("calendar", l.invitation, "", "; method="+method)})
	}
	if len(l.attachments) == 0 {
		return inner
	}
	parts := [][]byte{inner}
	for _, a := range l.attachments {
		parts = append(parts, a.part())
	}
	return l.multipart("mixed", parts)
}

func (l *letter) multipart(kind string, parts [][]byte) []byte {
	h := fnv.New64a()
	h.Write([]byte(l.id + kind))
	boundary := fmt.Sprintf("=_%s_%016x", kind, h.Sum64())
	var b bytes.Buffer
	fmt.Fprintf(&b, "Content-Type: multipart/%s;\r\n boundary=\"%s\"\r\n\r\n", kind, boundary)
	for _, p := range parts {
		b.WriteString("--" + boundary + "\r\n")
		b.Write(p)
		b.WriteString("\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	return b.Bytes()
}

// textPart writes a text with the lightest encoding that it allows.
func textPart(kind, s, charset, params string) []byte {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
	var b bytes.Buffer
	raw := []byte(s)
	if e, err := htmlindex.Get(charset); err == nil {
		if enc, err := e.NewEncoder().Bytes(raw); err == nil {
			raw = enc
		} else { // quoting somebody whose name the charset does not know
			charset = "utf-8"
		}
	} else {
		charset = "utf-8"
	}
	ascii, long := true, false
	for line := range bytes.Lines(raw) {
		long = long || len(line) > 990
	}
	for _, c := range raw {
		ascii = ascii && c < 0x80
	}
	head := func(enc string) {
		fmt.Fprintf(&b, "Content-Type: text/%s; charset=%s%s\r\nContent-Transfer-Encoding: %s\r\n\r\n", kind, charset, params, enc)
	}
	switch {
	case ascii && !long:
		head("7bit")
		b.Write(raw)
	case strings.HasPrefix(charset, "windows-1256") || kind == "calendar":
		head("base64")
		b.Write(base64Lines(raw))
	default:
		head("quoted-printable")
		q := quotedprintable.NewWriter(&b)
		q.Write(raw)
		q.Close()
	}
	return b.Bytes()
}

func (a attachment) part() []byte {
	var b bytes.Buffer
	name := fmt.Sprintf("\"%s\"", a.name)
	for _, r := range a.name {
		if r >= 0x80 {
			name = ""
		}
	}
	if name != "" {
		fmt.Fprintf(&b, "Content-Type: %s;\r\n name=%s\r\n", a.typ, name)
	} else {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", a.typ)
	}
	disposition := "attachment"
	if a.cid != "" {
		disposition = "inline"
		fmt.Fprintf(&b, "Content-ID: <%s>\r\n", a.cid)
	}
	if name != "" {
		fmt.Fprintf(&b, "Content-Disposition: %s;\r\n filename=%s\r\n", disposition, name)
	} else { // RFC 2231
		fmt.Fprintf(&b, "Content-Disposition: %s;\r\n filename*=utf-8''%s\r\n", disposition, percent(a.name))
	}
	b.WriteString("Content-Transfer-Encoding: base64\r\n\r\n")
	b.Write(base64Lines(a.data))
	return b.Bytes()
}

func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < 0x80 && (c == '-' || c == '.' || c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z') {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func base64Lines(raw []byte) []byte {
	s := base64.StdEncoding.EncodeToString(raw)
	var b bytes.Buffer
	for len(s) > 76 {
		b.WriteString(s[:76] + "\r\n")
		s = s[76:]
	}
	b.WriteString(s + "\r\n")
	return b.Bytes()
}

func (l *letter) words(s string) string {
	if l.charset == "iso-2022-jp" {
		if e, err := htmlindex.Get(l.charset); err == nil {
			if enc, err := e.NewEncoder().String(s); err == nil && enc != s {
				return "=?ISO-2022-JP?B?" + base64.StdEncoding.EncodeToString([]byte(enc)) + "?="
			}
		}
	}
	return encodeWords(s)
}

// encodeWords chooses the shorter of the two encodings.
func encodeWords(s string) string {
	q, b := mime.QEncoding.Encode("utf-8", s), mime.BEncoding.Encode("utf-8", s)
	if len(b) < len(q) {
		return b
	}
	return q
}

func address(p Person) string {
	if p.Name == "" {
		return p.Email
	}
	name := encodeWords(p.Name)
	if name == p.Name && strings.ContainsAny(name, `,.&'"()`) {
		name = `"` + name + `"`
	}
	return name + " <" + p.Email + ">"
}

func addresses(ps []Person) string {
	var out []string
	for _, p := range ps {
		out = append(out, address(p))
	}
	return strings.Join(out, ", ")
}

// fold breaks a header line at spaces.
func fold(s string) string {
	var b strings.Builder
	width := 0
	for i, word := range strings.Split(s, " ") {
		if i > 0 && width+1+len(word) > 76 && width > 12 {
			b.WriteString("\r\n ")
			width = 1
		} else if i > 0 {
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += len(word)
	}
	return b.String()
}

// toHTML makes a page of the little markup that the stories use: "# " headings, "- " lists, **bold**, "| " tables, [cid:x] pictures.
func toHTML(text, accent string) string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head>\n<body style=\"font-family:sans-serif;line-height:1.45;color:#222;max-width:42em\">\n")
	open := ""
	within := func(tag string) {
		if open != tag {
			if open != "" {
				b.WriteString("</" + open + ">\n")
			}
			if tag != "" {
				b.WriteString("<" + tag + ">\n")
			}
			open = tag
		}
	}
	var para []string
	flush := func() {
		if len(para) > 0 {
			b.WriteString("<p>" + strings.Join(para, "<br>\n") + "</p>\n")
			para = nil
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		h := strong(html.EscapeString(line))
		switch {
		case line == "":
			flush()
			within("")
		case strings.HasPrefix(line, "# "):
			flush()
			within("")
			b.WriteString("<h2 style=\"color:" + accent + "\">" + h[2:] + "</h2>\n")
		case strings.HasPrefix(line, "- "):
			flush()
			within("ul")
			b.WriteString("<li>" + h[2:] + "</li>\n")
		case strings.HasPrefix(line, "| "):
			flush()
			within("table")
			b.WriteString("<tr><td style=\"padding:2px 12px 2px 0\">" + strings.Join(strings.Split(h[2:], " | "), "</td><td style=\"padding:2px 12px 2px 0\">") + "</td></tr>\n")
		case strings.HasPrefix(line, "[cid:") && strings.HasSuffix(line, "]"):
			flush()
			within("")
			b.WriteString("<p><img src=\"" + html.EscapeString(line[1:len(line)-1]) + "\" alt=\"\" style=\"max-width:100%\"></p>\n")
		default:
			within("")
			para = append(para, h)
		}
	}
	flush()
	within("")
	b.WriteString("</body></html>\n")
	return b.String()
}

func strong(s string) string {
	for strings.Count(s, "**") >= 2 {
		s = strings.Replace(strings.Replace(s, "**", "<b>", 1), "**", "</b>", 1)
	}
	return s
}

// toPlain drops the markup that plain text does not want.
func toPlain(text string) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		t := strings.ReplaceAll(line, "**", "")
		if strings.HasPrefix(t, "[cid:") {
			continue
		}
		if h, ok := strings.CutPrefix(t, "# "); ok {
			t = strings.ToUpper(h)
		}
		t = strings.TrimPrefix(t, "| ")
		out = append(out, t)
	}
	return strings.Join(out, "\n")
}
