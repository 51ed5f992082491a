package format

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gw "outpost/internal/groupware"
)

var update = flag.Bool("update", false, "write the .want files anew")

// testdata/derive/README.md says what the files are.
func TestGoldenFilesAreDerived(t *testing.T) {
	medias := map[string]gw.Media{".eml": gw.MediaMessage, ".ics": gw.MediaCalendar, ".vcf": gw.MediaVCard}
	names, err := filepath.Glob("testdata/derive/*.*")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range names {
		media, ok := medias[filepath.Ext(name)]
		if !ok {
			continue
		}
		n++
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d := Derive(media, crlf(string(raw)))
		checkDerived(t, name, d)
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(d); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(name+".want", []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(name + ".want")
		if err != nil || b.String() != string(want) {
			t.Errorf("%s gives\n%swant\n%s%v", name, b.String(), want, err)
		}
	}
	if n < 10 {
		t.Errorf("only %d files", n)
	}
}
