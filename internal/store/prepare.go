package store

import (
	"encoding/binary"
	"strings"
	"time"
	"unicode/utf8"

	"outpost/internal/format"
	"outpost/internal/groupware"
)

// Bounds of what is derived.
const (
	maxColumn = 1024    // bytes of a text column
	maxTokens = 50_000  // words of one item that are indexed
	maxText   = 4 << 20 // bytes of text that are looked at for words
)

// Prepared is an item's content made ready to be stored: parsed, taken apart, compressed, its words found. Making it is
// pure work for any goroutine; storing it is quick. It does not change, and may be stored more than once.
type Prepared struct {
	whole   bool
	content *packed
	derived format.Derived
	summary summary
	tokens  []byte // lengths and words, see appendTokens
}

// Prepare makes whole bytes ready. It never fails: what cannot be parsed is stored all the same, and Derived().Problem says so.
func Prepare(media groupware.Media, raw []byte) *Prepared {
	p := &Prepared{whole: true, derived: format.Derive(media, raw)}
	if media == groupware.MediaMessage {
		p.content = &packed{hash: groupware.HashOf(raw), size: int64(len(raw))}
		skeleton, parts := format.Split(raw)
		p.content.data, p.content.form = shrink(skeleton)
		if len(parts) > 0 {
			p.content.form |= formSkeleton
		}
		for _, part := range parts {
			p.content.parts = append(p.content.parts, pack(part))
		}
		p.content.own(raw)
	} else {
		p.content = pack(raw)
	}
	p.summarise(media, int64(len(raw)), bodyWhole)
	return p
}

// PreparePartial makes a message ready of which header block, text and structure were read. Its Hash is zero.
func PreparePartial(m *groupware.Partial) *Prepared {
	p := &Prepared{derived: format.DerivePartial(m)}
	raw, err := encodePartial(m)
	if err != nil { // a Part holds nothing that JSON cannot
		raw, _ = encodePartial(&groupware.Partial{Header: m.Header, Text: m.Text, Size: m.Size})
	}
	p.content = pack(raw)
	p.content.form |= formPartial
	p.summarise(groupware.MediaMessage, m.Size, bodyText)
	return p
}

// prepareWords is Prepare for content that is stored already: only what is derived.
func prepareWords(media groupware.Media, raw []byte) *Prepared {
	p := &Prepared{whole: true, derived: format.Derive(media, raw)}
	p.summarise(media, int64(len(raw)), bodyWhole)
	return p
}

// preparePartialWords is PreparePartial for content that is stored already.
func preparePartialWords(m *groupware.Partial) *Prepared {
	p := &Prepared{derived: format.DerivePartial(m)}
	p.summarise(groupware.MediaMessage, m.Size, bodyText)
	return p
}

// pack makes bytes ready to be stored as they are.
func pack(raw []byte) *packed {
	b := &packed{hash: groupware.HashOf(raw), size: int64(len(raw))}
	b.data, b.form = shrink(raw)
	b.own(raw)
	return b
}

// own copies data that is still the caller's bytes, so that these may be used again.
func (b *packed) own(raw []byte) {
	if b.form&formCoding == formPlain && len(b.data) > 0 && len(raw) > 0 && &b.data[0] == &raw[0] {
		b.data = append([]byte(nil), b.data...)
	}
}

// Hash is that of the whole bytes; zero when they are not all here.
func (p *Prepared) Hash() groupware.Hash {
	if !p.whole {
		return groupware.Hash{}
	}
	return p.content.hash
}

// Derived is what was found in the bytes. Its Text is "".
func (p *Prepared) Derived() format.Derived { return p.derived }

// Size is that of the whole item in bytes.
func (p *Prepared) Size() int64 { return p.summary.size }

// Whole reports whether every byte is here.
func (p *Prepared) Whole() bool { return p.whole }

func (p *Prepared) summarise(media groupware.Media, size int64, body int64) {
	d := &p.derived
	p.tokens = deriveTokens(d)
	d.Text = "" // it is derived again when it is asked for: what waits to be stored stays small
	p.summary = summary{
		kind: d.Kind, media: media, body: body, size: size, date: sortTime(d.Date), ends: sortTime(d.End),
		subject: column(d.Subject), from: column(d.From), to: column(d.To), messageID: column(d.MessageID),
		attachments: len(d.Attachments) > 0, recurs: d.Recurs, problem: column(d.Problem),
	}
}

// sortTime is a time in seconds; one that no calendar means counts as absent.
func sortTime(t time.Time) int64 {
	if t.IsZero() || t.Year() < 1 || t.Year() > 9999 {
		return 0
	}
	return t.Unix()
}

// column bounds a text and makes it valid.
func column(s string) string {
	if len(s) > maxColumn {
		s = s[:maxColumn]
		for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
			s = s[:len(s)-1]
		}
		if len(s) > 0 {
			s = s[:len(s)-1]
		}
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// deriveTokens finds the words of what can be searched, each once.
func deriveTokens(d *format.Derived) []byte {
	texts := []string{d.Subject, d.From, d.To, d.Text}
	for _, a := range d.Attachments {
		texts = append(texts, a.Name)
	}
	var words []string
	for _, t := range texts {
		if len(t) > maxText {
			t = t[:maxText]
		}
		words = format.Tokens(words, t)
	}
	return appendTokens(nil, words)
}

// appendTokens writes words as length and bytes, each word once.
func appendTokens(dst []byte, words []string) []byte {
	seen := make(map[string]struct{}, min(len(words), 512))
	for _, w := range words {
		if _, ok := seen[w]; ok || w == "" || len(w) > 255 {
			continue
		}
		if len(seen) == maxTokens {
			break
		}
		seen[w] = struct{}{}
		dst = append(binary.AppendUvarint(dst, uint64(len(w))), w...)
	}
	return dst
}

// eachToken calls fn for the words that appendTokens wrote.
func eachToken(b []byte, fn func(word []byte)) {
	for len(b) > 0 {
		n, k := binary.Uvarint(b)
		if k <= 0 || n > uint64(len(b)-k) {
			return
		}
		fn(b[k : k+int(n)])
		b = b[k+int(n):]
	}
}
