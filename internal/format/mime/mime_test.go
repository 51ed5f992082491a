package mime

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// outline writes the parts of a message as "path type [content]" lines.
func outline(m *Message) string {
	var b strings.Builder
	for i := range m.Parts {
		p := &m.Parts[i]
		fmt.Fprintf(&b, "%s|%s", m.Path(i), p.Type)
		if m.Leaf(i) {
			fmt.Fprintf(&b, "|%q", m.Content(i))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestWalkFindsTheParts(t *testing.T) {
	for _, c := range []struct{ name, in, want, problem string }{
		{"a plain message", "Subject: x\n\nbody\n", "1|text/plain|\"body\\r\\n\"\n", ""},
		{"a mailbox file's line", "From a@b Sun Nov 22\nSubject: x\n\nbody", "1|text/plain|\"body\"\n", ""},
		{"no header at all", "hello there\nsecond line\n\nx", "1|text/plain|\"hello there\\r\\nsecond line\\r\\n\\r\\nx\"\n", "a line in the header block is no header field at byte 0"},
		{"a stray line in the header", "Subject: x\nstray\nContent-Type: text/html\n\nb", "1|text/html|\"b\"\n", "a line in the header block is no header field at byte 12"},
		{"no empty line behind the header", "Subject: x\nhello there\nmore text here\n", "1|text/plain|\"hello there\\r\\nmore text here\\r\\n\"\n", "a line in the header block is no header field at byte 12"},
		{"only a header", "Subject: x\n", "1|text/plain|\"\"\n", ""},
		{"nothing", "", "1|text/plain|\"\"\n", ""},
		// RFC 2046 5.1.1
		{"a multipart", "Content-Type: multipart/mixed; boundary=\"simple boundary\"\n\nThis is the preamble.\n\n--simple boundary\n\nimplicitly typed\nno line end\n--simple boundary\nContent-type: text/html\n\nends with one\n\n--simple boundary--\n\nepilogue\n",
			"|multipart/mixed\n1|text/plain|\"implicitly typed\\r\\nno line end\"\n2|text/html|\"ends with one\\r\\n\"\n", ""},
		{"boundaries that begin the same", "Content-Type: multipart/mixed; boundary=ab\n\n--ab\nContent-Type: multipart/alternative; boundary=abc\n\n--abc\n\none\n--abc--\n--ab\n\ntwo\n--ab--\n",
			"|multipart/mixed\n1|multipart/alternative\n1.1|text/plain|\"one\"\n2|text/plain|\"two\"\n", ""},
		{"a missing end", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n", "|multipart/mixed\n1|text/plain|\"one\"\n2|text/plain|\"two\\r\\n\"\n", "the closing boundary of a multipart is missing at byte 69"},
		{"a missing inner end", "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\none\n--a\n\ntwo\n--a--",
			"|multipart/mixed\n1|multipart/alternative\n1.1|text/plain|\"one\"\n2|text/plain|\"two\"\n", "the closing boundary of a multipart is missing at byte 111"},
		{"no boundary in the text", "Content-Type: multipart/mixed; boundary=b\n\njust text\n", "1|text/plain|\"just text\\r\\n\"\n", "the closing boundary of a multipart is missing at byte 56"},
		{"no boundary parameter", "Content-Type: multipart/mixed\n\njust text\n", "1|text/plain|\"just text\\r\\n\"\n", "a multipart without boundary at byte 0"},
		{"a part without empty line", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n--b\n\ntwo\n--b--", "|multipart/mixed\n1|text/html|\"\"\n2|text/plain|\"two\"\n", ""},
		// RFC 9051 6.4.5
		{"attached messages", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nin\n--c\nContent-Type: message/rfc822\n\nSubject: deep\n\ndeep\n--c--\n--b--",
			"|multipart/mixed\n1|text/plain|\"one\"\n2|message/rfc822\n2|multipart/mixed\n2.1|text/plain|\"in\"\n2.2|message/rfc822\n2.2.1|text/plain|\"deep\"\n", ""},
		{"a digest", "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: one\n\ntext\n--b--", "|multipart/digest\n1|message/rfc822\n1.1|text/plain|\"text\"\n", ""},
		{"odd case and space", "CONTENT-TYPE : Multipart/Mixed;\n\tBOUNDARY = b \n\n--b  \ncontent-type:TEXT/HTML;charset=x\n\none\n--b--  \n", "|multipart/mixed\n1|text/html|\"one\"\n", ""},
	} {
		m := Walk([]byte(crlf(c.in)))
		if got := outline(m); got != c.want || m.Problem != c.problem {
			t.Errorf("%s:\n%s%q\nwant\n%s%q", c.name, got, m.Problem, c.want, c.problem)
		}
		lf := Walk([]byte(c.in))
		if got := strings.ReplaceAll(outline(lf), `\n`, `\r\n`); got != c.want {
			t.Errorf("%s with bare line feeds:\n%swant\n%s", c.name, got, c.want)
		}
	}
}

func TestWalkIsBounded(t *testing.T) {
	var deep strings.Builder
	for i := range 100 {
		fmt.Fprintf(&deep, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	if m := Walk([]byte(deep.String())); len(m.Parts) != MaxDepth+1 || m.Problem == "" {
		t.Errorf("%d parts, problem %q", len(m.Parts), m.Problem)
	}
	wide := "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 5000) + "--b--\n"
	if m := Walk([]byte(wide)); len(m.Parts) != MaxParts || m.Problem == "" {
		t.Errorf("%d parts, problem %q", len(m.Parts), m.Problem)
	}
	long := strings.Repeat("X-A: b\n", 200000) + "\nbody"
	if m := Walk([]byte(long)); m.Parts[0].Body > MaxHeader || m.Problem == "" {
		t.Errorf("header of %d bytes, problem %q", m.Parts[0].Body, m.Problem)
	}
}

func TestEncodedWords(t *testing.T) {
	for in, want := range map[string]string{
		// RFC 2047 8
		"(=?ISO-8859-1?Q?a?=)":                           "(a)",
		"(=?ISO-8859-1?Q?a?= b)":                         "(a b)",
		"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)":        "(ab)",
		"(=?ISO-8859-1?Q?a?=  \r\n  =?ISO-8859-1?Q?b?=)": "(ab)",
		"(=?ISO-8859-1?Q?a_b?=)":                         "(a b)",
		"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)":       "(a b)",
		"=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>":  "Keith Moore <moore@cs.utk.edu>",
		"=?ISO-8859-1?Q?Andr=E9?= Pirard":                "André Pirard",
		"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=": "If you can read this you understand the example.",
		"=?iso-8859-8?b?7eXs+SDv4SDp7Oj08A==?=": "םולש ןב ילטפנ",
		// RFC 2231 5
		"=?US-ASCII*EN?Q?Keith_Moore?=": "Keith Moore",
		// a character cut in two
		"=?utf-8?B?w6TD?= =?utf-8?B?tg==?=": "äö",
		"=?utf-8?Q?=C3?= =?utf-8?Q?=A4?=":   "ä",
		// as mailers break them
		"=?utf-8?Q?with spaces in it?= end":          "with spaces in it end",
		"=?utf-8?Q?=41=42?=":                         "AB",
		"=?utf-8?q??= x":                             " x",
		"=?utf-8?B?w6Q?=":                            "ä",
		"=?utf-8?B?w6Q=?=x":                          "äx",
		"=?utf-8?X?abc?=":                            "=?utf-8?X?abc?=",
		"=?utf-8?Q?never ends":                       "=?utf-8?Q?never ends",
		"=?no-such-charset?Q?caf=E9?=":               "café",
		"a =? b ?= c":                                "a =? b ?= c",
		"Gr\xfc\xdfe":                                "Grüße",
		"Gr\xc3\xbc\xc3\x9fe":                        "Grüße",
		"=?iso-2022-jp?B?GyRCRnxLXDhsGyhC?=":         "日本語",
		"\x1b$BF|K\\8l\x1b(B":                        "日本語",
		"=?gb2312?B?1tDOxA==?=":                      "中文",
		"=?koi8-r?B?8NLJ18XU?=":                      "Привет",
		"folded\r\n\tline":                           "folded\tline",
		"one =?utf-8?Q?two?= three =?utf-8?Q?four?=": "one two three four",
	} {
		if got := Text([]byte(in)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestEncodedTextComesBack(t *testing.T) {
	for _, s := range []string{"", "plain", "Grüße aus Köln", strings.Repeat("日本語 ", 50) + "x", "=?utf-8?Q?a?=", strings.Repeat("long ", 40) + "x"} {
		line := EncodeText("Subject", s)
		for l := range strings.SplitSeq(string(line), "\r\n") {
			if len(l) > 78 || !isASCII([]byte(l)) {
				t.Errorf("line %q", l)
			}
		}
		if got := Text(Get(line, "subject")); got != s {
			t.Errorf("got %q, want %q", got, s)
		}
	}
	for _, a := range []Address{{"", "a@b"}, {"Anna Berg", "a@b"}, {`Berg, "A" \`, "a@b"}, {"Änne", "a@b"}} {
		if got := Addresses([]byte(a.Encode())); len(got) != 1 || got[0] != a {
			t.Errorf("%q: got %v", a.Encode(), got)
		}
	}
}

func TestParameters(t *testing.T) {
	for _, c := range []struct{ in, name, want string }{
		// RFC 2045 5.1
		{`text/plain; charset=us-ascii (Plain text)`, "charset", "us-ascii"},
		{`text/plain; charset="us-ascii"`, "charset", "us-ascii"},
		// RFC 2231 3 and 4
		{"message/external-body; access-type=URL;\r\n URL*0=\"ftp://\";\r\n URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"", "url", "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar"},
		{"application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "title", "This is ***fun***"},
		{"application/x-stuff;\r\n title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n title*1*=%2A%2A%2Afun%2A%2A%2A%20;\r\n title*2=\"isn't it!\"", "title", "This is even more ***fun*** isn't it!"},
		{"x; a*1=two; a*0=one", "a", "onetwo"},
		{"x; filename*0*=utf-8''%C3; filename*1*=%A4.txt", "filename", "ä.txt"},
		{"x; filename*=''caf%E9.txt", "filename", "café.txt"},
		{"x; filename=plain.txt; filename*=utf-8''%C3%A4.txt", "filename", "ä.txt"},
		// as mailers write them
		{`x; filename="=?utf-8?Q?=C3=A4.txt?="`, "filename", "ä.txt"},
		{`x; filename==?utf-8?Q?=C3=A4_b.txt?=`, "filename", "ä b.txt"},
		{"x; filename=my file.txt", "filename", "my file.txt"},
		{"x; filename=\"caf\xe9.txt\"", "filename", "café.txt"},
		{`x; filename="C:\temp\a.txt"`, "filename", `C:\temp\a.txt`},
		{`x; filename="a \"b\" c"`, "filename", `a "b" c`},
		{`x; filename="a;b.txt"; x=y`, "x", "y"},
		{`x filename=a.txt charset=utf-8`, "charset", "utf-8"},
		{`x; filename="never ends`, "filename", "never ends"},
		{`x;; ; charset = utf-8 ;`, "charset", "utf-8"},
		{`x; charsets=no; charset=yes`, "charset", "yes"},
		{`x; charset=`, "charset", ""},
		{`x`, "charset", ""},
	} {
		if got := Param([]byte(c.in), c.name); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestDates(t *testing.T) {
	for in, want := range map[string]string{
		// RFC 5322 A
		"Fri, 21 Nov 1997 09:55:06 -0600": "1997-11-21T09:55:06-06:00",
		"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)": "1969-02-13T23:32:00-03:30",
		"21 Nov 97 09:55:06 GMT":                     "1997-11-21T09:55:06Z",
		"Mon, 1 Jan 24 00:00:00 +0000":               "2024-01-01T00:00:00Z",
		"Mon, 1 Jan 124 00:00:00 +0000":              "2024-01-01T00:00:00Z",
		"Sun Nov 22 10:11:12 2026":                   "2026-11-22T10:11:12Z",
		"Sun Nov 22 10:11:12 CET 2026":               "2026-11-22T10:11:12+01:00",
		"22-Nov-2026 10:11:12 +0100":                 "2026-11-22T10:11:12+01:00",
		"2026-11-22 10:11:12 +0100":                  "2026-11-22T10:11:12+01:00",
		"2026-11-22T10:11:12Z":                       "2026-11-22T10:11:12Z",
		"2002/09/14 Sat 02:29:32 CDT":                "2002-09-14T02:29:32-05:00",
		"Sun, 22 Nov 2026 10:11 GMT+01:00":           "2026-11-22T10:11:00+01:00",
		"Sunday, 22 November 2026 10.11.12 pm +0100": "2026-11-22T22:11:12+01:00",
		"Sun,22 Nov 2026 10:11:60 EST":               "2026-11-22T10:12:00-05:00",
		"22 Nov 2026":                                "2026-11-22T00:00:00Z",
		"Thu, 18 Jul 2002 14:57:14 +-0800":           "2002-07-18T14:57:14Z",
	} {
		got, ok := Date([]byte(in))
		if !ok || got.Format(time.RFC3339) != want {
			t.Errorf("%q: got %v %v, want %s", in, got.Format(time.RFC3339), ok, want)
		}
	}
	for _, in := range []string{"", "yesterday", "32 Nov 2026 10:00 +0000", "22 Foo 2026", "22 Nov 2026 99:00", strings.Repeat("1 ", 1000)} {
		if got, ok := Date([]byte(in)); ok {
			t.Errorf("%q was read as %v", in, got)
		}
	}
}

func TestAddresses(t *testing.T) {
	for in, want := range map[string]string{
		// RFC 5322 A
		`John Doe <jdoe@machine.example>`:                                        `John Doe <jdoe@machine.example>`,
		`"Joe Q. Public" <john.q.public@example.com>`:                            `Joe Q. Public <john.q.public@example.com>`,
		`Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>`:          `Mary Smith <mary@x.test>|jdoe@example.org|Who? <one@y.test>`,
		`<boss@nil.test>, "Giant; \"Big\" Box" <sysservices@example.net>`:        `boss@nil.test|Giant; "Big" Box <sysservices@example.net>`,
		`A Group:Ed Jones <joe@where.test>,joe@where.test,John <jdoe@one.test>;`: `Ed Jones <joe@where.test>|joe@where.test|John <jdoe@one.test>`,
		`Undisclosed recipients:;`:                                               ``,
		`Pete(A nice \) chap) <pete(his account)@silly.test(his host)>`:          `Pete(A nice \) chap) <pete@silly.test>`,
		`Mary <@node.test,@two.test:mary@example.net>`:                           `Mary <mary@example.net>`,
		`anna@example.org (Anna Berg)`:                                           `Anna Berg <anna@example.org>`,
		// as programs write them
		`"=?utf-8?Q?B=C3=A4r?=, Anna" <a@x.org>`: `Bär, Anna <a@x.org>`,
		`=?utf-8?Q?B=C3=A4r=2C_Anna?= <a@x.org>`: `Bär, Anna <a@x.org>`,
		"J\xfcrgen <j@x.org>":                    `Jürgen <j@x.org>`,
		`Anna Berg anna@example.org`:             `Anna Berg <anna@example.org>`,
		`"never closed <a@x.org>`:                `never closed <a@x.org>`,
		`a@x.org;b@x.org`:                        `a@x.org|b@x.org`,
		`a@x.org,,b@x.org,`:                      `a@x.org|b@x.org`,
		`Tom`:                                    `Tom`,
		`<mailto:a@x.org>`:                       `a@x.org`,
		`"a b"@x.org`:                            `"a b"@x.org`,
		`a @ x.org`:                              `a@x.org`,
		`a@x.org <a@x.org>`:                      `a@x.org`,
	} {
		var got []string
		for _, a := range Addresses([]byte(in)) {
			got = append(got, a.String())
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestBodiesAreDecodedAsFarAsTheyGo(t *testing.T) {
	for _, c := range []struct{ encoding, in, want, problem string }{
		{"base64", "aGVsbG8=", "hello", ""},
		{"base64", "aGVs\r\nbG8=\r\n", "hello", ""},
		{"base64", "aGVsbG8", "hello", "broken base64"},
		{"base64", "aGVs*bG8=", "hello", "broken base64"},
		{"base64", "aGVsbG8=\r\naGVsbG8=", "hellohello", ""},
		{"base64", "", "", ""},
		// RFC 2045 6.7
		{"quoted-printable", "Now's the time =\r\nfor all folk to come=\r\n to the aid of their country.", "Now's the time for all folk to come to the aid of their country.", ""},
		{"quoted-printable", "a=3Db=3d c=\nd=  \r\ne", "a=b= cde", ""},
		{"quoted-printable", "broken =ZZ =4 =", "broken =ZZ =4 ", ""},
		{"7bit", "as = it is", "as = it is", ""},
		{"x-unknown", "as it is", "as it is", ""},
	} {
		got, problem := DecodeBody(c.encoding, []byte(c.in))
		if string(got) != c.want || problem != c.problem {
			t.Errorf("%s %q: got %q %q", c.encoding, c.in, got, problem)
		}
	}
}

func TestFlowedText(t *testing.T) {
	// RFC 3676 4
	in := "`Take some more tea,' the March Hare said to Alice, \nvery earnestly.\n\n> quoted \n> goes on\n>> deeper \n> back\n-- \nsignature \n-- \nx"
	want := "`Take some more tea,' the March Hare said to Alice, very earnestly.\n\n> quoted goes on\n>> deeper \n> back\n-- \nsignature \n-- \nx"
	if got := unflow(in, false); got != want {
		t.Errorf("got %q", got)
	}
	if got := unflow("Kana \nji", true); got != "Kanaji" {
		t.Errorf("got %q", got)
	}
}

func TestDisplayIsOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                 "plain",
		"  two\r\n\twords\x00 ": "two words",
		"bell\a\x1b[31m":        "bell [31m",
		"abc\u202etxt.exe":      "abctxt.exe",
		"\xff":                  "\uFFFD",
		strings.Repeat("ä", 10): "äääää",
	} {
		if got := Display(in, 11); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestPartsWithNames(t *testing.T) {
	m := Walk([]byte("Content-Type: image/png; name=\"a.png\"\nContent-Disposition: INLINE; filename=b.png\nContent-ID: <x@y>\n\n"))
	if p := &m.Parts[0]; p.FileName() != "b.png" || p.Disposition() != "inline" || p.ContentID() != "x@y" {
		t.Errorf("%q %q %q", p.FileName(), p.Disposition(), p.ContentID())
	}
}

func TestJoinRefusesDamage(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 500)
	raw := "Content-Transfer-Encoding: base64\r\n\r\n" + strings.Repeat("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5\r\n", 83)
	skeleton, parts := Split([]byte(raw))
	if len(parts) != 1 {
		t.Fatal("not split")
	}
	ok := func(i int) ([]byte, error) { return parts[i], nil }
	if got, err := Join(skeleton, ok); err != nil || string(got) != raw {
		t.Fatal("not joined", err)
	}
	if _, err := Join(skeleton, func(int) ([]byte, error) { return data[:10], nil }); err == nil {
		t.Error("a part of another size was taken")
	}
	if _, err := Join(skeleton[:len(magic)+1], ok); err == nil {
		t.Error("a cut off skeleton was taken")
	}
	odd := []byte(magic + "some message that begins so")
	skeleton, parts = Split(odd)
	if got, err := Join(skeleton, nil); err != nil || !bytes.Equal(got, odd) || parts != nil {
		t.Error("a message that begins like a skeleton is lost", err)
	}
}

func FuzzWalk(f *testing.F) {
	f.Add([]byte("From x\nSubject: a\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nSubject: y\n\nz\n--b\nContent-Type: text/plain; name*0*=utf-8''%20; name*1=x\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n--b--\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := Walk(raw)
		if len(m.Parts) == 0 || len(m.Parts) > MaxParts+1 {
			t.Fatal(len(m.Parts))
		}
		for i := range m.Parts {
			p := &m.Parts[i]
			if p.Start < 0 || p.Start > p.Body || p.Body > p.End || p.End > len(raw) || p.Parent >= i || p.Type == "" {
				t.Fatalf("part %d: %+v", i, p)
			}
			if p.Parent >= 0 {
				if q := m.Parts[p.Parent]; p.Start < q.Body || p.End > q.End {
					t.Fatalf("part %d leaves its parent: %+v %+v", i, p, q)
				}
			}
			m.Path(i)
			body, _ := DecodeBody(p.Encoding, m.Content(i))
			for _, s := range []string{p.FileName(), p.Disposition(), p.PlainText(body)} {
				if !utf8.ValidString(s) {
					t.Fatalf("%q", s)
				}
			}
			n := p.Start
			for f := range Fields(m.Header(i)) {
				if f.End <= f.Start || p.Start+f.Start < n {
					t.Fatalf("%+v", f)
				}
				n = p.Start + f.End
			}
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte("Content-Transfer-Encoding: base64\n\n"), []byte("aaaa"), 76, true, uint(0))
	f.Add([]byte("Content-Transfer-Encoding: base64\r\n\r\n"), []byte("bcd"), 60, false, uint(70))
	f.Fuzz(func(t *testing.T, head, data []byte, line int, lf bool, damage uint) {
		data = bytes.Repeat(data, 1+6000/(len(data)+1))
		raw := bytes.Clone(head)
		c := cut{line: (line & 127) / 4 * 4, lf: lf}
		c.encode(data, func(b []byte) { raw = append(raw, b...) })
		if damage > 0 && len(raw) > 0 {
			raw[damage%uint(len(raw))]++
		}
		skeleton, parts := Split(raw)
		got, err := Join(skeleton, func(i int) ([]byte, error) { return parts[i], nil })
		if err != nil || !bytes.Equal(got, raw) {
			t.Fatal("joined differs", err)
		}
	})
}

func FuzzJoin(f *testing.F) {
	f.Add([]byte(magic+"\x01\x02\x03\x04\x01abc"), []byte("xyz"))
	f.Fuzz(func(t *testing.T, skeleton, part []byte) {
		Join(skeleton, func(int) ([]byte, error) { return part, nil })
		Join(append([]byte(magic), skeleton...), func(int) ([]byte, error) { return part, nil })
	})
}

func FuzzHeaderValues(f *testing.F) {
	f.Add([]byte("=?utf-8?Q?=C3=A4?= \"a, b\" <a@b>, (c) group: x@y;"), "utf-7")
	f.Add([]byte("Sun, 22 Nov 2026 10:11 GMT+01:00"), "iso-2022-kr")
	f.Add([]byte("x; a*0*=utf-8''%41; a*1=b; a=\"c\\\"\""), "gb18030")
	f.Fuzz(func(t *testing.T, v []byte, charset string) {
		Date(v)
		out := []string{Text(v), Param(v, "a"), Decode(charset, v), Display(string(v), 50), Lines(Decode(charset, v))}
		for _, a := range Addresses(v) {
			out = append(out, a.Name, a.Addr)
		}
		for _, s := range out {
			if !utf8.ValidString(s) {
				t.Fatalf("%q", s)
			}
		}
		if d := Display(string(v), 50); len(d) > 50 || Display(d, 50) != d {
			t.Fatalf("%q", d)
		}
	})
}
