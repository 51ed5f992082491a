package htmltext

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestHTMLReadsAsText(t *testing.T) {
	for in, want := range map[string]string{
		"<p>One</p><p>Two</p>":         "One\n\nTwo",
		"a  \n b&nbsp;c<br>d<br><br>e": "a b c\nd\n\ne",
		"<div>a</div><div>b</div>":     "a\nb",
		"<b>bo</b>ld, <i>it</i>alic":   "bold, italic",
		"<html><head><title>T</title><style>x{}</style></head><body><script>y()</script>z": "z",
		"<ul><li>one<li>two</ul>after":                                                  "- one\n- two\n\nafter",
		"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>":               "a\tb\nc",
		"<pre>a\n  b\n</pre>c":                                                          "a\n  b\n\nc",
		"said:<blockquote>first<br>second<blockquote>deep</blockquote></blockquote>end": "said:\n\n> first\n> second\n\n>> deep\n\nend",
		"<img src=x alt='A picture'> of it":                                             "A picture of it",
		"&lt;tag&gt; &amp; &euro; &#228; &unknown; &":                                   "<tag> & € ä &unknown; &",
		"a\u00ad\u200bb":                       "ab",
		"<!-- comment --> <![CDATA[x]]> text":  "text",
		"never <b closed":                      "never",
		"<td>leading":                          "leading",
		"<head><p>a head that never ends":      "a head that never ends",
		"<a href='http://x.example/'>link</a>": "link",
		"":                                     "",
	} {
		if got := Text(in, 1000); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := Text(strings.Repeat("ää ", 1000), 10); len(got) > 10 || !utf8.ValidString(got) {
		t.Errorf("got %q", got)
	}
}

func FuzzText(f *testing.F) {
	f.Add("<p>a<table><td>b<blockquote><pre>\nc</pre><li>d&amp;<img alt=x><script>")
	f.Fuzz(func(t *testing.T, s string) {
		if got := Text(s, 500); len(got) > 500 || !utf8.ValidString(got) {
			t.Fatalf("%q", got)
		}
	})
}
