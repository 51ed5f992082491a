package imapserver

import (
	"bytes"
	"strings"
)

// Bounds of a message's structure; what is beyond is part of the text around it.
const (
	maxParts     = 1000
	maxPartDepth = 30
)

// part is a node of a message's structure. Its bytes are slices of the message, so that every section is byte-exact.
type part struct {
	header   []byte // with the empty line that ends it
	body     []byte
	typ, sub string // lower case
	params   []param
	fields   []field
	parts    []*part // of a multipart
	message  *part   // of a message/rfc822
}

type field struct {
	name string // as written
	raw  []byte // the whole field with its line ends
}

// value returns the first field of that name, unfolded.
func (p *part) value(name string) string {
	for _, f := range p.fields {
		if strings.EqualFold(f.name, name) {
			return f.value()
		}
	}
	return ""
}

func (f field) value() string {
	_, v, _ := bytes.Cut(f.raw, []byte(":"))
	return strings.TrimSpace(strings.NewReplacer("\r\n", "", "\n", "", "\r", "").Replace(string(v)))
}

// splitHeader cuts a message after the empty line that ends its header.
func splitHeader(raw []byte) (header, body []byte) {
	for i := 0; i < len(raw); {
		n := bytes.IndexByte(raw[i:], '\n')
		if n < 0 {
			break
		}
		if line := raw[i : i+n]; len(bytes.TrimSuffix(line, []byte("\r"))) == 0 {
			return raw[:i+n+1], raw[i+n+1:]
		}
		i += n + 1
	}
	return raw, nil
}

// headerFields cuts a header into its fields. Lines that are no field (an mbox "From " line) belong to none.
func headerFields(header []byte) []field {
	var out []field
	for len(header) > 0 {
		n := bytes.IndexByte(header, '\n') + 1
		if n == 0 {
			n = len(header)
		}
		line := header[:n]
		if line[0] == ' ' || line[0] == '\t' {
			if len(out) > 0 {
				last := &out[len(out)-1]
				last.raw = last.raw[:len(last.raw)+n]
			}
		} else if i := bytes.IndexByte(line, ':'); i > 0 && !bytes.ContainsAny(line[:i], " \t") {
			out = append(out, field{string(line[:i]), line})
		} else if i := bytes.IndexByte(line, ':'); i > 0 && len(bytes.TrimRight(line[:i], " \t")) > 0 && !bytes.ContainsAny(bytes.TrimRight(line[:i], " \t"), " \t") {
			out = append(out, field{string(bytes.TrimRight(line[:i], " \t")), line})
		}
		header = header[n:]
	}
	return out
}

// parseMessage finds the structure of a message.
func parseMessage(raw []byte) *part {
	budget := maxParts
	return parsePart(raw, "text/plain", maxPartDepth, &budget)
}

func parsePart(raw []byte, defaultType string, depth int, budget *int) *part {
	p := &part{}
	p.header, p.body = splitHeader(raw)
	p.fields = headerFields(p.header)
	p.setType(defaultType)
	*budget--
	if depth == 0 || *budget <= 0 {
		p.plain()
		return p
	}
	switch {
	case p.typ == "multipart":
		inner := "text/plain"
		if p.sub == "digest" {
			inner = "message/rfc822"
		}
		for _, b := range splitMultipart(p.body, p.param("boundary"), *budget) {
			p.parts = append(p.parts, parsePart(b, inner, depth-1, budget))
		}
		if len(p.parts) == 0 { // no boundary to be found: IMAP has no empty multipart
			p.plain()
		}
	case p.typ == "message" && (p.sub == "rfc822" || p.sub == "global"):
		if enc := strings.ToLower(p.value("Content-Transfer-Encoding")); enc != "base64" && enc != "quoted-printable" {
			p.message = parsePart(p.body, "text/plain", depth-1, budget)
		} else {
			p.typ, p.sub = "application", "octet-stream"
		}
	}
	return p
}

func (p *part) setType(defaultType string) {
	v := p.value("Content-Type")
	if v == "" {
		v = defaultType
	}
	t, params := contentType(v)
	typ, sub, ok := strings.Cut(t, "/")
	if !ok || typ == "" || sub == "" {
		typ, sub = "text", "plain"
	}
	p.typ, p.sub, p.params = typ, sub, params
}

func (p *part) plain() {
	if p.typ == "multipart" || p.typ == "message" {
		p.typ, p.sub, p.params = "text", "plain", nil
	}
}

// param is a parameter of a header field, as written (RFC 2231 forms are the client's to decode).
type param struct{ name, value string }

// contentType reads a media type or disposition, lower-cased, and its parameters, as far as they can be read.
func contentType(v string) (string, []param) {
	v = dropComments(v)
	t, rest, _ := strings.Cut(v, ";")
	var params []param
	for rest != "" && len(params) < 100 {
		var name, value string
		name, rest, _ = strings.Cut(rest, "=")
		if i := strings.LastIndexByte(name, ';'); i >= 0 {
			name = name[i+1:]
		}
		rest = strings.TrimLeft(rest, " \t")
		if strings.HasPrefix(rest, `"`) {
			value, rest = unquote(rest)
			_, rest, _ = strings.Cut(rest, ";")
		} else {
			value, rest, _ = strings.Cut(rest, ";")
			value = strings.TrimSpace(value)
		}
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			params = append(params, param{name, value})
		}
	}
	return strings.ToLower(strings.TrimSpace(t)), params
}

// unquote reads the quoted string that s begins with.
func unquote(s string) (value, rest string) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// dropComments removes comments in parentheses that are not in a quoted string.
func dropComments(s string) string {
	if !strings.Contains(s, "(") {
		return s
	}
	var b strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			if depth == 0 {
				b.WriteString(s[i : i+2])
			}
			i++
			continue
		case c == '"' && depth == 0:
			quoted = !quoted
		case c == '(' && !quoted:
			depth++
			continue
		case c == ')' && depth > 0:
			depth--
			continue
		}
		if depth == 0 {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func (p *part) param(name string) string {
	for _, x := range p.params {
		if x.name == name {
			return x.value
		}
	}
	return ""
}

// splitMultipart cuts a multipart's body at its boundary (RFC 2046 5.1.1); the line end before a boundary belongs to it.
func splitMultipart(body []byte, boundary string, limit int) [][]byte {
	if boundary == "" {
		return nil
	}
	var out [][]byte
	mark, start := []byte("--"+boundary), -1
	cut := func(end int) {
		if start >= 0 {
			b := body[start:max(start, end)]
			b = bytes.TrimSuffix(b, []byte("\n"))
			out = append(out, bytes.TrimSuffix(b, []byte("\r")))
		}
	}
	for i := 0; i < len(body); {
		n := bytes.IndexByte(body[i:], '\n') + 1
		if n == 0 {
			n = len(body) - i
		}
		if line := body[i : i+n]; bytes.HasPrefix(line, mark) {
			rest := string(bytes.TrimRight(line[len(mark):], " \t\r\n"))
			if rest == "" || rest == "--" {
				cut(i)
				start = i + n
				if rest == "--" {
					return out
				}
				if len(out) >= limit {
					return out
				}
			}
		}
		i += n
	}
	if start >= 0 && start < len(body) {
		out = append(out, body[start:]) // the closing boundary is missing
	}
	return out
}

// find returns the part with that number path, as BODY[1.2] counts (RFC 9051 6.4.5.1).
func (p *part) find(path []int) *part {
	for i, n := range path {
		if i > 0 && p.message != nil {
			p = p.message
		} else if i > 0 && p.typ != "multipart" {
			return nil
		}
		if p.typ == "multipart" {
			if n > len(p.parts) {
				return nil
			}
			p = p.parts[n-1]
		} else if n != 1 {
			return nil
		}
	}
	return p
}
