package rtf

import (
	"bytes"
	"strings"
	"unicode/utf16"
)

// destination is where the text of a group goes.
type destination uint8

const (
	toBody        destination = iota
	toNowhere                 // unknown, or nothing to read
	toObject                  // nowhere, but a \result in it is for reading
	toFonts                   // \fonttbl
	toColors                  // \colortbl
	toTag                     // \*\htmltag, MS-OXRTFEX 2.1.3.1.4
	toMarker                  // \listtext, \pntext: the bullet or number of a paragraph
	toInstruction             // \*\fldinst
)

// characters are the properties of characters that reading for people keeps. Their zero value is plain text.
type characters struct {
	bold, italic, underline, strike, hidden, caps bool

	shift       int8 // 1 superscript, -1 subscript
	font        int
	size        int // half points; 0 says nothing
	color, back int // places in the colour table
}

// layout are the properties of paragraphs that reading for people keeps.
type layout struct {
	align  string // empty is left
	indent int    // twips
	list   int    // \ls, 0 is none
	level  int    // \ilvl
	table  bool   // \intbl
	rtl    bool
}

// field is a \field: its instruction is read before its result.
type field struct {
	instruction string
	result      bool   // its result has begun
	link        string // where its result leads
}

// state is what a group inherits and its end restores.
type state struct {
	to      destination
	uc      int  // how many characters after \u stand in for it
	htmlrtf bool // text that is not in the original, MS-OXRTFEX 2.1.3.1.3
	text    characters
	para    layout
	field   *field
	link    string
}

type font struct {
	name     string
	codepage int // 0 is that of the document
	symbol   bool
}

type color struct {
	r, g, b uint8
	set     bool // false is the colour that text has of itself
}

// handler makes something of the text and the controls of a document.
type handler interface {
	// text takes text in the state r.state.
	text(r *reader, s string)
	// control takes a control word that the reader leaves to it.
	control(r *reader, name string, param int, has bool)
	// size is how much has been made so far.
	size() int
}

// reader follows the groups, destinations, code pages and properties of a document.
type reader struct {
	scanner
	state
	stack []state
	out   handler
	err   error

	codepage    int // \ansicpg
	defaultFont int // \deff
	fonts       map[int]font
	colors      []color
	color       color // being read
	defining    int   // the font that is being read

	pending  []byte // text not decoded yet
	run      strings.Builder
	high     rune // first half of a surrogate pair
	skip     int  // characters that stand in for \u
	starred  bool // \* was just there
	pictures int
}

// read reads a document, and leaves what is made of it to out.
func read(raw []byte, out handler) error {
	switch {
	case len(raw) > MaxSize:
		return ErrTooLarge
	case !bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n\x00\uFEFF"), []byte(`{\rtf`)):
		return ErrNotRTF
	}
	r := &reader{scanner: scanner{src: raw}, out: out, codepage: western, fonts: map[int]font{}}
	r.uc = 1
	r.text.size = 24
	for r.err == nil {
		t := r.next()
		if t.kind == end || t.kind == close_ && len(r.stack) <= 1 { // what follows the document is not of it
			r.flush()
			break
		}
		r.token(t)
		if r.out.size() > MaxSize {
			r.err = ErrTooLarge
		}
	}
	return r.err
}

func (r *reader) token(t token) {
	if r.skip > 0 {
		switch {
		case t.kind == char || t.kind == hex || t.kind == binary_ || t.kind == symbol && t.c != '*' ||
			t.kind == word && named(t.name) != 0:
			r.skip--
			return
		}
		r.skip = 0 // a brace or a control word that is no character ends it
	}
	starred := r.starred
	r.starred = false
	switch t.kind {
	case char, hex:
		if len(r.stack) > 0 {
			r.high = 0
			r.pending = append(r.pending, t.c)
		}
	case open:
		r.flush()
		if len(r.stack) >= MaxDepth {
			r.err = ErrTooDeep
			return
		}
		r.stack = append(r.stack, r.state)
	case close_:
		r.flush()
		if n := len(r.stack); n > 0 {
			r.state, r.stack = r.stack[n-1], r.stack[:n-1]
		}
	case symbol:
		switch t.c {
		case '{', '}', '\\':
			r.pending = append(r.pending, t.c)
		case '~':
			r.rune('\u00A0')
		case '-':
			r.rune('\u00AD')
		case '_':
			if r.to == toTag { // MS-OXRTFEX 2.1.3.1.4.2
				r.rune('\u00AD')
				return
			}
			r.rune('\u2011')
		case '*':
			r.flush()
			r.starred = true
		}
	case word:
		if t.name == "u" {
			r.unicode(t.param)
			return
		}
		if c := named(t.name); c != 0 {
			r.rune(c)
			return
		}
		r.flush()
		r.word(t, starred)
	}
}

// named gives the character that a control word stands for, RTF 1.9.1 "Special Characters".
func named(name string) rune {
	switch name {
	case "tab":
		return '\t'
	case "lquote":
		return '\u2018'
	case "rquote":
		return '\u2019'
	case "ldblquote":
		return '\u201C'
	case "rdblquote":
		return '\u201D'
	case "bullet":
		return '\u2022'
	case "endash":
		return '\u2013'
	case "emdash":
		return '\u2014'
	case "enspace":
		return '\u2002'
	case "emspace":
		return '\u2003'
	case "qmspace":
		return '\u2005'
	case "zwj":
		return '\u200D'
	case "zwnj":
		return '\u200C'
	case "zwbo":
		return '\u200B'
	case "zwnbo":
		return '\u2060'
	case "ltrmark":
		return '\u200E'
	case "rtlmark":
		return '\u200F'
	}
	return 0
}

// rune takes a character that needs no code page.
func (r *reader) rune(c rune) {
	r.decode()
	r.high = 0
	r.run.WriteRune(c)
}

// unicode takes \uN: a UTF-16 unit as a signed number.
func (r *reader) unicode(n int) {
	r.skip = r.uc
	r.decode()
	c := rune(uint16(n))
	if n > 0xFFFF && n <= 0x10FFFF { // some write the code point
		c = rune(n)
	}
	high := r.high
	r.high = 0
	switch {
	case c >= 0xD800 && c < 0xDC00:
		r.high = c
	case utf16.IsSurrogate(c):
		if high != 0 {
			r.run.WriteRune(utf16.DecodeRune(high, c))
		}
	default:
		r.run.WriteRune(c)
	}
}

func (r *reader) decode() {
	if len(r.pending) > 0 {
		r.run.WriteString(decode(r.pending, r.page()))
		r.pending = r.pending[:0]
	}
}

// page is the code page of text here: that of its font, but that of the document in markup (MS-OXRTFEX 2.1.3.1.4.2).
func (r *reader) page() int {
	f := r.fonts[r.state.text.font]
	switch {
	case r.to == toFonts:
		f = r.fonts[r.defining]
	case r.to == toTag:
		return r.codepage
	}
	if f.codepage != 0 {
		return f.codepage
	}
	return r.codepage
}

// flush hands over the text that was read in the state that now ends.
func (r *reader) flush() {
	r.decode()
	r.high = 0
	if r.run.Len() == 0 {
		return
	}
	s := r.run.String()
	r.run.Reset()
	switch r.to {
	case toNowhere, toObject:
	case toFonts:
		f := r.fonts[r.defining]
		if name, _, _ := strings.Cut(s, ";"); f.name == "" && len(name) <= 64 {
			f.name = strings.TrimSpace(name)
		}
		r.fonts[r.defining] = f
	case toColors:
		for range strings.Count(s, ";") {
			r.colors = append(r.colors, r.color)
			r.color = color{}
		}
	case toInstruction:
		if r.field != nil && len(r.field.instruction)+len(s) <= 4096 {
			r.field.instruction += s
		}
	default:
		r.out.text(r, s)
	}
}
