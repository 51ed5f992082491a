package rtf

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSourceIsToldByTheFirstTokens(t *testing.T) { // MS-OXRTFEX 2.2.3.1
	for in, want := range map[string]Source{
		`{\rtf1\ansi\fromhtml1 \deff0{\fonttbl}}`:            WasHTML,
		`{\rtf1\ansi\ansicpg1252\fromtext \deff0{\fonttbl}}`: WasPlain,
		"\uFEFF{\\rtf1\\fromhtml1 x}":                        WasHTML,
		`{\rtf1\ansi\fromhtml0 \deff0}`:                      Native,
		`{\rtf1\ansi\fromhtml \deff0}`:                       Native,
		`{\rtf1\ansi{\fonttbl}\fromhtml1}`:                   Native,
		`{\rtf1\a\b\c\d\e\g\h\i\j\k\l\fromhtml1}`:            Native,
		`{\rtf1 text \fromhtml1}`:                            Native,
		``:                                                   Native,
		`<html>`:                                             Native,
	} {
		if got := Detect([]byte(in)); got != want {
			t.Errorf("%s: %d, want %d", in, got, want)
		}
	}
}

func TestOnlyWhatWasEncapsulatedIsTakenOut(t *testing.T) {
	plain, markup := FromText("x"), FromHTML("x")
	if _, err := OriginalHTML(plain); !errors.Is(err, ErrNotEncapsulated) {
		t.Errorf("HTML of plain text: %v", err)
	}
	if _, err := OriginalText(markup); !errors.Is(err, ErrNotEncapsulated) {
		t.Errorf("text of HTML: %v", err)
	}
}

func TestDeencapsulation(t *testing.T) { // MS-OXRTFEX 2.2.3.2
	const head = `{\rtf1\ansi\ansicpg1251\fromhtml1 \deff0{\fonttbl{\f0\fswiss\fcharset0 Arial;}{\f1\fcharset204 Arial CYR;}{\f2\fcharset128 MS Gothic;}{\f3\fcharset161\cpg1250 X;}}` +
		`{\colortbl;\red1\green2\blue3;}{\*\generator X;}{\stylesheet{\s0 Normal;}}\uc1\pard\plain `
	for name, x := range map[string]struct{ in, want string }{
		"markup and shared text":       {`{\*\htmltag64 <p>}Hello{\*\htmltag72 </p>}`, "<p>Hello</p>"},
		"no parameter":                 {`{\*\htmltag <p>}`, "<p>"},
		"a digit after the parameter":  {`{\*\htmltag84 1}`, "1"},
		"text that RTF alone shows":    {`a\htmlrtf b\htmlrtf0 c`, "ac"},
		"the same with a parameter":    {`a\htmlrtf1 b\htmlrtf0 c`, "ac"},
		"groups restore htmlrtf":       {`a{\htmlrtf b}c\htmlrtf {\htmlrtf0 d}e\htmlrtf0 f`, "acdf"},
		"plain leaves htmlrtf":         {`\htmlrtf\plain b\htmlrtf0 c`, "c"},
		"rewritten markup":             {`{\*\mhtmltag64 <a href="cid:x">}{\*\htmltag64 <a>}`, "<a>"},
		"line ends":                    {"a\r\nb{\\*\\htmltag84 <br>\\par c\r\nd\\line }e\\par f\\line ", "ab<br>\r\ncd\r\ne\r\nf\r\n"},
		"escapes in markup":            {`{\*\htmltag84 \{\}\\\tab\~\_\lquote\rquote\ldblquote\rdblquote\bullet\endash\emdash}`, "{}\\\t\u00A0\u00AD‘’“”•–—"},
		"document code page in markup": {`\f2{\*\htmltag84 \'cf\'f0}`, "Пр"},
		"font code page in text":       {`\f1\'cf\'f0\f0\'e9\f3\'e8`, "Прéč"},
		"two bytes for one letter":     {`\f2\'93\'fa\'96{\f2\'7b}`, "日\uFFFD{"},
		"a raw second byte":            {"\\f2 \\'83e", "テ"},
		"units of UTF-16":              {`\u8364?\u-10179?\u-8704?\u21`, "€😀\x15"},
		"what stands in for a unit":    {`\uc2\u8364\'80\'80x\uc0\u8364y{\uc3\u8364abcd}\u8364 z`, "€x€y€d€z"},
		"a unit before a brace":        {`{\u8364}x`, "€x"},
		"a unit before formatting":     {`\u8364\b x`, "€x"},
		"a lone half of a pair":        {`a\u-10179?b`, "ab"},
		"unknown destinations":         {`{\*\unknown a{b}}{\header c}{\footnote d}e`, "e"},
		"a link":                       {`{\*\htmltag84 <a>}\htmlrtf {\field{\*\fldinst{HYPERLINK "http://x"}}{\fldrslt\cf1\ul \htmlrtf0 y\htmlrtf }\htmlrtf0 \htmlrtf }\htmlrtf0{\*\htmltag92 </a>}`, "<a>y</a>"},
		"what lies behind the end":     {`a}b{c`, "a"},
		"a picture and binary data":    {"a{\\pict\\bin3 }}}4142}b\\bin2 {{c", "abc"},
	} {
		in := head + x.in
		if name != "what lies behind the end" {
			in += "}"
		}
		got, err := OriginalHTML([]byte(in))
		if err != nil || got != x.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, x.want)
		}
	}
}

func TestDeencapsulationOfText(t *testing.T) { // MS-OXRTFEX 2.2.3.3
	got, err := OriginalText([]byte(`{\rtf1\ansi\ansicpg1252\fromtext \deff0{\fonttbl{\f0\fswiss Arial;}}{\*\generator x}\uc1\pard\plain\f0\fs20 a\tab b\par` +
		"\r\n" + `\{c\}\line \ldblquote d\rdblquote\'e4\u8364?\par}`))
	if want := "a\tb\r\n{c}\r\n“d”ä€\r\n"; err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

// The example of the specification, MS-OXRTFEX 3.
const exampleRTF = `{\rtf1\ANSI\ansicpg1251\fromhtml1 \deff0
{\fonttbl {\f0\fmodern Courier New;}{\f1\fswiss Arial;}{\f2\fswiss\fcharset0 Arial;}}
{\colortbl\red0\green0\blue0;\red0\green0\blue255;} 
{\*\htmltag64}
\uc1\pard\plain\deftab360 \f0\fs24
{\*\htmltag <HTML><head>\par
<style>\par
<!--\par
 /* Style Definitions */\par
 p.MsoNormal, li.MsoNormal \{font-family:Arial;\}\par
-->\par
</style>\par
\tab <!-- This is a HTML comment.\par
There is a horizontal tab (%x09) character before the comment, \par
and some new lines inside the comment. -->\par
</head>\par
<body>\par
<p\par
class="MsoNormal">}
{\htmlrtf \f1 \htmlrtf0 Note the line break inside a P tag. {\*\htmltag <b>}{\htmlrtf \b \htmlrtf0 This is a bold text{\*\htmltag </b>}} \htmlrtf\par\htmlrtf0}
\htmlrtf \par \htmlrtf0
{\*\htmltag </p>\par
<p class="MsoNormal">\par}
{\htmlrtf \f1 \htmlrtf0 This is a normal text with a character references:
{\*\htmltag &nbsp;}\htmlrtf \'a0\htmlrtf0  {\*\htmltag &lt;}\htmlrtf <\htmlrtf0  {\*\htmltag &uml;}\htmlrtf {\f2\'a8}\htmlrtf0{\*\htmltag <br>\par}\htmlrtf\line\htmlrtf0
characters which have special meaning in RTF: \{\}\\{\*\htmltag <br>\par}\htmlrtf\line\htmlrtf0\htmlrtf\par\htmlrtf0}
{\*\htmltag </p>\par
<ol>\par
    <li class="MsoNormal">}{\htmlrtf {{\*\pn\pnlvlbody\pndec\pnstart1\pnindent360{\pntxta.}}\li360\fi-360{\pntext 1.\tab} \f1 \htmlrtf0 This is a list item}\htmlrtf\par\htmlrtf0}
{\*\htmltag \par
</ol>\par
</body>\par
</HTML>\par }}`

const exampleHTML = `<HTML><head>
<style>
<!--
 /* Style Definitions */
 p.MsoNormal, li.MsoNormal {font-family:Arial;}
-->
</style>
` + "\t" + `<!-- This is a HTML comment.
There is a horizontal tab (%x09) character before the comment, 
and some new lines inside the comment. -->
</head>
<body>
<p
class="MsoNormal">Note the line break inside a P tag. <b>This is a bold text</b> </p>
<p class="MsoNormal">
This is a normal text with a character references:&nbsp; &lt; &uml;<br>
characters which have special meaning in RTF: {}\<br>
</p>
<ol>
    <li class="MsoNormal">This is a list item
</ol>
</body>
</HTML>
`

func TestExampleOfTheSpecificationGivesItsHTML(t *testing.T) {
	want := strings.ReplaceAll(exampleHTML, "\n", "\r\n")
	for _, in := range []string{exampleRTF, strings.ReplaceAll(exampleRTF, "\n", "\r\n")} {
		got, err := OriginalHTML([]byte(in))
		if err != nil || got != want {
			t.Errorf("%v\n%q\nwant\n%q", err, got, want)
		}
	}
	if got, err := OriginalHTML(FromHTML(want)); err != nil || got != want {
		t.Errorf("written by us: %v\n%q", err, got)
	}
	const text = "Note the line break inside a P tag. This is a bold text \r\n\r\nThis is a normal text with a character references:\u00A0 < ¨\r\n" +
		"characters which have special meaning in RTF: {}\\\r\n\r\n1.  This is a list item\r\n"
	got, err := ToText([]byte(exampleRTF))
	if err != nil || strings.TrimSpace(got) != strings.TrimSpace(text) {
		t.Errorf("as any RTF: %v\n%q\nwant\n%q", err, got, text)
	}
}

// htmlPieces are what HTML is drawn from: parts of every kind, also broken ones.
func htmlPieces() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"<html>", "<head>", "</head>", "<body>", "</body>", "<title>a & b</title>", "<style>p { x: \"}\" }</style>", "<script>if (a<b) {\r\n}</script>",
			"<p>", "</p>", "<p style='color:red;font-size:9pt'>", "<b>", "</b>", "<i>", "</i>", "<a href=\"https://example.org/?a=1&b=2\">", "<a href='javascript:x'>", "</a>",
			"<ul>", "<ol>", "<li>", "</ul>", "</ol>", "<br>", "<br/>", "<pre>", "</pre>", "<table>", "<tr>", "<td>", "</table>", "<img src=x alt='a \\ b'>", "<font size=5 face=\"Comic Sans, x\" color=#123>", "</font>",
			"<h1>", "</h1>", "<blockquote>", "</blockquote>", "<!-- {\\rtf} -->", "<!doctype html>", "<", "</", "<a href=\"", ">", "&", "&amp;", "&nbsp;", "&#8364;", "&notit;", "&#x0;", "&x",
			" ", "  ", "\n", "\r\n", "\r", "\t", "word", "ä€😀", "\u2011\u00AD\u00A0", "{", "}", "\\", "\\'e4", "\\par ", "\x00", "\x7f", "\u0085", "\uFEFF", "[CDATA[", "<svg><title/>", "<textarea>", "<xmp>", "<plaintext>"}),
		rapid.String(),
	)
}

func TestHTMLComesBackByteForByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := strings.ToValidUTF8(strings.Join(rapid.SliceOfN(htmlPieces(), 0, 60).Draw(t, "pieces"), ""), "?")
		packed := FromHTML(src)
		got, err := OriginalHTML(packed)
		if err != nil || got != src {
			t.Fatalf("%q\ncame back as\n%q, %v\nfrom\n%s", src, got, err, packed)
		}
		for _, f := range []func([]byte) (string, error){ToHTML, ToText} {
			if _, err := f(packed); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestTextComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringOf(rapid.Rune().Filter(func(r rune) bool { return r != '\r' && r != '\n' && r != '\uFFFD' })), 1, 20).Draw(t, "lines")
		want := strings.Join(lines, "\r\n")
		for _, end := range []string{"\r\n", "\n", "\r"} {
			if got, err := OriginalText(FromText(strings.Join(lines, end))); err != nil || got != want {
				t.Fatalf("%q, %v; want %q", got, err, want)
			}
		}
	})
}

func TestMailGivesRTFWithinReason(t *testing.T) {
	src := "<html><body>" + strings.Repeat("<p class=MsoNormal><b>Hello</b>, <span style=\"color:red\">world</span> &amp; all &ndash; ä</p>\r\n", 2000) + "</body></html>"
	packed := FromHTML(src)
	if got, err := OriginalHTML(packed); err != nil || got != src {
		t.Errorf("came back differently, %v", err)
	}
	if small := Compress(packed); len(packed) > 5*len(src) || len(small) > len(src) {
		t.Errorf("%d bytes became %d, %d compressed", len(src), len(packed), len(small))
	}
}

func FuzzOriginal(f *testing.F) {
	f.Add([]byte(`{\rtf1\ansi\fromhtml1 {\fonttbl{\f0\fcharset128 x;}}{\*\htmltag64 <p>}a\'93\u-10179?\htmlrtf b\htmlrtf0}`))
	f.Add([]byte(`{\rtf1\ansi\fromtext a\par}`))
	f.Add(FromHTML("<p>a &amp; <b>b</b></p>"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, get := range []func([]byte) (string, error){OriginalHTML, OriginalText} {
			s, err := get(raw)
			if errors.Is(err, ErrNotEncapsulated) && s != "" {
				t.Fatalf("%q of what was not encapsulated", s)
			}
			if len(s) > 8*len(raw)+8 {
				t.Fatalf("%d bytes became %d", len(raw), len(s))
			}
		}
	})
}

func FuzzFromHTML(f *testing.F) {
	f.Add("<html><body><p>a &amp; b</p><ul><li>x</ul></body></html>")
	f.Add("<a href='https://x'>y<pre>\n z")
	f.Fuzz(func(t *testing.T, src string) {
		want := strings.ToValidUTF8(src, "\uFFFD")
		if got, err := OriginalHTML(FromHTML(src)); err != nil || got != want {
			t.Fatalf("%q came back as %q, %v", want, got, err)
		}
	})
}
