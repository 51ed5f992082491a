package rtf

import (
	"fmt"
	"strings"
)

// ToText gives RTF as plain text for reading, lines ending with CRLF. Cells of a table are parted by tabs, paragraphs of a
// list have their bullet or number, links their address behind them, and pictures and attachments stand as [picture 1]
// and [attachment 1], counted as in ToHTML.
func ToText(raw []byte) (string, error) {
	w := &textWriter{}
	err := render(raw, w)
	w.row()
	return w.out.String(), err
}

type textWriter struct {
	out    strings.Builder
	line   strings.Builder // the row of a table that is being written
	inRow  bool
	link   string // the link that the text before belongs to
	linked string // that text
}

func (w *textWriter) size() int { return w.out.Len() + w.line.Len() }

func (w *textWriter) span(_ *reader, s string, _ characters, link string) string {
	address := ""
	if link != w.link {
		address = w.endLink()
		w.link = link
	}
	if link != "" && len(w.linked) < 4096 {
		w.linked += s
	}
	return address + s
}

// endLink gives the address of the link that ends here, unless its text shows it.
func (w *textWriter) endLink() string {
	link, text := w.link, strings.TrimSpace(w.linked)
	w.link, w.linked = "", ""
	if link == "" || text == link || "mailto:"+text == link || "tel:"+text == link || strings.TrimSuffix(link, "/") == text {
		return ""
	}
	return " <" + link + ">"
}

func (w *textWriter) mark(what mark, n int) string {
	switch what {
	case picture:
		return fmt.Sprintf("[picture %d]", n)
	case attachment:
		return fmt.Sprintf("[attachment %d]", n)
	}
	return "\r\n"
}

func (w *textWriter) paragraph(p paragraph) {
	body := p.body + w.endLink()
	if p.marker != "" || p.list > 0 {
		marker := p.marker
		if bullet(marker) {
			marker = "•"
		}
		body = strings.Repeat("  ", p.level) + marker + " " + body
	}
	if p.cell || p.table {
		w.line.WriteString(strings.ReplaceAll(body, "\r\n", " "))
		if !p.cell {
			w.line.WriteString(" ")
		}
		w.inRow = true
		return
	}
	w.row()
	w.out.WriteString(body + "\r\n")
}

func (w *textWriter) cell() { w.line.WriteString("\t") }

func (w *textWriter) row() {
	if !w.inRow {
		return
	}
	w.out.WriteString(strings.TrimRight(w.line.String(), "\t ") + "\r\n")
	w.line.Reset()
	w.inRow = false
}
