package contentline

import (
	"bytes"
	"iter"
	"slices"
	"strings"
)

// Params goes over the parameters in order: the name in upper case and the values of one parameter, without quotes and RFC 6868
// escapes. A name can come more than once.
func (l *Line) Params() iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		for p := range splitQuoted(string(l.params), ';') {
			name := paramName(p)
			if name == "" {
				continue
			}
			_, v, ok := strings.Cut(p, "=")
			if !ok {
				v = p
			}
			var values []string
			for x := range splitQuoted(v, ',') {
				values = append(values, unescapeParam(strings.Trim(strings.TrimSpace(x), `"`)))
			}
			if !yield(name, values) {
				return
			}
		}
	}
}

// paramName tells the name of one parameter as it is written; vCard 2.1's bare words are values of TYPE or ENCODING.
func paramName(p string) string {
	key, _, ok := strings.Cut(p, "=")
	key = strings.ToUpper(strings.TrimSpace(key))
	if ok || key == "" {
		return key
	}
	switch key {
	case "QUOTED-PRINTABLE", "BASE64", "8BIT", "7BIT":
		return "ENCODING"
	}
	return "TYPE"
}

// SetParam gives a parameter (name in upper case) these values, none takes it out; the other parameters stay as they are written.
func (l *Line) SetParam(name string, values ...string) {
	if slices.Equal(l.ParamValues(name), values) {
		return
	}
	var set string
	if len(values) > 0 {
		escaped := make([]string, len(values))
		for i, v := range values {
			escaped[i] = escapeParam(v)
		}
		set = ";" + name + "=" + strings.Join(escaped, ",")
	}
	var b bytes.Buffer
	done := false
	for p := range splitQuoted(strings.TrimPrefix(string(l.params), ";"), ';') {
		switch {
		case p == "":
		case paramName(p) != name:
			b.WriteString(";" + p)
		case !done:
			b.WriteString(set)
			done = true
		}
	}
	if !done {
		b.WriteString(set)
	}
	l.remake()
	l.params = b.Bytes()
}

// SetGroup puts the property into another vCard group, "" into none.
func (l *Line) SetGroup(group string) {
	if l.Group != group {
		l.remake()
		l.Group = group
	}
}

// remake gives up the bytes as they were read, but not how the name was written.
func (l *Line) remake() {
	if l.raw != nil {
		b := bytes.TrimPrefix(Unfold(l.raw), []byte("\ufeff"))
		n := 0
		for n < len(b) && isNameChar(b[n]) {
			n++
		}
		name := string(b[:n])
		if k := strings.IndexByte(name, '.'); k >= 0 {
			name = name[k+1:]
		}
		l.written = name
	}
	l.raw = nil
}
