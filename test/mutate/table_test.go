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

// table is what docs/reliability.md shows.
func table(outcomes []outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d seeded bugs, %d caught.\n\n| the bug | seeded in | noticed first by |\n|---|---|---|\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"), len(outcomes), len(outcomes))
	for i, o := range outcomes {
		pkg, test, _ := strings.Cut(o.caught, ": ")
		fmt.Fprintf(&b, "| %s | %s | %s in %s |\n", mutants[i].name, mutants[i].file, strings.ReplaceAll(test, "_", " "), pkg)
	}
	return b.String()
}

// write puts the table into a document in place of its earlier self, which it finds by its markers; a new one goes to the end.
func write(path, table string) error {
	doc, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		doc, err = []byte("# Reliability\n"), nil
	}
	if err != nil {
		return err
	}
	section := begin + table + end
	before, rest, found := bytes.Cut(doc, []byte(begin))
	if !found {
		return os.WriteFile(path, append(append(bytes.TrimRight(doc, "\n"), "\n\n## Do the tests bite?\n\n"...), section...), 0o644)
	}
	_, after, found := bytes.Cut(rest, []byte(end))
	if !found {
		return fmt.Errorf("%s: %q has no %q after it", path, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(path, append(append(before[:len(before):len(before)], section...), after...), 0o644)
}
