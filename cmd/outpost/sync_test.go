package main

import (
	"strings"
	"testing"

	"outpost/internal/backend"
)

func TestAnAccountIsSet(t *testing.T) {
	d := newDesk(t)
	out := d.must("", "account", "set", d.acc.Email, "--push", "off", "--every", "15m", "--on-start", "off", "--conflicts", "duplicate")
	if !strings.HasSuffix(out, ": push off, every 15m, on start off, on change on, conflicts duplicate\n") {
		t.Errorf("%q", out)
	}
	var accounts []map[string]any
	d.json(&accounts, "account", "list")
	for name, want := range map[string]any{"push": false, "every": "15m", "onStart": false, "onChange": true, "conflicts": "duplicate"} {
		if accounts[0][name] != want {
			t.Errorf("%s is %v", name, accounts[0][name])
		}
	}
	d.must("", "account", "set", d.acc.Email, "--every", "off", "--push", "on", "--json")
	d.fails(exitUsage, "", []string{"account", "set", d.acc.Email}, "--push")
	d.fails(exitUsage, "", []string{"account", "set", d.acc.Email, "--push", "perhaps"}, "on or off")
	d.fails(exitUsage, "", []string{"account", "set", d.acc.Email, "--every", "1s"}, "10s")
	d.fails(exitFailed, "", []string{"account", "set", "nobody@example.org", "--push", "on"}, "no account")
	d.fails(exitFailed, "", []string{"status", "--watch"}, "outpost serve")
}

func TestHowFarItIsInWords(t *testing.T) {
	for want, e := range map[string]backend.Event{
		"listing INBOX": {Doing: "listing", Folder: "INBOX"},
		"downloading INBOX 40 of 200, 3.0 MB; in all 40 of 9000, 3.0 MB, 512 kB/s, 13 min left": {Doing: "downloading", Folder: "INBOX",
			Amount: backend.Amount{Done: 40, Total: 200, Bytes: 3 << 20, TotalBytes: 9 << 20, Rate: 1 << 20, Remaining: 9},
			All:    &backend.Amount{Done: 40, Total: 9000, Bytes: 3 << 20, TotalBytes: 400 << 20, Rate: 512 << 10, Remaining: 794}},
		"fetching 1.0 MB of 30.0 MB, 2.0 MB/s, 15 s left": {Doing: "fetching", Item: "1.7", Amount: backend.Amount{Bytes: 1 << 20, TotalBytes: 30 << 20, Rate: 2 << 20, Remaining: 15}},
	} {
		if got := far(e); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	if got := fitted("short\nmuch too long for this\n", 10); got != "short\nmuch too \u2026\n" {
		t.Errorf("%q", got)
	}
}
