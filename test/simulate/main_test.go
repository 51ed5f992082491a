package main

import (
	"strings"
	"testing"
	"time"
)

func TestTheRecordKeepsEarlierRunsAndTheLastFaults(t *testing.T) {
	doc := "# Reliability\n\n" + recordBegins + recordEnds + "\nafter\n"
	for i, faults := range []map[string]int{{"disk full": 3}, {"power lost": 4, "clock jump": 1}} {
		r := record{when: time.Date(2026, 3, 1+i, 12, 0, 0, 0, time.UTC), took: time.Minute, first: 1, faults: map[string]int{}}
		r.add(outcome{seed: 1, trace: []string{"a", "b"}, faults: faults})
		r.add(outcome{seed: 2, wrong: []string{"lost"}})
		var err error
		if doc, err = r.into(doc); err != nil {
			t.Fatal(err)
		}
	}
	want := "# Reliability\n\n" + recordBegins + recordHead + "| 2026-03-02 12:00 | 1-2 | 2 | 5 | 1 | 1m0s |\n| 2026-03-01 12:00 | 1-2 | 2 | 3 | 1 | 1m0s |\n" +
		"\nFaults of the last run:\n\n| fault | times |\n|---|--:|\n| clock jump | 1 |\n| power lost | 4 |\n" + recordEnds + "\nafter\n"
	if doc != want {
		t.Fatalf("got\n%s\nwant\n%s", doc, want)
	}
	if _, err := (&record{}).into("no markers"); err == nil || !strings.Contains(err.Error(), "place") {
		t.Fatalf("a document without a place for it gave %v", err)
	}
}
