package format

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"outpost/internal/format/contentline"
	gw "outpost/internal/groupware"
	"outpost/test/testmail"
)

// corpus returns a folder of sample data made by others, or skips the test and says why.
func corpus(t testing.TB, sub string) string {
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
	return dir
}

func files(t testing.TB, dir string, f func(name string, raw []byte)) {
	n := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasSuffix(path, ".json") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err == nil {
			n++
			f(path, raw)
		}
		return err
	})
	if err != nil || n == 0 {
		t.Fatalf("%s: %d files, %v", dir, n, err)
	}
}

func checkMail(t *testing.T, name string, raw []byte) Derived {
	d := Derive(gw.MediaMessage, raw)
	skeleton, parts := Split(raw)
	got, err := Join(skeleton, func(i int) ([]byte, error) { return parts[i], nil })
	if err != nil || !bytes.Equal(got, raw) {
		t.Errorf("%s: joined differs: %v", name, err)
	}
	checkDerived(t, name, d)
	return d
}

func TestSampleMailSurvives(t *testing.T) {
	files(t, corpus(t, "mime"), func(name string, raw []byte) { checkMail(t, name, raw) })
}

// realMail calls f with each mail of the SpamAssassin corpus.
func realMail(t testing.TB, f func(name string, raw []byte)) {
	path, err := testmail.SpamAssassinPath()
	if err != nil {
		t.Skip(err)
	}
	for m, err := range testmail.SpamAssassin(path) {
		if err != nil {
			t.Fatal(err)
		}
		f(m.Name, m.Raw)
	}
}

func TestRealMailIsReadable(t *testing.T) {
	n, silent, problems := 0, 0, 0
	realMail(t, func(name string, raw []byte) {
		d := checkMail(t, name, raw)
		n++
		if d.Text == "" && len(d.Attachments) == 0 {
			silent++
			t.Log("nothing to read:", name, len(raw))
		}
		if d.Problem != "" {
			problems++
			if testing.Verbose() {
				t.Log(name, d.Problem)
			}
		}
	})
	t.Logf("%d mails, %d with nothing to read, %d with a problem", n, silent, problems)
	if silent > n/200 || problems > n/10 {
		t.Errorf("of %d mails %d have nothing to read and %d a problem", n, silent, problems)
	}
}

func TestSampleCalendarsAndCardsSurvive(t *testing.T) {
	for sub, media := range map[string]gw.Media{"ical": gw.MediaCalendar, "vcard": gw.MediaVCard} {
		files(t, corpus(t, sub), func(name string, raw []byte) {
			checkDerived(t, name, Derive(media, raw))
			o, err := contentline.Parse(raw)
			if o == nil {
				t.Errorf("%s: %v", name, err)
			} else if !bytes.Equal(o.Encode(), raw) {
				t.Errorf("%s: encoding gives other bytes", name)
			}
		})
	}
}
