package format

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"outpost/internal/format/mime"
	gw "outpost/internal/groupware"
)

// sampleMail is a mail of about 5 KB as they are most: an alternative of plain text and HTML.
func sampleMail() []byte {
	var b strings.Builder
	for i := range 8 {
		fmt.Fprintf(&b, "Received: from mx%d.example.org (mx%d.example.org [192.0.2.%d])\n\tby mail.example.org with ESMTPS id abc%d\n\tfor <tom@example.org>; Sun, 22 Nov 2026 10:00:00 +0100\n", i, i, i, i)
	}
	b.WriteString("From: Anna Berg <anna@example.org>\nTo: Tom <tom@example.org>\nSubject: =?utf-8?Q?Pl=C3=A4ne?= for Monday\nDate: Sun, 22 Nov 2026 10:00:00 +0100\nMessage-ID: <1@example.org>\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=\"=_b1\"\n\n--=_b1\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n")
	for range 20 {
		b.WriteString("A line of text as people write them, with some w=C3=B6rds in it and more.\n")
	}
	b.WriteString("--=_b1\nContent-Type: text/html; charset=utf-8\n\n<html><body>\n")
	for range 20 {
		b.WriteString("<p style=\"margin:0\">A line of text as people write them, with some words</p>\n")
	}
	b.WriteString("</body></html>\n--=_b1--\n")
	return crlf(b.String())
}

func BenchmarkWalk(b *testing.B) {
	raw := sampleMail()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if len(mime.Walk(raw).Parts) != 3 {
			b.Fatal("not walked")
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}

func BenchmarkDerive(b *testing.B) {
	raw := sampleMail()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if Derive(gw.MediaMessage, raw).Text == "" {
			b.Fatal("not derived")
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}

func BenchmarkSplitJoin(b *testing.B) {
	raw := mixed(wrap(bytes.Repeat([]byte("0123456789"), 100000), 76, "\r\n"))
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		s, parts := Split(raw)
		if out, err := Join(s, func(i int) ([]byte, error) { return parts[i], nil }); err != nil || len(out) != len(raw) {
			b.Fatal(err)
		}
	}
}

func BenchmarkTokens(b *testing.B) {
	for name, text := range map[string]string{
		"ascii": strings.Repeat("The quick brown fox jumps over the lazy dog, 42 times. ", 1000),
		"latin": strings.Repeat("Größere Füchse springen über naïve Hunde, 42 Mal. ", 1000),
		"han":   strings.Repeat("東京都庁と大阪府庁の間には長い距離がある。", 1000),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			var dst []string
			for b.Loop() {
				dst = Tokens(dst[:0], text)
			}
		})
	}
}

// The dictionary makes small mails smaller; how much is logged.
func TestTheDictionaryHelpsSmallMails(t *testing.T) {
	plain, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	with, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderDictRaw(1, Dictionary))
	if err != nil {
		t.Fatal(err)
	}
	reader, err := zstd.NewReader(nil, zstd.WithDecoderDictRaw(1, Dictionary))
	if err != nil {
		t.Fatal(err)
	}
	count := func(raw []byte) (size, a, b int) {
		z := with.EncodeAll(raw, nil)
		if back, err := reader.DecodeAll(z, nil); err != nil || !bytes.Equal(back, raw) {
			t.Fatal("not the same bytes", err)
		}
		return len(raw), len(plain.EncodeAll(raw, nil)), len(z)
	}
	if _, a, b := count(sampleMail()); b >= a*9/10 {
		t.Errorf("%d bytes with, %d without the dictionary", b, a)
	}
	var size, a, b, small, smallA, smallB int
	realMail(t, func(_ string, raw []byte) {
		s, x, y := count(raw)
		size, a, b = size+s, a+x, b+y
		if s < 8<<10 {
			small, smallA, smallB = small+s, smallA+x, smallB+y
		}
	})
	t.Logf("all: %d bytes, zstd %.3f, with dictionary %.3f; under 8 KiB: %d bytes, zstd %.3f, with dictionary %.3f", size,
		float64(a)/float64(size), float64(b)/float64(size), small, float64(smallA)/float64(small), float64(smallB)/float64(small))
}
