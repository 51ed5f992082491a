package rtf

import (
	"fmt"
	"html"
	"strconv"
	"strings"
)

// ToHTML gives RTF as an HTML document for reading: paragraphs, lists, simple tables, links, and characters with their
// fonts, sizes and colours. It is safe to show: it has no script, no style but its own, no address that anything is
// fetched from, and links to nothing but pages, mail and telephones. A picture becomes <span data-picture="1">, the place
// of an attachment <span data-attachment="1">, counted from 1 in the order of the text.
func ToHTML(raw []byte) (string, error) {
	w := &htmlWriter{}
	err := render(raw, w)
	w.closeTable()
	w.closeLists(0)
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body")
	if w.font != "" {
		fmt.Fprintf(&b, " style=\"font-family:'%s'\"", w.font)
	}
	b.WriteString(">\n")
	b.WriteString(w.out.String())
	b.WriteString("</body></html>\n")
	return b.String(), err
}

type htmlWriter struct {
	out   strings.Builder
	font  string // of the whole document
	space bool   // the last character was a space, or the paragraph begins
	begun bool   // the paragraph has text

	inTable bool
	tdBody  strings.Builder // the cell that is being written
	rowBody strings.Builder // its row, up to it
	lists   []list          // open lists, each in an item of the one before
}

type list struct {
	kind string // ul or ol
	item bool   // an item is open
}

func (w *htmlWriter) size() int { return w.out.Len() + w.tdBody.Len() + w.rowBody.Len() }

func (w *htmlWriter) span(r *reader, s string, c characters, link string) string {
	if s == "" {
		return ""
	}
	if w.font == "" {
		w.font = fontName(r.fonts[r.defaultFont].name)
	}
	before, after := properties(r, c, w.font)
	if link != "" {
		before = `<a href="` + html.EscapeString(link) + `">` + before
		after += "</a>"
	}
	return before + w.escape(s) + after
}

// escape writes text as HTML and keeps its spaces.
func (w *htmlWriter) escape(s string) string {
	var b strings.Builder
	if !w.begun {
		w.begun, w.space = true, true
	}
	for _, c := range s {
		switch {
		case c == ' ' && w.space:
			b.WriteString("&nbsp;")
			w.space = false
			continue
		case c == '\t':
			b.WriteString("&nbsp;&nbsp;&nbsp; ")
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '&':
			b.WriteString("&amp;")
		case c == '"':
			b.WriteString("&#34;")
		case c == '\u00A0':
			b.WriteString("&nbsp;")
		default:
			b.WriteRune(c)
		}
		w.space = c == ' ' || c == '\t'
	}
	return b.String()
}

// properties gives the elements that make text look as it does.
func properties(r *reader, c characters, docFont string) (before, after string) {
	tag := func(name string, on bool) {
		if on {
			before, after = before+"<"+name+">", "</"+name+">"+after
		}
	}
	var style []string
	if name := fontName(r.fonts[c.font].name); name != "" && name != docFont && !r.fonts[c.font].symbol {
		style = append(style, "font-family:'"+name+"'")
	}
	if c.size != 24 && c.size > 0 {
		style = append(style, "font-size:"+strconv.FormatFloat(float64(c.size)/2, 'f', -1, 64)+"pt")
	}
	if x, ok := colorOf(r.colors, c.color); ok {
		style = append(style, "color:"+x)
	}
	if x, ok := colorOf(r.colors, c.back); ok {
		style = append(style, "background-color:"+x)
	}
	if c.caps {
		style = append(style, "text-transform:uppercase")
	}
	if style != nil {
		before, after = `<span style="`+strings.Join(style, ";")+`">`, "</span>"
	}
	tag("b", c.bold)
	tag("i", c.italic)
	tag("u", c.underline)
	tag("s", c.strike)
	tag("sup", c.shift > 0)
	tag("sub", c.shift < 0)
	return before, after
}

// colorOf gives a colour of the table; the first is what text has anyway.
func colorOf(table []color, i int) (string, bool) {
	if i <= 0 || i >= len(table) || !table[i].set {
		return "", false
	}
	return fmt.Sprintf("#%02x%02x%02x", table[i].r, table[i].g, table[i].b), true
}

// fontName gives the name of a font with nothing in it that means something in a style.
func fontName(name string) string {
	return strings.Map(func(c rune) rune {
		if c == ' ' || c == '-' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c > 0xA0 {
			return c
		}
		return -1
	}, name)
}

func (w *htmlWriter) mark(what mark, n int) string {
	if what == lineBreak {
		w.begun = false
		return "<br>"
	}
	w.begun, w.space = true, false
	name := "picture"
	if what == attachment {
		name = "attachment"
	}
	return fmt.Sprintf(`<span data-%s="%d">[%s %d]</span>`, name, n, name, n)
}

func (w *htmlWriter) paragraph(p paragraph) {
	w.begun = false
	into := &w.out
	inCell := p.cell || p.table
	switch {
	case inCell:
		into = &w.tdBody
		if p.cell && into.Len() == 0 && p.marker == "" && style(p.layout) == "" { // the usual cell: one paragraph
			into.WriteString(p.body)
			return
		}
		if p.cell && p.body == "" && p.marker == "" {
			return
		}
	default:
		w.closeTable()
	}
	if p.body == "" {
		p.body = "<br>"
	}
	if !inCell && (p.marker != "" || p.list > 0) {
		w.item(p)
		return
	}
	w.closeLists(0)
	into.WriteString("<div")
	if s := style(p.layout); s != "" {
		into.WriteString(` style="` + s + `"`)
	}
	if p.rtl {
		into.WriteString(` dir="rtl"`)
	}
	into.WriteString(">")
	if p.marker != "" {
		into.WriteString(html.EscapeString(p.marker) + " ")
	}
	into.WriteString(p.body + "</div>\n")
}

// style says how a paragraph lies on the page.
func style(l layout) string {
	var s []string
	if l.align != "" {
		s = append(s, "text-align:"+l.align)
	}
	if l.indent > 0 {
		s = append(s, "margin-left:"+strconv.FormatFloat(float64(l.indent)/20, 'f', -1, 64)+"pt")
	}
	return strings.Join(s, ";")
}

// item writes a paragraph of a list.
func (w *htmlWriter) item(p paragraph) {
	kind := "ol"
	if bullet(p.marker) {
		kind = "ul"
	}
	w.closeLists(p.level + 1)
	if n := len(w.lists); n == p.level+1 && w.lists[n-1].kind != kind {
		w.closeLists(p.level)
	}
	for len(w.lists) <= p.level {
		if n := len(w.lists); n > 0 && !w.lists[n-1].item { // a level is left out
			w.out.WriteString("<li>")
			w.lists[n-1].item = true
		}
		w.out.WriteString("<" + kind + ">\n")
		w.lists = append(w.lists, list{kind: kind})
	}
	if last := &w.lists[p.level]; last.item {
		w.out.WriteString("</li>\n")
	} else {
		last.item = true
	}
	w.out.WriteString("<li")
	if n, ok := number(p.marker); ok && kind == "ol" {
		fmt.Fprintf(&w.out, ` value="%d"`, n)
	}
	w.out.WriteString(">" + p.body)
}

// closeLists closes lists until n are left open.
func (w *htmlWriter) closeLists(n int) {
	for len(w.lists) > n {
		last := w.lists[len(w.lists)-1]
		w.lists = w.lists[:len(w.lists)-1]
		if last.item {
			w.out.WriteString("</li>\n")
		}
		w.out.WriteString("</" + last.kind + ">\n")
	}
}

func (w *htmlWriter) cell() {
	w.rowBody.WriteString("<td>" + w.tdBody.String() + "</td>")
	w.tdBody.Reset()
}

func (w *htmlWriter) row() {
	if w.rowBody.Len() == 0 && w.tdBody.Len() == 0 {
		return
	}
	w.closeLists(0)
	if !w.inTable {
		w.out.WriteString("<table border=\"1\" style=\"border-collapse:collapse\">\n")
		w.inTable = true
	}
	if w.tdBody.Len() > 0 { // text that no \cell ended
		w.cell()
	}
	w.out.WriteString("<tr>" + w.rowBody.String() + "</tr>\n")
	w.rowBody.Reset()
}

func (w *htmlWriter) closeTable() {
	w.row()
	if w.inTable {
		w.out.WriteString("</table>\n")
		w.inTable = false
	}
}
