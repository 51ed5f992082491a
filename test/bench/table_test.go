package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestATableReplacesItsEarlierSelfAndNothingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	if err := os.WriteFile(path, []byte("# Benchmarks\n\nWhat this is.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, title := range []string{"First", "Second", "First again"} {
		key := strings.ToLower(strings.Fields(title)[0])
		if err := newTable(key, title).write(path); err != nil {
			t.Fatal(err)
		}
	}
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var headings []string
	for line := range strings.Lines(string(doc)) {
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "What") {
			headings = append(headings, strings.TrimSpace(line))
		}
	}
	if got, want := strings.Join(headings, "; "), "# Benchmarks; What this is.; ### First again; ### Second"; got != want {
		t.Errorf("the document has %q, want %q\n%s", got, want, doc)
	}
}

func TestAMissedGoalSaysByHowMuch(t *testing.T) {
	table := newTable("k", "Title")
	table.ratio("whole ÷ mbsync", cost{Wall: 3 * time.Second}, cost{Wall: 10 * time.Second}, 0.25)
	table.figure("peak memory", 100, 150, " MiB")
	text := table.markdown()
	for _, want := range []string{"| whole ÷ mbsync | 0.30 | ≤ 0.25 | **missed** by 20 % |", "| peak memory | 100 MiB | ≤ 150 MiB | met |"} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
}

func TestOnlyChoosesAmongItsOwnKind(t *testing.T) {
	b := bench{only: []string{"cyrus", "first"}}
	for name, want := range map[string]bool{"cyrus": true, "dovecot": false, "spamassassin": true, "first": true, "quiet": false, "nonsense": false} {
		if got := b.wants(name); got != want {
			t.Errorf("-only cyrus,first chooses %s: %v", name, got)
		}
	}
}
