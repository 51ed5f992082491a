package testmail

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"math/rand/v2"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"
)

// Generator makes mail n of a seed, for any n in any order: 45 % plain text in 8 bit, 45 % multipart/alternative in
// quoted-printable, 10 % multipart/mixed with an attachment in base64; 45 % are answers to an earlier one; 85 % are
// read, 5 % flagged, 10 % answered; 7.0 KB on average. Words occur as often as words do (Zipf's law).
type Generator struct {
	seed   uint64
	words  []string
	people []string
}

// vocabulary is how many different words there are.
const vocabulary = 40000

// NewGenerator makes a generator.
func NewGenerator(seed uint64) *Generator {
	g := &Generator{seed: seed}
	r := rand.New(rand.NewPCG(seed, 1))
	onsets := strings.Fields("b bl br ch d dr f fl g gr h j k kl l m n p pr qu r s sch sh sl st t tr v w z")
	vowels := strings.Fields("a e i o u a e i o ä ö ü ei ie au é ou")
	codas := append(strings.Fields("n r s t l m ng ck nd st rt ch"), "", "", "", "", "", "")
	seen := map[string]bool{}
	for len(g.words) < vocabulary {
		var b strings.Builder
		// The common words are short.
		for range 1 + r.IntN(2) + min(2, len(g.words)/1500)*r.IntN(2) {
			b.WriteString(onsets[r.IntN(len(onsets))] + vowels[r.IntN(len(vowels))] + codas[r.IntN(len(codas))])
		}
		if w := b.String(); !seen[w] {
			seen[w] = true
			g.words = append(g.words, w)
		}
	}
	for range 400 {
		first, last := title(g.words[r.IntN(3000)]), title(g.words[r.IntN(3000)])
		g.people = append(g.people, fmt.Sprintf("%s <p%d@%s.example>", mime.QEncoding.Encode("utf-8", first+" "+last), r.IntN(1000), []string{"north", "works", "mail", "south"}[r.IntN(4)]))
	}
	return g
}

func title(w string) string {
	r := []rune(w)
	return strings.ToUpper(string(r[:1])) + string(r[1:])
}

// source is the randomness of mail n; use tells apart what it is for, so that one can be known without the other.
func (g *Generator) source(n, use int) *rand.Rand {
	return rand.New(rand.NewPCG(g.seed, uint64(n)<<8|uint64(use)))
}

func (g *Generator) parent(n int) (int, bool) {
	r := g.source(n, 1)
	if n == 0 || r.Float64() >= 0.45 {
		return 0, false
	}
	return n - 1 - r.IntN(min(n, 40)), true
}

func (g *Generator) messageID(n int) string { return fmt.Sprintf("<%d.%x@mail.example>", n, g.seed) }

// thread returns the first mail of n's thread and the ids between, oldest first, at most 20.
func (g *Generator) thread(n int) (root int, ids []string) {
	for root = n; len(ids) < 20; {
		p, ok := g.parent(root)
		if !ok {
			break
		}
		root = p
		ids = append([]string{g.messageID(p)}, ids...)
	}
	return root, ids
}

// Generate makes mail n.
func (g *Generator) Generate(n int) Mail {
	r := g.source(n, 0)
	w := &writer{r: r, zipf: rand.NewZipf(r, 1.15, 4, uint64(len(g.words)-1)), words: g.words}
	date := time.Date(2021, 3, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(n)*17*time.Minute + time.Duration(r.IntN(900))*time.Second)
	root, ids := g.thread(n)
	subject := (&writer{r: g.source(root, 2), zipf: rand.NewZipf(g.source(root, 3), 1.1, 20, uint64(len(g.words)-1)), words: g.words}).line(3 + root%5)
	if len(ids) > 0 {
		subject = "Re: " + subject
	}
	stamp := date.Format(time.RFC1123Z)
	w.header("Return-Path", "<bounce@mail.example>")
	for hop := range 2 + r.IntN(2) {
		w.header("Received", fmt.Sprintf("from relay%d.mail.example (relay%d.mail.example [192.0.2.%d])\r\n\tby mx%d.north.example (Postfix) with ESMTPS id %010X\r\n\tfor <me@north.example>; %s", hop, hop, 1+r.IntN(250), hop, r.Uint64()>>24, stamp))
	}
	w.header("DKIM-Signature", "v=1; a=rsa-sha256; c=relaxed/relaxed; d=mail.example; s=s1;\r\n\th=from:to:subject:date:message-id; bh="+w.random(32)+";\r\n\tb="+w.random(48)+"\r\n\t "+w.random(48)+"\r\n\t "+w.random(48))
	w.header("From", g.people[int(min(uint64(len(g.people)-1), rand.NewZipf(r, 1.2, 5, 399).Uint64()))])
	w.header("To", "me@north.example")
	if r.IntN(4) == 0 {
		w.header("Cc", g.people[r.IntN(len(g.people))]+",\r\n "+g.people[r.IntN(len(g.people))])
	}
	w.header("Subject", mime.QEncoding.Encode("utf-8", subject))
	w.header("Date", stamp)
	w.header("Message-ID", g.messageID(n))
	if len(ids) > 0 {
		w.header("In-Reply-To", ids[len(ids)-1])
		w.header("References", strings.Join(ids, "\r\n "))
	}
	w.header("MIME-Version", "1.0")
	boundary := fmt.Sprintf("=_%016x", r.Uint64())
	switch kind := r.IntN(100); {
	case kind < 45:
		w.header("Content-Type", "text/plain; charset=utf-8")
		w.header("Content-Transfer-Encoding", "8bit")
		w.b.WriteString("\r\n")
		w.b.WriteString(strings.ReplaceAll(w.text(w.size(1400, 1)), "\n", "\r\n"))
	case kind < 90:
		w.header("Content-Type", "multipart/alternative; boundary=\""+boundary+"\"")
		w.b.WriteString("\r\n")
		w.alternative(boundary)
	default:
		w.header("Content-Type", "multipart/mixed; boundary=\""+boundary+"\"")
		w.b.WriteString("\r\n--" + boundary + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
		w.b.WriteString(strings.ReplaceAll(w.text(w.size(800, 0.8)), "\n", "\r\n"))
		w.attachment(g, boundary)
		w.b.WriteString("\r\n--" + boundary + "--\r\n")
	}
	m := Mail{Name: fmt.Sprintf("%d", n), Raw: w.b.Bytes(), Date: date}
	var flags []string
	for _, f := range []struct {
		name   string
		chance int
	}{{`\Seen`, 85}, {`\Flagged`, 5}, {`\Answered`, 10}} {
		if r.IntN(100) < f.chance {
			flags = append(flags, f.name)
		}
	}
	m.Flags = strings.Join(flags, " ")
	return m
}

// writer writes one mail.
type writer struct {
	b     bytes.Buffer
	r     *rand.Rand
	zipf  *rand.Zipf
	words []string
}

func (w *writer) header(name, value string) {
	w.b.WriteString(name + ": " + value + "\r\n")
}

func (w *writer) random(n int) string {
	raw := make([]byte, n)
	for i := range raw {
		raw[i] = byte(w.r.Uint32())
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// size is around a median, with a long tail.
func (w *writer) size(median, spread float64) int {
	return int(min(500_000, median*math.Exp(w.r.NormFloat64()*spread)))
}

func (w *writer) word() string { return w.words[w.zipf.Uint64()] }

func (w *writer) line(words int) string {
	out := make([]string, words)
	for i := range out {
		out[i] = w.word()
	}
	return title(strings.Join(out, " "))
}

// text is about n bytes of sentences and paragraphs in lines of at most 76 characters or so.
func (w *writer) text(n int) string {
	var b strings.Builder
	column := 0
	for b.Len() < n {
		s := w.line(4+w.r.IntN(14)) + "."
		for _, word := range strings.Fields(s) {
			if column > 0 && column+len(word) > 74 {
				b.WriteByte('\n')
				column = 0
			} else if column > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(word)
			column += len(word) + 1
		}
		if w.r.IntN(5) == 0 {
			b.WriteString("\n\n")
			column = 0
		}
	}
	b.WriteByte('\n')
	return b.String()
}

func (w *writer) alternative(boundary string) {
	text := w.text(w.size(880, 0.9))
	w.b.WriteString("--" + boundary + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	w.quotedPrintable(text)
	w.b.WriteString("\r\n--" + boundary + "\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	var html strings.Builder
	html.WriteString("<!DOCTYPE html><html><head><meta charset=\"utf-8\"><style>body{font-family:Helvetica,Arial,sans-serif;font-size:14px;color:#222}p{margin:0 0 1em 0}</style></head>\n<body>\n")
	for p := range strings.SplitSeq(text, "\n\n") {
		fmt.Fprintf(&html, "<p style=\"margin:0 0 1em 0;line-height:1.4\">%s</p>\n", strings.ReplaceAll(p, "\n", "<br>\n"))
	}
	html.WriteString("<div style=\"font-size:11px;color:#888\"><a href=\"https://mail.example/unsubscribe\">Unsubscribe</a></div>\n</body></html>\n")
	w.quotedPrintable(html.String())
	w.b.WriteString("\r\n--" + boundary + "--\r\n")
}

func (w *writer) quotedPrintable(text string) {
	q := quotedprintable.NewWriter(&w.b)
	q.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n"))) // into memory: cannot fail
	q.Close()
}

// attachment is a picture or a PDF (which do not compress), a table (which does), or one of a few that go round.
func (w *writer) attachment(g *Generator, boundary string) {
	name, media := "picture.jpg", "image/jpeg"
	var data []byte
	switch kind := w.r.IntN(10); {
	case kind < 6:
		data = make([]byte, w.size(11_000, 1))
		for i := range data {
			data[i] = byte(w.r.Uint32())
		}
	case kind < 9:
		name, media = "table.csv", "text/csv"
		var b strings.Builder
		for size := w.size(13_000, 1); b.Len() < size; {
			fmt.Fprintf(&b, "%d;%s;%s;%d,%02d\r\n", w.r.IntN(10000), w.word(), w.word(), w.r.IntN(5000), w.r.IntN(100))
		}
		data = []byte(b.String())
	default:
		name, media = "letterhead.png", "image/png"
		shared := g.source(w.r.IntN(20), 4)
		data = make([]byte, 20_000)
		for i := range data {
			data[i] = byte(shared.Uint32())
		}
	}
	w.b.WriteString("\r\n--" + boundary + "\r\nContent-Type: " + media + "; name=\"" + name + "\"\r\nContent-Disposition: attachment; filename=\"" + name + "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	text := base64.StdEncoding.EncodeToString(data)
	for len(text) > 76 {
		w.b.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	w.b.WriteString(text + "\r\n")
}
