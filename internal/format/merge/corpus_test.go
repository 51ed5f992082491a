package merge

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"outpost/internal/format/contentline"
	gw "outpost/internal/groupware"
)

// corpus calls f with each file of sample data made by others, or skips the test and says why.
func corpus(t *testing.T, sub string, f func(name string, raw []byte)) {
	dir := os.Getenv("OUTPOST_CORPUS")
	if dir == "" {
		at, _ := filepath.Abs(".")
		for at != filepath.Dir(at) {
			if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
				break
			}
			at = filepath.Dir(at)
		}
		dir = filepath.Join(filepath.Dir(at), "shared", "corpus")
	}
	dir = filepath.Join(dir, sub)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no sample data: set OUTPOST_CORPUS to its folder (%v)", err)
	}
	n := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasSuffix(path, ".json") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err == nil {
			n++
			f(filepath.Base(path), raw)
		}
		return err
	})
	if err != nil || n == 0 {
		t.Fatalf("%s: %d files, %v", dir, n, err)
	}
}

// pieces are the objects in a file that can be taken apart.
func pieces(media gw.Media, raw []byte) (list [][]byte) {
	o, err := contentline.Parse(raw)
	if err != nil {
		return nil
	}
	for _, e := range o.Entries {
		if e.Component != nil && e.Component.Name == (&merger{media: media}).top() {
			list = append(list, o.With([]entry{e}).Encode())
		}
	}
	return list
}

func TestOneEditOfASampleGivesExactlyThatEdit(t *testing.T) {
	for sub, media := range map[string]gw.Media{"ical": gw.MediaCalendar, "vcard": gw.MediaVCard} {
		objects, edits := 0, 0
		corpus(t, sub, func(name string, raw []byte) {
			for _, base := range pieces(media, raw) {
				objects++
				if got, clashes := Merge(media, base, base, raw); !bytes.Equal(got, raw) {
					t.Fatalf("%s: nothing changed here: %+v", name, clashes)
				}
				if got, list := merge(media, base, base, base); !bytes.Equal(got, base) || len(list) > 0 {
					t.Fatalf("%s: nothing changed at all: %+v\n%s", name, list, got)
				}
				for _, e := range samples(media, base) {
					edits++
					got, list := merge(media, base, e.after, base)
					if !bytes.Equal(got, e.after) || len(list) == 0 {
						t.Errorf("%s: %s changed here becomes\n%s\n%+v", name, e.name, got, list)
						return
					}
					if got, list := merge(media, base, base, e.after); !bytes.Equal(got, e.after) || len(list) == 0 {
						t.Errorf("%s: %s changed there becomes\n%s\n%+v", name, e.name, got, list)
						return
					}
				}
			}
		})
		t.Logf("%s: %d objects, %d edits", sub, objects, edits)
		if edits < 30 {
			t.Errorf("%s: only %d edits were tried", sub, edits)
		}
	}
}

type sample struct {
	name  string
	after []byte
}

// samples changes one property of an object at a time: those that say something to a person and name nothing else.
func samples(media gw.Media, base []byte) (out []sample) {
	m := &merger{media: media}
	count := 0
	o, _ := contentline.Parse(base)
	walkLines(o.Entries, nil, func(*component, *line) { count++ })
	for i := range count {
		o, _ := contentline.Parse(base)
		n, name := 0, ""
		walkLines(o.Entries, nil, func(in *component, l *line) {
			if n++; n-1 != i || in == nil || m.kind(in, l.Name()) == notes || l.Name() == "" || l.Name() == "UID" || in.Name == "VTIMEZONE" || in.Name == "STANDARD" || in.Name == "DAYLIGHT" {
				return
			}
			name = l.Name()
			l.SetValue(l.Value() + "x")
		})
		if name != "" {
			out = append(out, sample{name, o.Encode()})
		}
	}
	return out
}

func walkLines(list []entry, in *component, f func(*component, *line)) {
	for _, e := range list {
		if e.Component != nil {
			walkLines(e.Component.Entries, e.Component, f)
		} else {
			f(in, e.Line)
		}
	}
}

func TestOneHeaderFieldOfASampleMailGivesExactlyThatEdit(t *testing.T) {
	read, all := 0, 0
	corpus(t, "mime", func(name string, base []byte) {
		all++
		d := takeApart(base)
		if d == nil {
			return
		}
		read++
		if got, list := merge(gw.MediaMessage, base, base, base); !bytes.Equal(got, base) || len(list) > 0 {
			t.Errorf("%s: nothing changed: %+v", name, list)
		}
		for _, f := range d.fields {
			if isStructure(f) || isNoted(strings.ToLower(string(f.Name))) {
				continue
			}
			eol := base[f.End-1 : f.End]
			if f.End > 1 && base[f.End-2] == '\r' {
				eol = base[f.End-2 : f.End]
			}
			after := bytes.Join([][]byte{base[:f.End-len(eol)], []byte(", x@example.org"), base[f.End-len(eol):]}, nil)
			if got, list := merge(gw.MediaMessage, base, after, base); !bytes.Equal(got, after) || len(list) != 1 {
				t.Errorf("%s: %s changed here becomes\n%s\n%+v", name, f.Name, got, list)
			}
		}
	})
	if read < all*9/10 {
		t.Errorf("only %d of %d samples could be taken apart", read, all)
	}
}
