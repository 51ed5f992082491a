package rtf

import "strings"

// Source is what RTF was made from.
type Source uint8

const (
	Native   Source = iota // RTF itself
	WasHTML                // \fromhtml1, MS-OXRTFEX 2.1.3.1.1
	WasPlain               // \fromtext, MS-OXRTFEX 2.1.3.1.2
)

// Detect tells what RTF was made from. Only its first ten tokens count, MS-OXRTFEX 2.2.3.1.
func Detect(raw []byte) Source {
	s := scanner{src: raw}
	for range 10 {
		t := s.next()
		switch {
		case t.kind == char && t.c <= ' ', t.kind == char && t.c >= 0x80 && s.pos <= 3: // before the document
			continue
		case t.kind == open || t.kind == word && t.name != "fonttbl":
		default:
			return Native
		}
		switch {
		case t.name == "fromhtml" && t.param == 1:
			return WasHTML
		case t.name == "fromtext":
			return WasPlain
		}
	}
	return Native
}

// OriginalHTML gives the HTML that RTF was made from, MS-OXRTFEX 2.2.3.2. It is as safe as it was: not at all. Whatever
// character set it may name, the text is Unicode.
func OriginalHTML(raw []byte) (string, error) { return extract(raw, WasHTML) }

// OriginalText gives the plain text that RTF was made from, MS-OXRTFEX 2.2.3.3, with CRLF at the end of lines.
func OriginalText(raw []byte) (string, error) { return extract(raw, WasPlain) }

func extract(raw []byte, want Source) (string, error) {
	if Detect(raw) != want {
		return "", ErrNotEncapsulated
	}
	e := &extractor{html: want == WasHTML}
	err := read(raw, e)
	return e.out.String(), err
}

// extractor collects the original from where it lies: in htmltag groups, and in the body where \htmlrtf is off.
type extractor struct {
	out  strings.Builder
	html bool
}

func (e *extractor) size() int { return e.out.Len() }

func (e *extractor) here(r *reader) bool {
	return r.to == toTag && e.html || r.to == toBody && !(e.html && r.htmlrtf)
}

func (e *extractor) text(r *reader, s string) {
	if !e.here(r) || e.html && r.to == toBody && e.out.Len() == 0 && strings.Trim(s, " ") == "" {
		return // spaces between the parts of the header show nothing
	}
	e.out.WriteString(s)
}

func (e *extractor) control(r *reader, name string, _ int, _ bool) {
	switch name {
	case "par", "line", "sect", "page":
		if e.here(r) {
			e.out.WriteString("\r\n")
		}
	}
}
