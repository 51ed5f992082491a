package store

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"outpost/internal/groupware"
)

// corpus returns the folder of sample data made by others, or skips the test and says why.
func corpus(t testing.TB) string {
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
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no sample data: set OUTPOST_CORPUS to its folder (%v)", err)
	}
	return dir
}

func TestSampleDataIsKeptByteForByte(t *testing.T) {
	dir := corpus(t)
	m := open(t)
	folder := addFolder(t, m, "Everything", "x")
	kept := map[groupware.ItemID]string{}
	media := map[string]groupware.Media{"mime": groupware.MediaMessage, "ical": groupware.MediaCalendar, "vcard": groupware.MediaVCard}
	for sub, media := range media {
		err := filepath.WalkDir(filepath.Join(dir, sub), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return m.Bulk(t.Context(), func(tx *Tx) error {
				id, err := tx.Add(folder, Prepare(media, raw), groupware.Flags{}, time.Time{})
				kept[id] = path
				return err
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	view(t, m, func(tx *Tx) error {
		for id, path := range kept {
			want := must(os.ReadFile(path))(t)
			if got := must(tx.Raw(id))(t); !bytes.Equal(got, want) {
				t.Errorf("%s is not what was stored", path)
			}
			must(tx.Text(id))(t)
			must(tx.Item(id))(t)
		}
		return nil
	})
	if err := m.WaitIndexed(t.Context()); err != nil {
		t.Error(err)
	}
	clean(t, m)
}
