package format

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	gw "outpost/internal/groupware"
)

// wrap writes b as base64 lines of n characters.
func wrap(b []byte, n int, eol string) string {
	s := base64.StdEncoding.EncodeToString(b)
	var out strings.Builder
	for len(s) > n {
		out.WriteString(s[:n] + eol)
		s = s[n:]
	}
	return out.String() + s
}

func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

func mixed(attachment string) []byte {
	return append(crlf(`From: =?utf-8?Q?Anna_B=C3=A4r?= <Anna@Example.org>
To: "Berg, Tom" <tom@example.org>, list@example.org
Subject: =?iso-8859-1?Q?Gr=FC=DFe?= =?iso-8859-1?Q?_aus_K=F6ln?=
Date: Sun, 22 Nov 2026 10:00:00 +0100
Message-ID: <1@example.org>
References: <a@x> <b@x>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b1

preamble
--b1
Content-Type: multipart/alternative; boundary=b2

--b2
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Sch=C3=B6ne Gr=
=C3=BC=C3=9Fe
--b2
Content-Type: text/html

<p>Sch&ouml;ne
--b2--
--b1
Content-Type: application/pdf; name="x.pdf"
Content-Transfer-Encoding: BASE64
Content-Disposition: attachment; filename*=utf-8''Pl%C3%A4ne.pdf

`), attachment+"\r\n--b1--\r\nepilogue"...)
}

func TestAMessageIsDerived(t *testing.T) {
	raw := mixed(wrap(bytes.Repeat([]byte("abc"), 100), 76, "\r\n"))
	d := Derive(gw.MediaMessage, raw)
	if d.Subject != "Grüße aus Köln" || d.From != "Anna Bär <Anna@Example.org>" || d.FromAddr != "anna@example.org" ||
		d.To != "Berg, Tom <tom@example.org>, list@example.org" || d.MessageID != "<1@example.org>" || len(d.References) != 2 ||
		d.Date.UTC().Format("2006-01-02T15:04:05Z") != "2026-11-22T09:00:00Z" || d.Problem != "" {
		t.Errorf("%+v", d)
	}
	if d.Text != "Schöne Grüße" {
		t.Errorf("text %q", d.Text)
	}
	if len(d.Attachments) != 1 || d.Attachments[0].Name != "Pläne.pdf" || d.Attachments[0].Path != "2" || d.Attachments[0].Type != "application/pdf" {
		t.Errorf("%+v", d.Attachments)
	}
}

func TestSplitAndJoinGiveTheSameBytes(t *testing.T) {
	data := bytes.Repeat([]byte("\x00\x01binary"), 1000)
	for _, c := range []struct {
		name, body string
		cut        bool
	}{
		{"76 with CRLF", wrap(data, 76, "\r\n"), true},
		{"72 with CRLF", wrap(data, 72, "\r\n"), true},
		{"60 with LF", wrap(data, 60, "\n"), true},
		{"one line", wrap(data, 1<<30, "\r\n"), true},
		{"padding", wrap(append(data, 1), 76, "\r\n"), true},
		{"empty lines behind", wrap(data, 76, "\r\n") + "\r\n\r\n", true},
		{"uneven lines", wrap(data, 75, "\r\n"), false},
		{"a space", wrap(data, 76, " \r\n"), false},
		{"broken", wrap(data, 76, "\r\n") + "!", false},
		{"small", wrap(data[:1000], 76, "\r\n"), false},
	} {
		raw := mixed(c.body)
		skeleton, parts := Split(raw)
		if cut := len(parts) == 1; cut != c.cut {
			t.Errorf("%s: %d parts", c.name, len(parts))
		}
		if c.cut && !bytes.HasPrefix(parts[0], data) {
			t.Errorf("%s: the part is not the attachment", c.name)
		}
		if !c.cut && !bytes.Equal(skeleton, raw) {
			t.Errorf("%s: the skeleton is not the message", c.name)
		}
		got, err := Join(skeleton, func(i int) ([]byte, error) { return parts[i], nil })
		if err != nil || !bytes.Equal(got, raw) {
			t.Errorf("%s: joined differs: %v", c.name, err)
		}
	}
}

func TestTokens(t *testing.T) {
	for text, want := range map[string]string{
		"Hello, WORLD 42":               "hello world 42",
		"Grüße aus Łódź, naïve Ærø":     "grusse aus lodz naive aero",
		"anna.berg@example.org":         "anna berg example org",
		"東京都庁 a 水":                      "東京 京都 都庁 a 水",
		"서울 한국어":                        "서울 한국 국어",
		norm.NFD.String("서울 がく"):        "서울 がく",
		"e\u0301te\u0301":               "ete",
		"ﾃﾞｰﾀ":                          "デー ータ",
		strings.Repeat("é", 40) + "x y": strings.Repeat("e", 40) + "x y",
		strings.Repeat("x", 80):         strings.Repeat("x", 64),
		"हिन्दी":                        "हिन्दी",
	} {
		if got := strings.Join(Tokens(nil, text), " "); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// checkDerived checks what must hold of everything that is derived, whatever the bytes.
func checkDerived(t *testing.T, name string, d Derived) {
	t.Helper()
	for what, s := range map[string]string{"subject": d.Subject, "from": d.From, "to": d.To, "address": d.FromAddr, "id": d.MessageID} {
		if len(s) > maxDisplay || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			t.Errorf("%s: %s %q", name, what, s)
		}
	}
	if len(d.Text) > maxText || !utf8.ValidString(d.Text) || strings.ContainsFunc(d.Text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }) {
		t.Errorf("%s: text %.200q", name, d.Text)
	}
	for _, at := range []time.Time{d.Date, d.End} {
		if _, err := at.UTC().MarshalJSON(); err != nil {
			t.Errorf("%s: time %v", name, err)
		}
	}
	if len(d.References) > maxReferences || len(d.InReplyTo) > maxReferences || d.Kind == "" {
		t.Errorf("%s: %d references, kind %q", name, len(d.References), d.Kind)
	}
	if len(d.Problem) > 300 || !utf8.ValidString(d.Problem) {
		t.Errorf("%s: problem %q", name, d.Problem)
	}
	for _, w := range Tokens(nil, d.Subject+" "+d.Text) {
		if w == "" || len(w) > maxToken || !utf8.ValidString(w) {
			t.Errorf("%s: token %q", name, w)
			break
		}
	}
}
