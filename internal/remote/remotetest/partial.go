package remotetest

import (
	"bytes"
	"slices"
	"strings"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

func partialTests() []test {
	return []test{
		{name: "the text of a message comes without its attachments", kind: mail, run: func(e *env) {
			raw := MultipartMail("text")
			p := e.partial(raw)
			e.wantHeader(p, raw)
			if p.Size != int64(len(raw)) {
				e.Errorf("Size is %d, want %d", p.Size, len(raw))
			}
			if !strings.Contains(p.Text, "Gr\u00fc\u00dfe aus dem S\u00fcden, und ein langer Satz, der weitergeht.") {
				e.Errorf("Text is %q", p.Text)
			}
			if strings.Contains(p.Text, "this is an attachment") {
				e.Errorf("Text holds an attachment: %q", p.Text)
			}
			e.wantPart(p, groupware.Part{Type: "text/plain", Path: "1.1", Encoding: "quoted-printable"})
			e.wantPart(p, groupware.Part{Type: "text/html", Path: "1.2.1", Encoding: "base64"})
			e.wantPart(p, groupware.Part{Type: "image/png", Path: "1.2.2", Name: "dot.png", Encoding: "base64", Inline: true})
			e.wantPart(p, groupware.Part{Type: "application/pdf", Path: "2", Name: "\u5831\u544a\u66f8.pdf", Encoding: "base64"})
			e.wantPart(p, groupware.Part{Type: "text/plain", Path: "3", Name: "notes.txt"})
			if len(p.Parts) != 5 {
				e.Errorf("parts are %+v", p.Parts)
			}
		}},
		{name: "mail that has only HTML comes with the HTML as text", kind: mail, run: func(e *env) {
			raw := HTMLMail("html")
			p := e.partial(raw)
			e.wantHeader(p, raw)
			if !strings.Contains(p.Text, "Only \u00fcber") || !strings.Contains(p.Text, "HTML") || strings.Contains(p.Text, "<b>") {
				e.Errorf("Text is %q", p.Text)
			}
		}},
		{name: "a message with a big attachment comes as its text alone", kind: mail, run: func(e *env) {
			raw := BigMail("bigtext", 1<<20)
			p := e.partial(raw)
			if strings.TrimSpace(p.Text) != "See the attachment." {
				e.Errorf("Text is %q", p.Text)
			}
			e.wantPart(p, groupware.Part{Type: "application/octet-stream", Path: "2", Name: "big.bin", Encoding: "base64"})
		}},
		{name: "signed mail, and mail that is nothing but its text, comes whole", kind: mail, run: func(e *env) {
			f := e.folder()
			for _, raw := range [][]byte{SignedMail("signed"), PlainMail("plain", "hello"), EightBitMail("eight"), EmptyBodyMail("empty")} {
				id := e.create(e.s, f.ID, remote.NewItem{Media: groupware.MediaMessage, Raw: raw})[0]
				got := e.fetch(f.ID, remote.PartText, id)[id]
				if got.Partial != nil || !bytes.Equal(got.Raw, raw) {
					e.Errorf("got %q, partial %v, want %q", got.Raw, got.Partial, raw)
				}
			}
		}},
		{name: "a broken message stops no other", kind: mail, run: func(e *env) {
			f := e.folder()
			ids := e.create(e.s, f.ID, remote.NewItem{Media: groupware.MediaMessage, Raw: BrokenMail("broken")}, e.item(1))
			got := e.fetch(f.ID, remote.PartText, ids...)
			if len(got) != 2 {
				e.Fatalf("%d items came", len(got))
			}
			if b := got[ids[0]]; b.Raw == nil && b.Partial == nil {
				e.Errorf("the broken one is %+v", b)
			}
		}},
		{name: "many messages come as text, those of one form among those of another", kind: mail, run: func(e *env) {
			f := e.folder()
			var items []remote.NewItem
			for i := range 30 {
				item := e.item(i)
				switch i % 4 {
				case 1:
					item.Raw = MultipartMail(strings.Repeat("m", i))
				case 2:
					item.Raw = SignedMail(strings.Repeat("s", i))
				case 3:
					item.Raw = HTMLMail(strings.Repeat("h", i))
				}
				items = append(items, item)
			}
			ids := e.create(e.s, f.ID, items...)
			slices.Reverse(ids)
			slices.Reverse(items)
			got := e.fetch(f.ID, remote.PartText, ids...)
			for i, id := range ids {
				g := got[id]
				if g.Partial != nil {
					e.wantHeader(g.Partial, items[i].Raw)
				} else if !bytes.Equal(g.Raw, items[i].Raw) {
					e.Errorf("item %d is %q", i, g.Raw)
				}
			}
		}},
		{name: "objects have no text apart: they come whole", kind: objects, run: func(e *env) {
			f := e.folder()
			id := e.create(e.s, f.ID, e.item(0))[0]
			if got := e.fetch(f.ID, remote.PartText, id)[id]; got.Partial != nil || len(got.Raw) == 0 {
				e.Fatalf("got %+v", got)
			}
		}},
	}
}

// partial stores a message and reads its text, which must cost less than half of the message.
func (e *env) partial(raw []byte) *groupware.Partial {
	e.Helper()
	f := e.folder()
	id := e.create(e.s, f.ID, remote.NewItem{Media: groupware.MediaMessage, Raw: raw})[0]
	before, _ := e.s.Traffic()
	got := e.fetch(f.ID, remote.PartText, id)[id]
	if after, _ := e.s.Traffic(); after-before > int64(len(raw))/2 {
		e.Errorf("reading the text of %d bytes read %d", len(raw), after-before)
	}
	if got.Partial == nil || got.Raw != nil {
		e.Fatalf("no partial, but %d bytes", len(got.Raw))
	}
	return got.Partial
}

func (e *env) wantHeader(p *groupware.Partial, raw []byte) {
	e.Helper()
	want := raw[:bytes.Index(raw, []byte("\r\n\r\n"))+4]
	if !bytes.Equal(p.Header, want) {
		e.Errorf("Header differs: %s", firstDifference(p.Header, want))
	}
}

// wantPart demands a part; its size must be known.
func (e *env) wantPart(p *groupware.Partial, want groupware.Part) {
	e.Helper()
	i := slices.IndexFunc(p.Parts, func(g groupware.Part) bool { return g.Path == want.Path })
	if i < 0 {
		e.Errorf("no part %s in %+v", want.Path, p.Parts)
		return
	}
	got := p.Parts[i]
	if got.Size <= 0 {
		e.Errorf("part %s has size %d", got.Path, got.Size)
	}
	got.Size = 0
	if want.Encoding == "" {
		got.Encoding = ""
	}
	if got != want {
		e.Errorf("got %+v, want %+v", got, want)
	}
}
