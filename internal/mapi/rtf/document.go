package rtf

import (
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// renderer writes what people see of a document. Text goes into a paragraph as it comes; paragraphs, cells and rows are
// told when they end.
type renderer interface {
	// span gives text with its properties, as it stands in a paragraph.
	span(r *reader, s string, c characters, link string) string
	// mark gives what stands for something that is not text: a line break, a picture, an attachment.
	mark(what mark, n int) string
	paragraph(p paragraph)
	cell()
	row()
	size() int
}

type mark uint8

const (
	lineBreak mark = iota
	picture
	attachment
)

// paragraph is one that has ended.
type paragraph struct {
	layout
	body   string // written by span and mark
	marker string // the bullet or number before it, trimmed
	cell   bool   // it ends a cell
}

// document turns what a reader reads into paragraphs. It is the handler of ordinary RTF.
type document struct {
	out         renderer
	body        strings.Builder
	marker      string
	attachments int
	last        layout // of the text so far: the last paragraph may lack its end
}

// render reads a document for people.
func render(raw []byte, out renderer) error {
	d := &document{out: out}
	err := read(raw, d)
	if d.body.Len() > 0 || d.marker != "" {
		d.end(d.last, false)
	}
	return err
}

func (d *document) size() int { return d.out.size() + d.body.Len() }

func (d *document) text(r *reader, s string) {
	switch r.to {
	case toMarker:
		if len(d.marker)+len(s) <= 64 {
			d.marker += s
			if f := r.fonts[r.state.text.font]; f.symbol {
				d.marker = symbols(f.name, d.marker)
			}
		}
	case toBody:
		d.last = r.para
		c := r.state.text
		if c.hidden {
			return
		}
		if f := r.fonts[c.font]; f.symbol {
			s = symbols(f.name, s)
		}
		d.body.WriteString(d.out.span(r, printable(s), c, r.link))
	}
}

func (d *document) control(r *reader, name string, n int, _ bool) {
	if r.to != toBody {
		return
	}
	switch name {
	case "par", "sect", "page", "nestcell", "nestrow":
		d.end(r.para, false)
	case "line", "lbr":
		d.body.WriteString(d.out.mark(lineBreak, 0))
	case "pict":
		d.body.WriteString(d.out.mark(picture, n))
	case "objattph": // MS-OXRTFEX 2.1.3.3: the place of the next attachment
		d.attachments++
		d.body.WriteString(d.out.mark(attachment, d.attachments))
	case "cell":
		d.end(r.para, true)
		d.out.cell()
	case "row":
		d.body.Reset() // what stands after the last cell is of no cell
		d.marker = ""
		d.out.row()
	}
}

func (d *document) end(l layout, cell bool) {
	d.out.paragraph(paragraph{layout: l, body: d.body.String(), marker: strings.TrimSpace(printable(d.marker)), cell: cell})
	d.body.Reset()
	d.marker = ""
}

// printable takes out what is no text: control characters and bytes that are no Unicode.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\t' || c >= 0x7F && c < 0xA0 {
			if c == '\n' || c == '\r' || c == '\v' {
				return ' '
			}
			return -1
		}
		if c == utf8.RuneError {
			return '\uFFFD'
		}
		return c
	}, s)
}

// hyperlink gives the target of a HYPERLINK field, if it is one that is safe to follow.
func hyperlink(instruction string) string {
	rest, found := strings.CutPrefix(strings.TrimSpace(instruction), "HYPERLINK")
	if !found || rest == "" {
		return ""
	}
	for rest = strings.TrimLeft(rest, " \t"); rest != ""; rest = strings.TrimLeft(rest, " \t") {
		switch rest[0] {
		case '"':
			target, _, _ := strings.Cut(rest[1:], `"`)
			return safe(target)
		case '\\': // a switch; \l, \o and \t have a word of their own
			name := rest[1:min(2, len(rest))]
			rest = strings.TrimLeft(rest[min(2, len(rest)):], " \t")
			if name == "l" || name == "o" || name == "t" {
				rest = afterWord(rest)
			}
		default:
			target, _, _ := strings.Cut(rest, " ")
			return safe(target)
		}
	}
	return ""
}

func afterWord(s string) string {
	if quoted, found := strings.CutPrefix(s, `"`); found {
		_, rest, _ := strings.Cut(quoted, `"`)
		return rest
	}
	_, rest, _ := strings.Cut(s, " ")
	return rest
}

// safe gives a link that does no more than open a page, write a mail or call somebody; other ones are left out.
func safe(link string) string {
	link = strings.TrimSpace(link)
	u, err := url.Parse(link)
	if err != nil || strings.ContainsAny(link, "\"<>\\ ") || len(link) > 4096 {
		return ""
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https", "ftp":
		if u.Host == "" {
			return ""
		}
		return link
	case "mailto", "tel", "sip", "news":
		return link
	}
	return ""
}

// number gives the number that a paragraph's marker shows, as in "3." or "(3)".
func number(marker string) (int, bool) {
	n, err := strconv.Atoi(strings.Trim(marker, "().:"))
	return n, err == nil && n >= 0 && n < 1e6
}

// bullet tells a marker that only shows where a paragraph begins from one that counts.
func bullet(marker string) bool {
	if marker == "" || marker == "o" { // Courier's circle, the bullet of the second level
		return true
	}
	return !strings.ContainsFunc(marker, func(c rune) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' })
}
