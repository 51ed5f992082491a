package testmail

import (
	"bytes"
	"net/mail"
	"strings"
	"testing"
)

func TestTheGeneratorMakesTheMixItSays(t *testing.T) {
	const n = 4000
	g := NewGenerator(42)
	var bytesInAll, plain, alternative, mixed, answers, most int
	for i := range n {
		m := g.Generate(i)
		parsed, err := mail.ReadMessage(bytes.NewReader(m.Raw))
		if err != nil {
			t.Fatalf("mail %d cannot be read: %v\n%s", i, err, m.Raw)
		}
		if bytes.Contains(bytes.ReplaceAll(m.Raw, []byte("\r\n"), nil), []byte("\n")) {
			t.Fatalf("mail %d has a line end without CR", i)
		}
		if date, err := parsed.Header.Date(); err != nil || date.Unix() != m.Date.Unix() {
			t.Fatalf("mail %d: date %v, header %v: %v", i, m.Date, date, err)
		}
		bytesInAll += len(m.Raw)
		most = max(most, len(m.Raw))
		switch kind := parsed.Header.Get("Content-Type"); {
		case strings.HasPrefix(kind, "text/plain"):
			plain++
		case strings.HasPrefix(kind, "multipart/alternative"):
			alternative++
		case strings.HasPrefix(kind, "multipart/mixed"):
			mixed++
		}
		if parsed.Header.Get("In-Reply-To") != "" {
			answers++
		}
	}
	t.Logf("%d bytes on average, %d at most", bytesInAll/n, most)
	near := func(what string, got, want, off float64) {
		t.Helper()
		if got < want-off || got > want+off {
			t.Errorf("%s: %v, want about %v", what, got, want)
		}
	}
	near("bytes a mail", float64(bytesInAll)/n, 7000, 500)
	near("plain", float64(plain)/n, 0.45, 0.03)
	near("alternative", float64(alternative)/n, 0.45, 0.03)
	near("with attachment", float64(mixed)/n, 0.10, 0.02)
	near("answers", float64(answers)/n, 0.45, 0.03)
}

func TestTheSameSeedMakesTheSameMail(t *testing.T) {
	a, b, c := NewGenerator(1), NewGenerator(1), NewGenerator(2)
	a.Generate(5)
	if !bytes.Equal(a.Generate(77).Raw, b.Generate(77).Raw) {
		t.Error("mail 77 of seed 1 differs from itself")
	}
	if bytes.Equal(a.Generate(77).Raw, c.Generate(77).Raw) {
		t.Error("mail 77 is the same for two seeds")
	}
}

func TestTheSpamAssassinMailsAreAllThere(t *testing.T) {
	pkg, err := SpamAssassinPath()
	if err != nil {
		t.Skip(err)
	}
	var n, size int
	for m, err := range SpamAssassin(pkg) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		size += len(m.Raw)
		if bytes.HasPrefix(m.Raw, []byte("From ")) {
			t.Errorf("%s starts with an mbox line", m.Name)
		}
	}
	if n != 6046 {
		t.Errorf("%d mails, want 6046", n)
	}
	t.Logf("%d mails, %d bytes", n, size)
}

func BenchmarkGenerate(b *testing.B) {
	g := NewGenerator(42)
	for i := 0; b.Loop(); i++ {
		b.SetBytes(int64(len(g.Generate(i).Raw)))
	}
}
