package rtf

import (
	"bytes"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
)

// reference gives the length of the character reference that s begins with; 1 if the & stands for itself.
func reference(s string) int {
	for i := 1; i < len(s) && i < 40; i++ {
		c := s[i]
		switch {
		case c == ';':
			if html.UnescapeString(s[:i+1]) != s[:i+1] {
				return i + 1
			}
			return 1
		case digit(c) || letter(c) || c == '#' && i == 1:
		default:
			if html.UnescapeString(s[:i]) != s[:i] { // some do without a semicolon
				return i
			}
			return 1
		}
	}
	return 1
}

// parameter describes an element in the terms of MS-OXRTFEX 2.1.3.1.4.1, as Outlook does. Readers ignore it.
func parameter(name string) int {
	switch name {
	case "html":
		return 0x13
	case "head":
		return 0x22
	case "meta", "link", "base":
		return 0xA0
	case "body":
		return 0x32
	case "p", "li":
		return 0x40
	case "a", "b", "i", "u", "s", "em", "strong", "font", "span", "sub", "sup", "strike", "code", "tt":
		return 0x54
	case "br":
		return 0x70
	case "title":
		return 0xB0
	case "img":
		return 0x94
	case "div", "table", "tr", "td", "th", "tbody", "blockquote", "ul", "ol", "pre":
		return 0x60
	}
	return 0xF0
}

// void tells the elements that never have an end.
func void(name string) bool {
	switch name {
	case "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr":
		return true
	}
	return false
}

// start writes a tag that begins an element, and takes over what it does to the looks of text.
func (w *encapsulator) start(name string, attributes map[string]string, raw string) {
	switch name {
	case "body":
		w.head = false
	case "p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "dl":
		w.emptyLine()
	case "div", "tr", "table", "li", "hr", "ul", "ol", "dt", "dd", "center", "section", "article", "header", "footer", "form", "fieldset", "address":
		w.newLine()
	case "td", "th":
		if !w.fresh {
			w.only(`\tab`)
			w.space = true
		}
	}
	w.tag(parameter(name), raw)
	if w.hidden != "" {
		return
	}
	w.head = w.head || name == "head"
	if !void(name) && len(w.open) < maxElements {
		w.open = append(w.open, element{name: name, looks: w.want, items: -1})
	}
	w.styled(attributes["style"])
	switch name {
	case "script", "style", "title", "iframe", "noembed", "noframes", "noscript":
		w.hidden = name
	case "b", "strong", "th":
		w.want.bold = true
	case "i", "em", "cite", "var", "dfn", "address":
		w.want.italic = true
	case "u", "ins":
		w.want.underline = true
	case "s", "strike", "del":
		w.want.strike = true
	case "sup":
		w.want.shift = 1
	case "sub":
		w.want.shift = -1
	case "code", "tt", "kbd", "samp":
		w.want.font = 1
	case "pre":
		w.want.font = 1
		w.pre++
	case "h1", "h2", "h3", "h4", "h5", "h6":
		w.want.bold, w.want.size = true, []int{48, 36, 28, 24, 20, 15}[name[1]-'1']
	case "font":
		w.color(attributes["color"], &w.want.color)
		w.font(attributes["face"])
		if n, err := strconv.Atoi(attributes["size"]); err == nil && n >= 1 && n <= 7 {
			w.want.size = []int{15, 20, 24, 27, 36, 48, 72}[n-1]
		}
	case "a":
		w.endLink()
		if target := safe(attributes["href"]); target != "" {
			w.startLink(target)
		}
	case "br":
		w.only(`\line`)
		w.fresh, w.blank, w.space = true, w.fresh, true
	case "hr":
		w.shown("________________________________")
		w.newLine()
	case "img":
		if alt := strings.TrimSpace(attributes["alt"]); alt != "" && len(alt) <= 1000 {
			w.shown("[" + alt + "]")
		}
	case "ul", "ol":
		w.setIndent(1)
		if name == "ol" && len(w.open) > 0 {
			w.open[len(w.open)-1].items = 0
		}
	case "blockquote", "dd":
		w.setIndent(1)
	case "li":
		w.bullet()
	}
}

// bullet writes what stands before an item of a list.
func (w *encapsulator) bullet() {
	marker := "•"
	for i := len(w.open) - 1; i >= 0; i-- {
		if e := &w.open[i]; e.name == "ul" || e.name == "ol" {
			if e.items >= 0 {
				e.items++
				marker = strconv.Itoa(e.items) + "."
			}
			break
		}
	}
	w.looks()
	var b bytes.Buffer
	escape(&b, marker)
	w.only(b.String() + `\tab`)
	w.fresh, w.space = true, true
}

// end writes a tag that ends an element, and lets text look as it did before it.
func (w *encapsulator) end(name, raw string) {
	if w.hidden != "" {
		w.tag(parameter(name)|8, raw)
		if w.hidden == name {
			w.hidden = ""
			w.close(name)
		}
		return
	}
	switch name {
	case "a":
		w.endLink()
	case "pre":
		w.pre = max(w.pre-1, 0)
	case "head":
		w.head = false
	}
	w.tag(parameter(name)|8, raw)
	switch name {
	case "p", "h1", "h2", "h3", "h4", "h5", "h6", "pre":
		w.emptyLine()
	case "ul", "ol", "blockquote", "dd":
		w.newLine()
		if w.isOpen(name) {
			w.setIndent(-1)
		}
	case "div", "tr", "table", "li", "dt", "center", "section", "article", "header", "footer", "form", "fieldset", "address", "body":
		w.newLine()
	}
	w.close(name)
}

func (w *encapsulator) isOpen(name string) bool {
	return slices.ContainsFunc(w.open, func(e element) bool { return e.name == name })
}

func (w *encapsulator) close(name string) {
	for i := len(w.open) - 1; i >= 0; i-- {
		if w.open[i].name == name {
			w.want = w.open[i].looks
			w.open = w.open[:i]
			return
		}
	}
}

// newLine ends the line if there is something in it.
func (w *encapsulator) newLine() {
	if w.fresh || w.hidden != "" || w.head {
		return
	}
	w.only(`\par`)
	w.fresh, w.space = true, true
}

// emptyLine ends the line and leaves one free, as there is around a paragraph.
func (w *encapsulator) emptyLine() {
	w.newLine()
	if w.blank || w.hidden != "" || w.head {
		return
	}
	w.only(`\par`)
	w.blank = true
}

// setIndent lets the lines from here on begin further to the right, or to the left again.
func (w *encapsulator) setIndent(by int) {
	w.indent = max(w.indent+by, 0)
	w.only(`\pard\li` + strconv.Itoa(360*min(w.indent, 20)))
}

func (w *encapsulator) startLink(target string) {
	w.looks()
	var b bytes.Buffer
	escape(&b, target)
	w.only(`{\field{\*\fldinst{HYPERLINK "` + b.String() + `"}}{\fldrslt`)
	w.link, w.before = true, w.now
	w.want.underline, w.want.color = true, linkColor
}

func (w *encapsulator) endLink() {
	if w.link {
		w.only("}}")
		w.link, w.now = false, w.before
	}
}

// looks makes text look as it should from here on.
func (w *encapsulator) looks() {
	if w.now == w.want {
		return
	}
	var b strings.Builder
	toggle := func(name string, now, want bool) {
		switch {
		case want && !now:
			b.WriteString(`\` + name)
		case now && !want:
			b.WriteString(`\` + name + "0")
		}
	}
	value := func(name string, now, want int) {
		if now != want {
			b.WriteString(`\` + name + strconv.Itoa(want))
		}
	}
	toggle("b", w.now.bold, w.want.bold)
	toggle("i", w.now.italic, w.want.italic)
	toggle("ul", w.now.underline, w.want.underline)
	toggle("strike", w.now.strike, w.want.strike)
	if w.now.shift != w.want.shift {
		b.WriteString([]string{`\sub`, `\nosupersub`, `\super`}[w.want.shift+1])
	}
	value("f", w.now.font, w.want.font)
	value("fs", w.now.size, w.want.size)
	value("cf", w.now.color, w.want.color)
	value("highlight", w.now.back, w.want.back)
	w.now = w.want
	w.only(b.String())
}

// styled takes over what a style attribute says about the looks of text.
func (w *encapsulator) styled(style string) {
	if len(style) > 4096 {
		return
	}
	for declaration := range strings.SplitSeq(style, ";") {
		name, value, _ := strings.Cut(declaration, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "color":
			w.color(value, &w.want.color)
		case "background", "background-color":
			w.color(value, &w.want.back)
		case "font-family":
			w.font(value)
		case "font-weight":
			n, err := strconv.Atoi(value)
			w.want.bold = value == "bold" || value == "bolder" || err == nil && n >= 600
		case "font-style":
			w.want.italic = value == "italic" || value == "oblique"
		case "text-decoration":
			w.want.underline = strings.Contains(value, "underline")
			w.want.strike = strings.Contains(value, "line-through")
		case "font-size":
			for unit, points := range map[string]float64{"pt": 1, "px": 0.75} {
				if digits, found := strings.CutSuffix(value, unit); found {
					if n, err := strconv.ParseFloat(digits, 64); err == nil && n*points >= 1 && n*points <= 400 {
						w.want.size = int(n*points*2 + 0.5)
					}
				}
			}
		}
	}
}

// font takes over the first name of a list of fonts.
func (w *encapsulator) font(list string) {
	name, _, _ := strings.Cut(list, ",")
	name = strings.TrimSpace(fontName(name))
	if name == "" || len(name) > 60 {
		return
	}
	i := slices.Index(w.fonts, name)
	if i < 0 {
		if len(w.fonts) == maxFonts {
			return
		}
		i, w.fonts = len(w.fonts), append(w.fonts, name)
	}
	w.want.font = i
}

// color takes over a colour that can be read; place is where its place in the table goes.
func (w *encapsulator) color(value string, place *int) {
	c, ok := parseColor(value)
	if !ok {
		return
	}
	i := slices.Index(w.colors, c)
	if i < 0 {
		if len(w.colors) == maxColors {
			return
		}
		i, w.colors = len(w.colors), append(w.colors, c)
	}
	*place = firstColor + i
}

// parseColor reads a colour as HTML and CSS write it.
func parseColor(s string) (color, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	names := map[string]uint32{"black": 0, "silver": 0xC0C0C0, "gray": 0x808080, "grey": 0x808080, "white": 0xFFFFFF, "maroon": 0x800000,
		"red": 0xFF0000, "purple": 0x800080, "fuchsia": 0xFF00FF, "green": 0x008000, "lime": 0x00FF00, "olive": 0x808000,
		"yellow": 0xFFFF00, "navy": 0x000080, "blue": 0x0000FF, "teal": 0x008080, "aqua": 0x00FFFF, "orange": 0xFFA500}
	if n, ok := names[s]; ok {
		return color{uint8(n >> 16), uint8(n >> 8), uint8(n), true}, true
	}
	if digits, found := strings.CutPrefix(s, "#"); found {
		n, err := strconv.ParseUint(digits, 16, 32)
		switch {
		case err == nil && len(digits) == 6:
			return color{uint8(n >> 16), uint8(n >> 8), uint8(n), true}, true
		case err == nil && len(digits) == 3:
			return color{uint8(n>>8) * 17, uint8(n>>4&15) * 17, uint8(n&15) * 17, true}, true
		}
		return color{}, false
	}
	var r, g, b uint8
	if n, err := fmt.Sscanf(strings.ReplaceAll(s, " ", ""), "rgb(%d,%d,%d)", &r, &g, &b); err == nil && n == 3 {
		return color{r, g, b, true}, true
	}
	return color{}, false
}
