//go:build mutate

package mutate

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

const (
	begin = "<!-- measured: mutants -->\n"
	end   = "<!-- end: mutants -->\n"
)

// record puts the outcomes into a document, in place of the earlier ones of the same mutants, between its markers; where there are none, at the end.
func record(path string, outcomes []outcome) error {
	doc, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		doc, err = []byte("# Reliability\n"), nil
	}
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(doc, []byte(begin))
	if !found {
		before = append(bytes.TrimRight(doc, "\n"), "\n\n## Do the tests bite?\n\n"...)
		rest = []byte(end)
	}
	earlier, after, found := bytes.Cut(rest, []byte(end))
	if !found {
		return fmt.Errorf("%s: %q has no %q after it", path, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(path, []byte(string(before)+begin+table(outcomes, string(earlier))+end+string(after)), 0o644)
}

// table has a line for every mutant: what became of it now, or else what the earlier table says.
func table(outcomes []outcome, earlier string) string {
	said := map[string]string{}
	for line := range strings.Lines(earlier) {
		if cells := strings.Split(line, " | "); len(cells) == 3 {
			said[strings.TrimPrefix(cells[0], "| ")] = line
		}
	}
	caught := 0
	var lines strings.Builder
	for i, o := range outcomes {
		m := mutants[i]
		line := said[m.name]
		if o.judged || line == "" {
			by := "**nobody**"
			if pkg, test, ok := strings.Cut(o.caught, ": "); ok {
				by = strings.ReplaceAll(test, "_", " ") + " in " + pkg
			}
			line = fmt.Sprintf("| %s | %s | %s |\n", m.name, m.file, by)
		}
		if !strings.Contains(line, "**nobody**") {
			caught++
		}
		lines.WriteString(line)
	}
	return fmt.Sprintf("%s: %d seeded bugs, %d caught (`make mutate`).\n\n| the bug | seeded in | noticed first by |\n|---|---|---|\n%s",
		time.Now().UTC().Format("2006-01-02 15:04 UTC"), len(outcomes), caught, lines.String())
}
