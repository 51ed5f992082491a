package contentline

import (
	"bytes"
	"strings"
)

// Name returns the property's name in upper case, "" for a line that is no property.
func (l *Line) Name() string { return l.name }

// Value returns the raw value, unfolded, still escaped.
func (l *Line) Value() string { return string(l.value) }

// Text returns the value of type TEXT without its escapes (RFC 5545 3.3.11, RFC 6350 3.4).
func (l *Line) Text() string { return Unescape(string(l.value)) }

// Param returns the first value of a parameter (name in upper case), without quotes and RFC 6868 escapes; "" when absent.
func (l *Line) Param(name string) string {
	for _, v := range l.ParamValues(name) {
		return v
	}
	return ""
}

// ParamValues returns all values of a parameter; vCard 2.1's bare words ("TEL;HOME;VOICE:") count as values of TYPE.
func (l *Line) ParamValues(name string) []string {
	var out []string
	for p := range splitQuoted(string(l.params), ';') {
		if p == "" {
			continue
		}
		key, val, ok := strings.Cut(p, "=")
		if !ok {
			switch up := strings.ToUpper(strings.TrimSpace(p)); up {
			case "QUOTED-PRINTABLE", "BASE64", "8BIT", "7BIT":
				key, val = "ENCODING", up
			default:
				key, val = "TYPE", p
			}
		}
		if !strings.EqualFold(strings.TrimSpace(key), name) {
			continue
		}
		for v := range splitQuoted(val, ',') {
			out = append(out, unescapeParam(strings.Trim(strings.TrimSpace(v), `"`)))
		}
	}
	return out
}

// splitQuoted splits at sep outside double quotes.
func splitQuoted(s string, sep byte) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		quoted, start := false, 0
		for i := 0; i <= len(s); i++ {
			if i == len(s) || s[i] == sep && !quoted {
				if !yield(s[start:i]) {
					return
				}
				start = i + 1
			} else if s[i] == '"' {
				quoted = !quoted
			}
		}
	}
}

// RFC 6868 3.1.
func unescapeParam(s string) string {
	if strings.IndexByte(s, '^') < 0 {
		return s
	}
	return strings.NewReplacer("^^", "^", "^n", "\n", "^'", `"`).Replace(s)
}

func escapeParam(s string) string {
	s = strings.NewReplacer("^", "^^", "\r\n", "^n", "\n", "^n", `"`, "^'").Replace(clean(s))
	if strings.ContainsAny(s, ":;,") {
		return `"` + s + `"`
	}
	return s
}

// Escape makes a TEXT value.
func Escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`).Replace(clean(s))
}

// clean takes out control characters that no value may have.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// Unescape undoes Escape, also for the upper-case \N.
func Unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var out strings.Builder
	out.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n', 'N':
			out.WriteByte('\n')
		case '\\', ';', ',', ':', '"':
			out.WriteByte(s[i])
		default: // no escape: some programs write Windows paths
			out.WriteByte('\\')
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

// Fields splits a structured value at sep (";" or ",") outside escapes, each still escaped.
func Fields(s string, sep byte) []string {
	var out []string
	start := 0
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		} else if s[i] == sep {
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

// Components returns the components of that name (upper case) directly inside, in order; "" returns all.
func (c *Component) Components(name string) []*Component { return components(c.Entries, name) }

// Components returns the components of that name at the top, in order; "" returns all.
func (o *Object) Components(name string) []*Component { return components(o.Entries, name) }

func components(list []Entry, name string) []*Component {
	var out []*Component
	for _, e := range list {
		if e.Component != nil && (name == "" || e.Component.Name == name) {
			out = append(out, e.Component)
		}
	}
	return out
}

// Get returns the first property of that name (upper case), nil when absent.
func (c *Component) Get(name string) *Line {
	for _, e := range c.Entries {
		if e.Line != nil && e.Line.name == name {
			return e.Line
		}
	}
	return nil
}

// All returns every property of that name.
func (c *Component) All(name string) []*Line {
	var out []*Line
	for _, e := range c.Entries {
		if e.Line != nil && e.Line.name == name {
			out = append(out, e.Line)
		}
	}
	return out
}

// TextOf returns the TEXT value of the first property of that name, "" when absent.
func (c *Component) TextOf(name string) string {
	if l := c.Get(name); l != nil {
		return l.Text()
	}
	return ""
}

// Line returns the physical line where the component begins.
func (c *Component) Line() int { return c.begin.Number }

// Param is a parameter to write.
type Param struct{ Name, Value string }

// NewLine makes a property from a raw value (already escaped where its type asks for it).
func NewLine(name, value string, params ...Param) *Line {
	l := &Line{name: strings.ToUpper(name), value: []byte(oneLine(value))}
	var b bytes.Buffer
	for _, p := range params {
		b.WriteString(";" + p.Name + "=" + escapeParam(p.Value))
	}
	l.params = b.Bytes()
	return l
}

func oneLine(s string) string {
	return strings.NewReplacer("\r", "", "\n", "").Replace(s)
}

// SetValue changes the raw value of a property; its name, group and parameters stay as they are written.
func (l *Line) SetValue(value string) {
	value = oneLine(value)
	if string(l.value) == value {
		return
	}
	l.remake()
	l.value = []byte(value)
}

// Set makes the first property of that name have a raw value, adding it at the end of the properties when absent.
func (c *Component) Set(name, value string) *Line {
	if l := c.Get(name); l != nil {
		l.SetValue(value)
		return l
	}
	l := NewLine(name, value)
	c.Add(l)
	return l
}

// Add puts a property behind the component's last property, before its sub-components.
func (c *Component) Add(l *Line) {
	at := 0
	for i, e := range c.Entries {
		if e.Line != nil && !e.Line.bad {
			at = i + 1
		}
		if e.Component != nil {
			break
		}
	}
	c.Entries = append(c.Entries[:at:at], append([]Entry{{Line: l}}, c.Entries[at:]...)...)
}

// AddFirst puts a property right behind BEGIN.
func (c *Component) AddFirst(l *Line) {
	c.Entries = append([]Entry{{Line: l}}, c.Entries...)
}

// With returns a component with the same BEGIN and END and other entries. Nothing is copied: a change to a line shows in both.
func (c *Component) With(entries []Entry) *Component {
	return &Component{Name: c.Name, Entries: entries, begin: c.begin, end: c.end}
}

// With returns an object with the same line ends and other entries.
func (o *Object) With(entries []Entry) *Object { return &Object{Entries: entries, eol: o.eol} }

// NewComponent makes an empty component.
func NewComponent(name string) *Component {
	name = strings.ToUpper(name)
	return &Component{Name: name, begin: NewLine("BEGIN", name), end: NewLine("END", name)}
}

// NewObject makes an object of components, with CRLF line ends.
func NewObject(list ...*Component) *Object {
	o := &Object{eol: "\r\n"}
	for _, c := range list {
		o.Entries = append(o.Entries, Entry{Component: c})
	}
	return o
}

// Remove takes out every property of that name and tells how many there were.
func (c *Component) Remove(name string) int {
	n := len(c.Entries)
	kept := c.Entries[:0:0]
	for _, e := range c.Entries {
		if e.Line == nil || e.Line.name != name {
			kept = append(kept, e)
		}
	}
	c.Entries = kept
	return n - len(kept)
}
