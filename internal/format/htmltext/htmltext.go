// Package htmltext turns HTML into text that can be read and searched. It may import golang.org/x/net/html and nothing
// of ours.
package htmltext

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Text reads HTML (UTF-8) and returns its text: paragraphs and blocks on lines of their own, list items with "- ", table
// cells apart, quoted text with "> ", alternative texts of pictures. At most max bytes are returned. It never fails.
func Text(s string, max int) string {
	z := html.NewTokenizer(strings.NewReader(s))
	w := writer{max: max}
	skip := atom.Atom(0) // inside this element nothing is shown
	for len(w.out) < max {
		switch tt := z.Next(); tt {
		case html.ErrorToken:
			return w.text()
		case html.TextToken:
			if skip == 0 {
				w.words(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			a := atom.Lookup(name)
			if skip != 0 {
				continue
			}
			switch a {
			case atom.Script, atom.Style, atom.Title, atom.Template, atom.Head:
				// A head that is never closed must not swallow the body.
				if tt == html.StartTagToken && a != atom.Head {
					skip = a
				}
			case atom.Br:
				w.newline()
			case atom.Hr:
				w.block(1)
				w.words([]byte("----"))
				w.block(1)
			case atom.Li:
				w.block(1)
				w.words([]byte("- "))
			case atom.Td, atom.Th:
				w.cell()
			case atom.Blockquote:
				w.block(2)
				w.quote = min(w.quote+1, 20)
			case atom.Pre, atom.Textarea:
				w.block(2)
				w.pre++
			case atom.Img:
				for more {
					var key, val []byte
					key, val, more = z.TagAttr()
					if string(key) == "alt" {
						w.words(val)
					}
				}
			default:
				w.block(gap(a))
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			a := atom.Lookup(name)
			if skip != 0 {
				if a == skip {
					skip = 0
				}
				continue
			}
			switch a {
			case atom.Blockquote:
				w.block(2)
				w.quote = max0(w.quote - 1)
			case atom.Pre, atom.Textarea:
				w.block(2)
				w.pre = max0(w.pre - 1)
			case atom.Li:
				w.block(1)
			default:
				w.block(gap(a))
			}
		}
	}
	return w.text()
}

// gap tells how many line ends stand around an element: 0 inline, 1 a line of its own, 2 with an empty line.
func gap(a atom.Atom) int {
	switch a {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Ul, atom.Ol, atom.Dl, atom.Table, atom.Fieldset:
		return 2
	case atom.Div, atom.Tr, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Nav, atom.Aside, atom.Main, atom.Address,
		atom.Center, atom.Form, atom.Dt, atom.Dd, atom.Caption, atom.Thead, atom.Tbody, atom.Tfoot, atom.Body, atom.Html, atom.Option,
		atom.Figure, atom.Figcaption, atom.Legend, atom.Summary, atom.Details:
		return 1
	}
	return 0
}

func max0(n int) int { return max(n, 0) }

// writer collapses white space as a browser does.
type writer struct {
	out   []byte
	max   int
	lines int  // line ends to write before the next word
	space bool // a space to write before the next word
	quote int
	pre   int
}

func (w *writer) block(n int) {
	if n == 0 {
		return
	}
	if len(w.out) > 0 {
		w.lines = max(w.lines, n)
	}
	w.space = false
}

// newline is <br>: it always counts.
func (w *writer) newline() {
	if len(w.out) > 0 && w.lines < 3 {
		w.lines++
	}
	w.space = false
}

func (w *writer) cell() {
	if w.lines == 0 && len(w.out) > 0 && w.out[len(w.out)-1] != '\t' {
		w.out = append(w.out, '\t')
	}
	w.space = false
}

func (w *writer) start() {
	if w.lines > 0 || len(w.out) == 0 && w.quote > 0 {
		w.out = bytes.TrimRight(w.out, " \t")
		for range w.lines {
			w.out = append(w.out, '\n')
		}
		for range w.quote {
			w.out = append(w.out, '>')
		}
		if w.quote > 0 {
			w.out = append(w.out, ' ')
		}
		w.lines, w.space = 0, false
	}
	if w.space {
		if n := len(w.out); n > 0 && w.out[n-1] != ' ' && w.out[n-1] != '\t' && w.out[n-1] != '\n' {
			w.out = append(w.out, ' ')
		}
		w.space = false
	}
}

func (w *writer) words(b []byte) {
	if w.pre > 0 {
		for i, line := range bytes.Split(b, []byte("\n")) {
			if i > 0 {
				w.lines = min(w.lines+1, 3)
			}
			if line = bytes.TrimRight(line, "\r"); len(line) > 0 {
				w.start()
				w.out = append(w.out, line...)
			}
		}
		return
	}
	for len(b) > 0 {
		n := 0
		for n < len(b) && b[n] > ' ' && b[n] != 0xc2 && b[n] != 0xe2 {
			n++
		}
		// U+00A0 is a space to read; U+200B, U+200C, U+200D, U+FEFF and U+034F fill the previews of advertising mail.
		switch {
		case n == 0 && b[0] <= ' ':
			w.space = true
			b = b[1:]
			continue
		case n == 0 && len(b) >= 2 && b[0] == 0xc2:
			if b[1] == 0xa0 {
				w.space = true
			} else if b[1] != 0xad { // soft hyphen
				w.start()
				w.out = append(w.out, b[:2]...)
			}
			b = b[2:]
			continue
		case n == 0 && len(b) >= 3 && b[0] == 0xe2:
			if !(b[1] == 0x80 && b[2] >= 0x8b && b[2] <= 0x8f) {
				w.start()
				w.out = append(w.out, b[:3]...)
			}
			b = b[3:]
			continue
		case n == 0:
			n = 1
		}
		w.start()
		w.out = append(w.out, b[:n]...)
		b = b[n:]
	}
}

func (w *writer) text() string {
	out := w.out
	if len(out) > w.max {
		out = out[:w.max]
	}
	return strings.ToValidUTF8(string(bytes.TrimRight(out, " \t\n")), "")
}
