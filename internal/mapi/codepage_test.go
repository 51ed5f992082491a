package mapi

import "testing"

func TestTextIsReadInItsCodePage(t *testing.T) {
	for _, c := range []struct {
		codepage int
		bytes    String8
		text     string
	}{
		{1252, "Gr\xfc\xdfe \x80", "Grüße €"}, {1251, "\xcf\xf0\xe8\xe2\xe5\xf2", "Привет"}, {932, "\x93\xfa\x96\x7b", "日本"},
		{936, "\xd6\xd0\xce\xc4", "中文"}, {949, "\xc7\xd1", "한"}, {950, "\xa4\xa4", "中"}, {65001, "é", "é"}, {850, "\x84", "ä"},
		{28592, "\xb1", "ą"}, {28605, "\xa4", "€"}, {874, "\xa1", "ก"}, {20866, "\xf0", "П"}, {51932, "\xc6\xfc", "日"}, {1200, "a\x00", "a"},
	} {
		if got := c.bytes.Text(c.codepage); got != c.text {
			t.Errorf("code page %d: %q, want %q", c.codepage, got, c.text)
		}
		if got, err := NewString8(c.text, c.codepage); err != nil || got != c.bytes {
			t.Errorf("code page %d: written %q, %v, want %q", c.codepage, got, err, c.bytes)
		}
	}
}

func TestEveryNamedCodePageIsThere(t *testing.T) {
	known := 0
	for codepage := range 70000 {
		if _, ok := charset(codepage); !ok {
			continue
		}
		known++
		if got := String8("a").Text(codepage); got != "a" && codepage != 1200 {
			t.Errorf("code page %d reads an a as %q", codepage, got)
		}
	}
	if known != 53 {
		t.Errorf("%d code pages are known", known)
	}
}

func TestWhatCannotBeReadIsSeen(t *testing.T) {
	if got := String8("a\xfcb").Text(12345); got != "a\uFFFDb" {
		t.Errorf("in an unknown code page: %q", got)
	}
	if got := String8("a\xffb").Text(65001); got != "a\uFFFDb" {
		t.Errorf("bytes that are no UTF-8: %q", got)
	}
	if got, err := NewString8("日", 1252); err == nil {
		t.Errorf("a character that the code page does not have became %q", got)
	}
	if got, err := NewString8("é", 20127); err == nil {
		t.Errorf("an accent in ASCII: %q", got)
	}
	if got, err := NewString8("a", 12345); err == nil {
		t.Errorf("in an unknown code page: %q", got)
	}
}
