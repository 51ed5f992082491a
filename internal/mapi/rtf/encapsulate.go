package rtf

import (
	"bytes"
	"fmt"
	"html"
	"strconv"
	"strings"

	nethtml "golang.org/x/net/html"
)

// FromHTML writes HTML as RTF that Outlook shows and that OriginalHTML gives back byte for byte, MS-OXRTFEX 2.1.3.1:
// markup, character references and white space that does not show stand in htmltag groups, text that both show stands
// as it is, and what only RTF has (fonts, paragraphs, links) stands where \htmlrtf is on. Bytes that are no UTF-8
// become U+FFFD. The string is Unicode whatever character set it names; RTF takes two to five times its room.
func FromHTML(src string) []byte {
	w := &encapsulator{src: strings.ToValidUTF8(src, "\uFFFD"), fonts: []string{"Arial", "Courier New"}, fresh: true}
	w.now.size = 24
	w.want = w.now
	w.body.Grow(2 * len(src))
	w.document()

	var b bytes.Buffer
	b.Grow(w.body.Len() + 512)
	b.WriteString(`{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl` + "\r\n")
	for i, name := range w.fonts {
		fmt.Fprintf(&b, `{\f%d\fnil\fcharset0 `, i)
		escape(&b, name)
		b.WriteString(";}\r\n")
	}
	b.WriteString(`}{\colortbl;\red0\green0\blue255;`)
	for _, c := range w.colors {
		fmt.Fprintf(&b, `\red%d\green%d\blue%d;`, c.r, c.g, c.b)
	}
	b.WriteString("}\r\n" + `\uc1\pard\plain\deftab360 \f0\fs24 ` + "\r\n" + `{\*\htmltag64}`) // 2.1.3.1.4.1, and note 10
	b.Write(w.body.Bytes())
	b.WriteString("}")
	return b.Bytes()
}

// Bounds of what is taken over from HTML into the looks of RTF. Beyond them text is shown plainer; nothing is lost.
const (
	maxElements = 256
	maxFonts    = 200
	maxColors   = 1000
)

// firstColor is where the colours of the text begin in the table; before it are none and the blue of links.
const firstColor, linkColor = 2, 1

// element is one that is open.
type element struct {
	name  string
	looks characters // before it
	items int        // of a list, so far; -1 for one that does not count
}

// encapsulator writes the RTF of a piece of HTML.
type encapsulator struct {
	src    string
	body   bytes.Buffer
	fonts  []string
	colors []color

	open   []element
	want   characters // how the next text should look
	now    characters // how text looks at this place
	link   bool       // in a field
	before characters // the looks outside it

	pre    int    // how many <pre> are open
	hidden string // the element whose text does not show
	head   bool   // in <head>
	fresh  bool   // nothing stands in the line yet
	blank  bool   // an empty line, or the beginning, is above
	space  bool   // the last character that shows is white space
	indent int    // of the lines from here
}

func (w *encapsulator) document() {
	w.blank, w.space = true, true
	z := nethtml.NewTokenizer(strings.NewReader(w.src))
	at := 0
	for {
		kind := z.Next()
		n := len(z.Raw())
		if kind == nethtml.ErrorToken || at+n > len(w.src) {
			break
		}
		raw := w.src[at : at+n]
		at += n
		switch kind {
		case nethtml.TextToken:
			w.text(raw)
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			name, more := z.TagName()
			tag := string(name)
			attributes := map[string]string{}
			for more {
				var key, value []byte
				key, value, more = z.TagAttr()
				if k := string(key); attributes[k] == "" && len(attributes) < 64 {
					attributes[k] = string(value)
				}
			}
			w.start(tag, attributes, raw)
		case nethtml.EndTagToken:
			name, _ := z.TagName()
			w.end(string(name), raw)
		default:
			w.tag(0xF0, raw)
		}
	}
	w.tag(0xF0, w.src[at:]) // a tag that never ends
	w.endLink()
}

// tag writes a piece of the original that RTF readers leave out, MS-OXRTFEX 2.1.3.1.4.
func (w *encapsulator) tag(parameter int, raw string) {
	if raw == "" {
		return
	}
	if w.head {
		parameter |= 1
	}
	w.body.WriteString("\r\n" + `{\*\htmltag` + strconv.Itoa(parameter) + " ")
	for rest, i := raw, 0; rest != ""; {
		if i = strings.Index(rest, "\r\n"); i < 0 {
			i = len(rest)
		}
		escape(&w.body, rest[:i])
		rest = rest[i:]
		if rest != "" {
			w.body.WriteString(`\par `)
			rest = rest[2:]
		}
	}
	w.body.WriteString("}")
}

// only writes RTF that is not of the original, MS-OXRTFEX 2.1.3.1.3.
func (w *encapsulator) only(rtf string) {
	w.body.WriteString(`\htmlrtf ` + rtf + `\htmlrtf0 `)
}

// shown writes text that RTF readers show and that the original writes another way.
func (w *encapsulator) shown(s string) {
	w.looks()
	w.body.WriteString(`\htmlrtf `)
	escape(&w.body, s)
	w.body.WriteString(`\htmlrtf0 `)
	w.fresh, w.blank, w.space = false, false, false
}

// text writes text of the original.
func (w *encapsulator) text(raw string) {
	if w.hidden != "" {
		w.tag(0xF0, raw)
		return
	}
	for raw != "" {
		n := strings.IndexAny(raw, "&<> \t\r\n\f\x00")
		if n != 0 {
			if n < 0 {
				n = len(raw)
			}
			w.looks()
			escape(&w.body, raw[:n])
			w.fresh, w.blank, w.space = false, false, false
			raw = raw[n:]
			continue
		}
		switch raw[0] {
		case '&':
			n = reference(raw)
			w.tag(0x54, raw[:n])
			w.shown(html.UnescapeString(raw[:n]))
		case '<', '>':
			n = 1
			w.tag(0x54, raw[:1])
			w.shown(raw[:1])
		default:
			n = len(raw) - len(strings.TrimLeft(raw, " \t\r\n\f\x00"))
			w.white(raw[:n])
		}
		raw = raw[n:]
	}
}

// white writes white space: one space of it shows between words, and all of it in <pre>.
func (w *encapsulator) white(raw string) {
	if w.pre > 0 {
		for raw != "" {
			switch n := strings.IndexAny(raw, "\r\n"); {
			case n != 0:
				if n < 0 {
					n = len(raw)
				}
				w.looks()
				escape(&w.body, raw[:n])
				raw = raw[n:]
			default:
				n = 1
				if strings.HasPrefix(raw, "\r\n") {
					n = 2
				}
				w.tag(0x54, raw[:n])
				w.only(`\line`)
				raw = raw[n:]
			}
		}
		w.space = true
		return
	}
	if w.space {
		w.tag(0x40, raw)
		return
	}
	w.looks()
	w.space = true
	if raw[0] == ' ' { // the space that shows is one of the original
		w.body.WriteByte(' ')
		w.tag(0x40, raw[1:])
		return
	}
	w.tag(0x40, raw)
	w.only(" ")
}
