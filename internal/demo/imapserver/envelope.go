package imapserver

import (
	"bytes"
	"strconv"
	"strings"
)

// out builds answers.
type out struct{ bytes.Buffer }

// str writes a string: quoted where it can be, else a literal.
func (o *out) str(s string) {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= 0x7f || len(s) > 1000 {
			o.WriteString("{" + strconv.Itoa(len(s)) + "}\r\n" + s)
			return
		}
	}
	o.WriteString(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`)
}

// nstr writes a string, or NIL where there is none.
func (o *out) nstr(s string) {
	if s == "" {
		o.WriteString("NIL")
		return
	}
	o.str(s)
}

// envelope writes ENVELOPE (RFC 9051 7.5.2).
func (o *out) envelope(p *part) {
	from := p.value("From")
	or := func(name string) string {
		if v := p.value(name); v != "" {
			return v
		}
		return from
	}
	o.WriteByte('(')
	o.nstr(p.value("Date"))
	o.WriteByte(' ')
	o.nstr(p.value("Subject"))
	for _, v := range []string{from, or("Sender"), or("Reply-To"), p.value("To"), p.value("Cc"), p.value("Bcc")} {
		o.WriteByte(' ')
		o.addresses(parseAddresses(v))
	}
	o.WriteByte(' ')
	o.nstr(p.value("In-Reply-To"))
	o.WriteByte(' ')
	o.nstr(p.value("Message-ID"))
	o.WriteByte(')')
}

// address is one address, or the start (host "") or the end (mailbox "" too) of a group.
type address struct{ name, mailbox, host string }

func (o *out) addresses(as []address) {
	if len(as) == 0 {
		o.WriteString("NIL")
		return
	}
	o.WriteByte('(')
	for _, a := range as {
		o.WriteByte('(')
		o.nstr(a.name)
		o.WriteString(" NIL ")
		o.nstr(a.mailbox)
		o.WriteByte(' ')
		o.nstr(a.host)
		o.WriteByte(')')
	}
	o.WriteByte(')')
}

// parseAddresses reads an address list leniently: what cannot be read becomes a mailbox without host or is left out.
func parseAddresses(v string) []address {
	var all []address
	v = dropComments(v)
	var phrase, addr strings.Builder
	angle, group := false, false
	flush := func() {
		name, spec := strings.TrimSpace(phrase.String()), strings.TrimSpace(addr.String())
		phrase.Reset()
		addr.Reset()
		angle = false
		if spec == "" {
			name, spec = "", name
		}
		if i := strings.LastIndexByte(spec, ':'); strings.HasPrefix(spec, "@") && i >= 0 { // a source route
			spec = spec[i+1:]
		}
		if spec == "" || len(all) >= 1000 {
			return
		}
		box, host := spec, ""
		if i := strings.LastIndexByte(spec, '@'); i >= 0 {
			box, host = spec[:i], spec[i+1:]
		}
		if host == "" { // a host is what tells an address from a group
			host = ".MISSING-HOST-NAME."
		}
		all = append(all, address{name, strings.ReplaceAll(box, " ", ""), host})
	}
	for v != "" {
		c := v[0]
		switch {
		case c == '"':
			var s string
			s, v = unquote(v)
			if angle {
				addr.WriteString(s)
			} else {
				phrase.WriteString(s)
			}
			continue
		case c == '<':
			angle = true
			addr.Reset()
		case c == '>' && angle:
			angle = false
		case c == ',' && !angle:
			flush()
		case c == ':' && !angle && !group:
			all = append(all, address{mailbox: strings.TrimSpace(phrase.String())})
			phrase.Reset()
			group = true
		case c == ';' && !angle && group:
			flush()
			all = append(all, address{})
			group = false
		case angle:
			addr.WriteByte(c)
		case c == ' ' || c == '\t':
			if s := phrase.String(); s != "" && !strings.HasSuffix(s, " ") {
				phrase.WriteByte(' ')
			}
		default:
			phrase.WriteByte(c)
		}
		v = v[1:]
	}
	flush()
	if group {
		all = append(all, address{})
	}
	return all
}

// bodyStructure writes BODYSTRUCTURE, or BODY without the extensions (RFC 9051 7.5.2).
func (o *out) bodyStructure(p *part, extended bool) {
	o.WriteByte('(')
	defer o.WriteByte(')')
	if len(p.parts) > 0 {
		for _, c := range p.parts {
			o.bodyStructure(c, extended)
		}
		o.WriteByte(' ')
		o.str(p.sub)
		if extended {
			o.WriteByte(' ')
			o.params(p.params)
			o.extension(p)
		}
		return
	}
	o.str(p.typ)
	o.WriteByte(' ')
	o.str(p.sub)
	o.WriteByte(' ')
	if p.typ == "text" && p.param("charset") == "" {
		o.params(append([]param{{"charset", "us-ascii"}}, p.params...))
	} else {
		o.params(p.params)
	}
	o.WriteByte(' ')
	o.nstr(p.value("Content-ID"))
	o.WriteByte(' ')
	o.nstr(p.value("Content-Description"))
	o.WriteByte(' ')
	enc := p.value("Content-Transfer-Encoding")
	if enc == "" {
		enc = "7bit"
	}
	o.str(strings.ToLower(strings.TrimSpace(dropComments(enc))))
	o.WriteString(" " + strconv.Itoa(len(p.body)))
	if p.message != nil {
		o.WriteByte(' ')
		o.envelope(p.message)
		o.WriteByte(' ')
		o.bodyStructure(p.message, extended)
	}
	if p.message != nil || p.typ == "text" {
		o.WriteString(" " + strconv.Itoa(countLines(p.body)))
	}
	if extended {
		o.WriteByte(' ')
		o.nstr(p.value("Content-MD5"))
		o.extension(p)
	}
}

func countLines(b []byte) int {
	n := bytes.Count(b, []byte("\n"))
	if len(b) > 0 && b[len(b)-1] != '\n' {
		n++
	}
	return n
}

func (o *out) params(ps []param) {
	if len(ps) == 0 {
		o.WriteString("NIL")
		return
	}
	o.WriteByte('(')
	for i, p := range ps {
		if i > 0 {
			o.WriteByte(' ')
		}
		o.str(p.name)
		o.WriteByte(' ')
		o.str(p.value)
	}
	o.WriteByte(')')
}

// extension writes disposition, language and location.
func (o *out) extension(p *part) {
	o.WriteByte(' ')
	if v := p.value("Content-Disposition"); v != "" {
		d, params := contentType(v)
		o.WriteByte('(')
		o.str(d)
		o.WriteByte(' ')
		o.params(params)
		o.WriteByte(')')
	} else {
		o.WriteString("NIL")
	}
	o.WriteByte(' ')
	if langs := strings.FieldsFunc(p.value("Content-Language"), func(r rune) bool { return r == ',' || r == ' ' }); len(langs) > 0 {
		o.WriteByte('(')
		for i, l := range langs {
			if i > 0 {
				o.WriteByte(' ')
			}
			o.str(l)
		}
		o.WriteByte(')')
	} else {
		o.WriteString("NIL")
	}
	o.WriteByte(' ')
	o.nstr(p.value("Content-Location"))
}
