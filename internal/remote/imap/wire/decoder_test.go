package wire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// decode reads text through buffers of every awkward size: whole, and byte by byte.
func decode(t *testing.T, text string, l Limits, f func(t *testing.T, d *Decoder)) {
	t.Helper()
	t.Run("whole", func(t *testing.T) { f(t, NewDecoder(strings.NewReader(text), l)) })
	t.Run("byte by byte", func(t *testing.T) { f(t, NewDecoder(iotest.OneByteReader(strings.NewReader(text)), l)) })
}

func TestTokensAreReadAsTheyStand(t *testing.T) {
	decode(t, "* 12 FETCH (UID 7 X \"a \\\"quoted\\\\\" {5+}\r\nab\r\nc NIL) BODY[HEADER.FIELDS (\"A B\")]<0> \xe4\xf6\r\n", Limits{}, func(t *testing.T, d *Decoder) {
		d.Expect('*')
		d.Expect(' ')
		if n := d.Number(); n != 12 {
			t.Fatalf("number %d", n)
		}
		d.AcceptSpace()
		if a := d.Atom(); string(a) != "FETCH" {
			t.Fatalf("atom %q", a)
		}
		d.AcceptSpace()
		v, whole := d.Value()
		if !whole || len(v.List) != 6 || v.At(1).Str != "7" || v.At(3).Str != `a "quoted\` || v.At(4).Str != "ab\r\nc" || v.At(5).Kind != Nil || v.At(9).Kind != Nil {
			t.Fatalf("value %+v", v)
		}
		d.AcceptSpace()
		if i := d.Item(); string(i) != `BODY[HEADER.FIELDS ("A B")]<0>` {
			t.Fatalf("item %q", i)
		}
		d.AcceptSpace()
		if s := d.AString(); string(s) != "\xe4\xf6" {
			t.Fatalf("string %q", s)
		}
		if !d.AtEOL() || !d.AcceptEOL() || d.Err() != nil {
			t.Fatal(d.Err())
		}
		if d.Peek(); !errors.Is(d.Err(), io.ErrUnexpectedEOF) {
			t.Fatalf("at the end: %v", d.Err())
		}
	})
}

func TestEightBitQuotedStringsAndLFAloneAreAccepted(t *testing.T) {
	decode(t, "\"Gr\xfc\xdfe\" {3}\nabc\n", Limits{}, func(t *testing.T, d *Decoder) {
		if s := d.String(); string(s) != "Gr\xfc\xdfe" {
			t.Errorf("got %q", s)
		}
		d.AcceptSpace()
		if s, ok := d.NString(); string(s) != "abc" || !ok || !d.AcceptEOL() {
			t.Errorf("got %q, %v", s, d.Err())
		}
	})
}

func TestALineThatNobodyKnowsIsPassedOverWithItsLiterals(t *testing.T) {
	for _, line := range []string{
		"X-THING (a {7}\r\n) \r\nA1 b) c",
		`it's a "bad one`,
		`quote at the end "\`,
		"free {text} {12 and {3x}",
		"~{4}\r\n\x00\x01\r\n tail",
		"{0}\r\n",
		strings.Repeat("(", 10000),
	} {
		decode(t, line+"\r\nnext\r\n", Limits{}, func(t *testing.T, d *Decoder) {
			d.SkipLine()
			if a := d.Atom(); string(a) != "next" {
				t.Errorf("after %q came %q (%v)", line, a, d.Err())
			}
		})
	}
}

func TestAValueDeeperThanItsBoundIsPassedOverWhole(t *testing.T) {
	deep := strings.Repeat("(x ", 200) + strings.Repeat(")", 200)
	decode(t, deep+" after\r\n", Limits{}, func(t *testing.T, d *Decoder) {
		if _, whole := d.Value(); whole {
			t.Error("it counts as whole")
		}
		d.AcceptSpace()
		if a := d.Atom(); string(a) != "after" {
			t.Errorf("then came %q (%v)", a, d.Err())
		}
	})
	wide := "(" + strings.Repeat("x ", 300) + ")"
	decode(t, wide+" after\r\n", Limits{Values: 100}, func(t *testing.T, d *Decoder) {
		v, whole := d.Value()
		d.AcceptSpace()
		if a := d.Atom(); whole || len(v.List) >= 100 || string(a) != "after" {
			t.Errorf("%d values, whole %v, then came %q (%v)", len(v.List), whole, a, d.Err())
		}
	})
}

func TestALongLiteralIsPassedOverAndTold(t *testing.T) {
	decode(t, "{20}\r\n01234567890123456789 after", Limits{Literal: 10}, func(t *testing.T, d *Decoder) {
		b, ok, over := d.Body()
		d.AcceptSpace()
		if a := d.Until('r'); b != nil || !ok || over != 20 || string(a) != "afte" {
			t.Errorf("got %q %v %d, then %q", b, ok, over, a)
		}
	})
}

func TestALiteralOfTwoMegabytesIsReadWhole(t *testing.T) {
	want := bytes.Repeat([]byte("0123456789abcdef"), 2<<20/16)
	d := NewDecoder(io.MultiReader(strings.NewReader("{2097152}\r\n"), bytes.NewReader(want)), Limits{})
	if b, _, _ := d.Body(); !bytes.Equal(b, want) || cap(b) != len(b) {
		t.Errorf("got %d bytes, %v", len(b), d.Err())
	}
}

func TestAHostileLengthCostsNoMemory(t *testing.T) {
	n := testing.AllocsPerRun(1, func() {
		d := NewDecoder(strings.NewReader("{268435456}\r\nthat is all"), Limits{})
		if b, _, _ := d.Body(); b != nil || d.Err() == nil {
			t.Errorf("got %d bytes", len(b))
		}
	})
	if n > 20 {
		t.Errorf("%v allocations", n)
	}
}

func TestBoundsAndNonsenseAreErrorsWithAPlace(t *testing.T) {
	for _, c := range []struct {
		text string
		read func(*Decoder)
	}{
		{strings.Repeat("a", 3000), func(d *Decoder) { d.Atom() }},
		{`"` + strings.Repeat("a", 3000) + `"`, func(d *Decoder) { _ = d.String() }},
		{`"` + strings.Repeat(`\"`, 3000) + `"`, func(d *Decoder) { _ = d.String() }},
		{"{3000}\r\n" + strings.Repeat("a", 3000), func(d *Decoder) { _ = d.String() }},
		{"99999999999999999999999", func(d *Decoder) { d.Number64() }},
		{"4294967296 ", func(d *Decoder) { d.Number() }},
		{"x", func(d *Decoder) { d.Number() }},
		{"\"open\r\n", func(d *Decoder) { _ = d.String() }},
		{"{5} \r\nhello", func(d *Decoder) { _ = d.String() }},
		{"{99999999999999999999}\r\n", func(d *Decoder) { _ = d.String() }},
		{"{x}\r\n", func(d *Decoder) { _ = d.String() }},
		{"xNIL ", func(d *Decoder) { d.NString() }},
		{"(a (b)\r\n", func(d *Decoder) { d.Value() }},
		{"(a (b)\r\n", func(d *Decoder) { d.SkipValue() }},
		{"1:,3", func(d *Decoder) { d.Set(func(Range) {}) }},
		{" ", func(d *Decoder) { d.Item() }},
		{"\rx", func(d *Decoder) { d.AcceptEOL() }},
		{"abc\r\n)", func(d *Decoder) { d.Until(')') }},
	} {
		d := NewDecoder(strings.NewReader(c.text), Limits{Line: 2000})
		c.read(d)
		var se *SyntaxError
		if !errors.As(d.Err(), &se) || !strings.Contains(se.Error(), "at byte") {
			t.Errorf("%.20q: got %v", c.text, d.Err())
		}
	}
}

func TestSetsOfAnyLengthStreamBy(t *testing.T) {
	text := strings.Repeat("1:3,7,9:8,", 500) + "5:* "
	d := NewDecoder(strings.NewReader(text), Limits{Line: 100})
	n, total := 0, int64(0)
	d.Set(func(r Range) { n++; total += r.Count() })
	if n != 1501 || total != 500*6+1<<32-5 || d.Err() != nil {
		t.Errorf("%d ranges of %d, %v", n, total, d.Err())
	}
}

func TestSetsAreWrittenAsRanges(t *testing.T) {
	for want, in := range map[string][]uint32{
		"":                      nil,
		"1":                     {1, 1},
		"1:3,5,7:8":             {1, 2, 3, 5, 7, 8},
		"4294967294:4294967295": {4294967294, 4294967295},
		"2:4":                   {2, 3, 3, 4},
	} {
		if got := string(AppendSet(nil, in)); got != want {
			t.Errorf("%v: got %q, want %q", in, got, want)
		}
	}
	if got := ParseSet("3:1,9,4:4", 10); string(AppendSet(nil, got)) != "1:3,9,4" {
		t.Errorf("got %v", got)
	}
	for _, bad := range []string{"", "x", "1:", "1:*", "1:100", "1,2,3,4,5,6,7,8,9,10,11"} {
		if got := ParseSet(bad, 10); got != nil {
			t.Errorf("%q: got %v", bad, got)
		}
	}
}

func TestModifiedUTF7(t *testing.T) {
	// RFC 3501 5.1.3 and names seen in the wild
	for plain, coded := range map[string]string{
		"~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e": "~peter/mail/&U,BTFw-/&ZeVnLIqe-",
		"Entw\u00fcrfe": "Entw&APw-rfe", "a&b": "a&-b", "&": "&-", "": "", "\U0001f4ec": "&2D3c7A-", "tab\t": "tab&AAk-",
	} {
		if got := EncodeUTF7(plain); got != coded {
			t.Errorf("%q: got %q, want %q", plain, got, coded)
		}
		if got, ok := DecodeUTF7(coded); got != plain || !ok {
			t.Errorf("%q: got %q %v, want %q", coded, got, ok, plain)
		}
	}
	for _, odd := range []string{"&", "a&b", "&APw", "&APw-&APw-", "&AGE-", "&2D0-", "raw \xfc", "&APx-", "&A-"} {
		if got, ok := DecodeUTF7(odd); ok || got != odd {
			t.Errorf("%q was decoded to %q", odd, got)
		}
	}
}

func TestStringsAreQuotedOrSentAsLiterals(t *testing.T) {
	for _, c := range []struct {
		in, want string
		utf8     bool
		segments int
	}{
		{"plain", `"plain"`, false, 1},
		{`q"\`, `"q\"\\"`, false, 1},
		{"", `""`, false, 1},
		{"\u00fc", "{2}\r\n\u00fc", false, 2},
		{"\u00fc", "\"\u00fc\"", true, 1},
		{"a\r\nA1 LOGOUT", "{12}\r\na\r\nA1 LOGOUT", true, 2},
	} {
		e := Encoder{UTF8: c.utf8}
		e.String(c.in)
		segs := e.Segments()
		var out []byte
		for i, s := range segs {
			out = append(out, s.Data...)
			if s.Wait != (i > 0) {
				t.Errorf("%q: segment %d waits: %v", c.in, i, s.Wait)
			}
		}
		if string(out) != c.want || len(segs) != c.segments {
			t.Errorf("%q: got %q in %d segments", c.in, out, len(segs))
		}
	}
	if e := (&Encoder{}); len(e.Segments()) != 0 {
		t.Error("nothing makes a segment")
	}
}

func TestALongLiteralIsNotCopied(t *testing.T) {
	big := bytes.Repeat([]byte("x"), 100<<10)
	e := Encoder{NonSync: func(n int) bool { return true }}
	segs := e.Raw("A1 APPEND x ").Literal(big).End().Segments()
	if len(segs) != 3 || &segs[1].Data[0] != &big[0] || segs[1].Wait || string(segs[0].Data) != "A1 APPEND x {102400+}\r\n" || string(segs[2].Data) != "\r\n" {
		t.Errorf("got %d segments", len(segs))
	}
}

func TestAtoms(t *testing.T) {
	for _, s := range []string{"$Forwarded", "work", "a.b-c_d"} {
		if !IsAtom(s) {
			t.Errorf("%q is one", s)
		}
	}
	for _, s := range []string{"", "a b", "a(b", "\\Seen", "a\r\n", "\u00fc", "a]b", "100%"} {
		if IsAtom(s) {
			t.Errorf("%q is none", s)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte("* 1 FETCH (UID 7 FLAGS (\\Seen) BODY[] {3}\r\nabc)\r\n"), byte(3))
	f.Add([]byte("(a \"b\" (NIL {1}\r\nx))\r\n1:3,5\r\n"), byte(1))
	f.Fuzz(func(t *testing.T, data []byte, how byte) {
		d := NewDecoder(bytes.NewReader(data), Limits{Line: 1000, Literal: 2000, Values: 100})
		for i := 0; d.Err() == nil && i < 10000; i++ {
			before := d.before + int64(d.r)
			switch (int(how) + i) % 12 {
			case 0:
				d.Value()
			case 1:
				d.SkipLine()
			case 2:
				_ = d.Atom()
			case 3:
				_, _, _ = d.Body()
			case 4:
				d.SkipValue()
			case 5:
				d.Set(func(Range) {})
			case 6:
				_ = d.AString()
			case 7:
				d.Text(100)
				d.Accept('\n')
			case 8:
				_ = d.Item()
			case 9:
				d.Number64()
			case 10:
				d.AcceptSpace()
			case 11:
				_ = d.Until(')')
			}
			if d.Err() == nil && d.before+int64(d.r) < before {
				t.Fatal("it went back")
			}
			if i%12 == 11 {
				d.Begin()
				d.SkipLine()
			}
		}
	})
}

func FuzzUTF7(f *testing.F) {
	f.Add("Entw&APw-rfe")
	f.Add("a&-b&U,BTFw-")
	f.Fuzz(func(t *testing.T, s string) {
		if name, ok := DecodeUTF7(s); ok && EncodeUTF7(name) != s {
			t.Errorf("%q became %q, which is written %q", s, name, EncodeUTF7(name))
		}
		valid := strings.ToValidUTF8(s, "?")
		if name, ok := DecodeUTF7(EncodeUTF7(valid)); !ok || name != valid {
			t.Errorf("%q came back as %q", valid, name)
		}
	})
}

func FuzzStrings(f *testing.F) {
	f.Add("plain", true)
	f.Add("a\"b\\\r\n", false)
	f.Fuzz(func(t *testing.T, s string, utf8 bool) {
		e := Encoder{UTF8: utf8}
		var wire []byte
		for _, seg := range e.String(s).End().Segments() {
			wire = append(wire, seg.Data...)
		}
		d := NewDecoder(bytes.NewReader(wire), Limits{})
		if got := d.String(); string(got) != s || !d.AcceptEOL() {
			t.Errorf("%q came back as %q (%v)", s, got, d.Err())
		}
	})
}
