package rtf

import (
	"errors"
	"strings"
	"testing"

	nethtml "golang.org/x/net/html"
	"pgregory.net/rapid"
)

const testHead = `{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss\fcharset0 Arial;}{\f1\fmodern Courier New;}{\f2\fnil\fcharset2 Symbol;}{\f3\fcharset2 Wingdings;}{\f4\fcharset204{\*\fname X;}Arial Cyr;}}` +
	`{\colortbl;\red255\green0\blue0;\red0\green0\blue255;}{\stylesheet{\s0 Normal;}}{\info{\title Secret}{\author Me}}\viewkind4\uc1\pard\f0\fs24 `

// shownHTML gives what ToHTML puts into the body.
func shownHTML(t *testing.T, in string) string {
	t.Helper()
	page, err := ToHTML([]byte(in))
	if err != nil {
		t.Fatalf("%s: %v", in, err)
	}
	_, body, _ := strings.Cut(page, "<body")
	_, body, _ = strings.Cut(body, ">\n")
	return strings.TrimSuffix(body, "</body></html>\n")
}

func TestOrdinaryRTFForReading(t *testing.T) {
	for name, x := range map[string]struct{ in, html, text string }{
		"paragraphs": {`one\par\par two`, "<div>one</div>\n<div><br></div>\n<div>two</div>\n", "one\r\n\r\ntwo\r\n"},
		"looks": {`{\b bold} {\i it\ul al} \strike x\strike0  2{\super 3}{\sub 4}\caps c\plain .`,
			"<div><b>bold</b> <i>it</i><i><u>al</u></i> <s>x</s> 2<sup>3</sup><sub>4</sub><span style=\"text-transform:uppercase\">c</span>.</div>\n", "bold ital x 234c.\r\n"},
		"fonts, sizes and colours": {`\f1\fs21\cf1 a\f0\fs24\cf0\highlight2 b\cf9\highlight0 c`,
			"<div><span style=\"font-family:'Courier New';font-size:10.5pt;color:#ff0000\">a</span><span style=\"background-color:#0000ff\">b</span>c</div>\n", "abc\r\n"},
		"hidden text":       {`a{\v b}c`, "<div>ac</div>\n", "ac\r\n"},
		"layout":            {`\qc a\par\pard\qr\li720 b\par\pard\rtlpar c`, "<div style=\"text-align:center\">a</div>\n<div style=\"text-align:right;margin-left:36pt\">b</div>\n<div dir=\"rtl\">c</div>\n", "a\r\nb\r\nc\r\n"},
		"spaces and breaks": {`  a  b\tab c\line  d`, "<div>&nbsp; a &nbsp;b&nbsp;&nbsp;&nbsp; c<br>&nbsp;d</div>\n", "  a  b\tc\r\n d\r\n"},
		"code pages":        {`\'e9\f4\'cf\f0\u8364\'80\~\_\-`, "<div>é<span style=\"font-family:'Arial Cyr'\">П</span>€&nbsp;\u2011\u00AD</div>\n", "éП€\u00A0\u2011\u00AD\r\n"},
		"symbols":           {`\f2 \'b7ab\f3 J\u-3844?`, "<div>•αβ☺✓</div>\n", "•αβ☺✓\r\n"},
		"bullets as RichEdit writes them": {`\pard{\pntext\f2\'B7\tab}{\*\pn\pnlvlblt\pnf2\pnindent0{\pntxtb\'B7}}\fi-720\li720 one\par{\pntext\f2\'B7\tab}two\par\pard three`,
			"<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n<div>three</div>\n", "• one\r\n• two\r\nthree\r\n"},
		"lists as Word writes them": {`{\*\listtable{\list{\listlevel\levelnfc0{\leveltext\'02\'00.;}}}}{\listtext\pard 3.\tab}\ls1\ilvl0 c\par{\listtext a)\tab}\ilvl1 in\par{\listtext 4.\tab}\ilvl0 d\par\pard{\listtext\f2\'b7\tab}\ls2 e\par`,
			"<ol>\n<li value=\"3\">c<ol>\n<li>in</li>\n</ol>\n</li>\n<li value=\"4\">d</li>\n</ol>\n<ul>\n<li>e</li>\n</ul>\n", "3. c\r\n  a) in\r\n4. d\r\n• e\r\n"},
		"a table": {`before\par\trowd\cellx100\cellx200\pard\intbl a\cell b\par c\cell\row\trowd\cellx100\intbl d\cell\cell\row\pard after`,
			"<div>before</div>\n<table border=\"1\" style=\"border-collapse:collapse\">\n<tr><td>a</td><td><div>b</div>\n<div>c</div>\n</td></tr>\n<tr><td>d</td><td></td></tr>\n</table>\n<div>after</div>\n",
			"before\r\na\tb c\r\nd\r\nafter\r\n"},
		"a link": {`see {\field\flddirty{\*\fldinst{ HYPERLINK "https://example.org/?a=1&b" \\o "tip"}}{\fldrslt{\ul\cf2 here}}}.`,
			"<div>see <a href=\"https://example.org/?a=1&amp;b\"><span style=\"color:#0000ff\"><u>here</u></span></a>.</div>\n", "see here <https://example.org/?a=1&b>.\r\n"},
		"a link that shows its address": {`{\field{\*\fldinst HYPERLINK mailto:a@example.org}{\fldrslt a@example.org}}`,
			"<div><a href=\"mailto:a@example.org\">a@example.org</a></div>\n", "a@example.org\r\n"},
		"a link to a place in the text": {`{\field{\*\fldinst HYPERLINK \\l "x"}{\fldrslt y}}`, "<div>y</div>\n", "y\r\n"},
		"another field":                 {`{\field{\*\fldinst PAGE}{\fldrslt 3}}`, "<div>3</div>\n", "3\r\n"},
		"pictures": {`a{\*\shppict{\pict\pngblip 89504e47}}{\nonshppict{\pict\wmetafile8 0100}}b{\object\objemb{\*\objclass X}{\*\objdata 0105}{\result{\pict 00}}}\objattph\'20`,
			"<div>a<span data-picture=\"1\">[picture 1]</span>b<span data-picture=\"2\">[picture 2]</span><span data-attachment=\"1\">[attachment 1]</span> </div>\n", "a[picture 1]b[picture 2][attachment 1] \r\n"},
		"what is not for reading": {`{\header h}{\*\unknown{\b u}}{\footnote f}{\*\bkmkstart x}a{\*\bkmkend x}{\xe{x}}`, "<div>a</div>\n", "a\r\n"},
		"markup as text":          {`<script>&"\u0?\'00`, "<div>&lt;script&gt;&amp;&#34;</div>\n", "<script>&\"\r\n"},
		"broken":                  {`a\'zzb}`, "<div>azzb</div>\n", "azzb\r\n"},
		"cut in a control":        {`a\`, "<div>a</div>\n", "a\r\n"},
		"cut in an escape":        {`a\'e`, "<div>a</div>\n", "a\r\n"},
	} {
		in := testHead + x.in + "}"
		if strings.HasPrefix(name, "cut") || name == "broken" {
			in = testHead + x.in
		}
		if got := shownHTML(t, in); got != x.html {
			t.Errorf("%s: HTML\n%s\nwant\n%s", name, got, x.html)
		}
		if got, err := ToText([]byte(in)); err != nil || got != x.text {
			t.Errorf("%s: text %q, %v; want %q", name, got, err, x.text)
		}
	}
}

func TestLinksThatDoMoreThanOpenAreLeftOut(t *testing.T) {
	for _, target := range []string{"javascript:alert(1)", "JavaScript:x", "data:text/html,x", "file:///etc/passwd", "vbscript:x", "https:x", "//evil", "x", "\\\\server\\x", "https://a b"} {
		in := testHead + `{\field{\*\fldinst{HYPERLINK "` + strings.ReplaceAll(target, `\`, `\\`) + `"}}{\fldrslt y}}}`
		if got := shownHTML(t, in); got != "<div>y</div>\n" {
			t.Errorf("%s: %s", target, got)
		}
	}
}

func TestBoundsHold(t *testing.T) {
	for name, x := range map[string]struct {
		in   string
		want error
	}{
		"no RTF":    {"<html>", ErrNotRTF},
		"empty":     {"", ErrNotRTF},
		"too deep":  {`{\rtf1 a` + strings.Repeat("{", MaxDepth) + "b", ErrTooDeep},
		"too large": {`{\rtf1 ` + strings.Repeat(" ", MaxSize), ErrTooLarge},
		"grows too large": {`{\rtf1{\fonttbl{\f0 X;}{\f1 ` + strings.Repeat("y", 60) + `;}}{\colortbl;\red1;}\f1\b\i\ul\strike\super\cf1` + strings.Repeat(`\b1 a\b0 b`, 300_000) + `}`,
			ErrTooLarge},
	} {
		page, err := ToHTML([]byte(x.in))
		if !errors.Is(err, x.want) {
			t.Errorf("%s: %v", name, err)
		}
		if len(page) > MaxSize+1<<20 {
			t.Errorf("%s: made %d bytes", name, len(page))
		}
		if name == "too deep" && !strings.Contains(page, "<div>a</div>") {
			t.Errorf("what could be read is missing: %s", page)
		}
	}
}

// unsafe finds what must not be in HTML for reading, and tags that do not match.
func unsafe(page string) string {
	var open []string
	z := nethtml.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case nethtml.ErrorToken:
			if len(open) > 0 {
				return "open: " + strings.Join(open, " ")
			}
			return ""
		case nethtml.StartTagToken:
			tag := z.Token()
			switch tag.Data {
			case "html", "head", "body", "div", "span", "b", "i", "u", "s", "sup", "sub", "a", "ul", "ol", "li", "table", "tr", "td":
				open = append(open, tag.Data)
			case "meta", "br":
			default:
				return "element " + tag.Data
			}
			for _, a := range tag.Attr {
				switch a.Key {
				case "href":
					if safe(a.Val) == "" {
						return "link " + a.Val
					}
				case "style":
					if strings.ContainsAny(a.Val, `<>"\()@&`) || strings.Contains(a.Val, "url") && !strings.Contains(a.Val, "font-family") {
						return "style " + a.Val
					}
				case "charset", "dir", "value", "border", "data-picture", "data-attachment":
				default:
					return "attribute " + a.Key
				}
			}
		case nethtml.EndTagToken:
			tag := z.Token()
			if len(open) == 0 || open[len(open)-1] != tag.Data {
				return "end of " + tag.Data + " in " + strings.Join(open, " ")
			}
			open = open[:len(open)-1]
		case nethtml.CommentToken, nethtml.SelfClosingTagToken:
			return "token " + z.Token().String()
		}
	}
}

func TestWhateverIsReadIsSafeAndWellFormed(t *testing.T) {
	pieces := []string{`\par `, `\b `, `\b0 `, `\plain `, `\f1 `, `\f2 `, `\cf1 `, `\fs7 `, `{`, `}`, `\pard `, `\intbl `, `\cell `, `\row `, `\trowd `, `\nestcell `, `\line `, `\tab `, `\ls1 `, `\ilvl3 `, `\qc `,
		`{\listtext 1.\tab}`, `{\pntext\f2\'b7\tab}`, `{\field{\*\fldinst{HYPERLINK "https://x.example/"}}{\fldrslt `, `{\field{\*\fldinst{HYPERLINK "javascript:x"}}{\fldrslt `, `{\pict 00}`, `\objattph `,
		`</div>`, `<script>`, `"`, `'`, `&`, "text", "  ", `\u8364?`, `\'e4`, `{\fonttbl{\f1 a'"><b>;}}`, `{\colortbl;\red1;}`, `\htmlrtf `, `{\*\htmltag84 <b>}`, `\uc0 `, `\v `, `\rtlpar `, `\bin3 `, `{\*\x `}
	rapid.Check(t, func(t *rapid.T) {
		in := testHead + strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 60).Draw(t, "pieces"), "")
		page, err := ToHTML([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		if found := unsafe(page); found != "" {
			t.Fatalf("%s:\n%s", found, page)
		}
		if _, err := ToText([]byte(in)); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWhatIsWrittenShows(t *testing.T) {
	packed := FromHTML("<html><head><title>T</title><style>p {}</style></head>\n<body><h1>Plan</h1><p>Dear <b>all</b>,<br>\nsee <a href=\"https://x.example/\">here</a> &amp; <font color=red size=5 face=Georgia>there</font>.</p>" +
		"<ul><li>one<li>two</ul><ol><li>x</li></ol><table><tr><td>1</td><td>2</td></tr></table><pre>a\n  b</pre><script>x</script></body></html>")
	text, err := ToText(packed)
	if want := "Plan\r\n\r\nDear all,\r\nsee here <https://x.example/> & there.\r\n\r\n•\tone\r\n•\ttwo\r\n1.\tx\r\n1\t2\r\n\r\na\r\n  b\r\n\r\n"; err != nil || text != want {
		t.Errorf("%q, %v; want\n%q", text, err, want)
	}
	page, err := ToHTML(packed)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<b>all</b>", `<a href="https://x.example/">`, `<span style="font-family:'Georgia';font-size:18pt;color:#ff0000">there</span>`, `<span style="font-size:24pt"><b>Plan</b></span>`} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is missing in\n%s", want, page)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add([]byte(testHead + `a\par{\pntext\f2\'b7}b\par\intbl c\cell\row{\field{\*\fldinst{HYPERLINK "https://x"}}{\fldrslt y}}{\pict\bin4 abcd}}`))
	f.Add(FromHTML("<p>a &amp; <b>b</b><ul><li>c</ul>"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		page, err := ToHTML(raw)
		if found := unsafe(page); found != "" {
			t.Fatalf("%s:\n%s", found, page)
		}
		if _, terr := ToText(raw); (err == nil) != (terr == nil) {
			t.Fatalf("HTML: %v, text: %v", err, terr)
		}
	})
}
