package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// A day at the desk, with the server away in the middle.
func TestADayAtTheDesk(t *testing.T) {
	d := newDesk(t)
	if err := d.server.Deliver(d.acc.Email, "", []byte("From: Ben <ben@brambleford.example>\r\nTo: mara@brambleford.example\r\nSubject: The offer\r\nMessage-ID: <o@b>\r\nDate: Sun, 1 Mar 2026 10:00:00 +0000\r\n\r\nPlease look at the pomegranate offer.\r\n")); err != nil {
		t.Fatal(err)
	}
	d.must("", "sync", "--folder", "inbox")
	if out := d.must("", "search", "pomegranate"); !strings.Contains(out, "The offer") {
		t.Errorf("search: %q", out)
	}
	d.must("", "status")

	if err := d.server.Stop(); err != nil {
		t.Fatal(err)
	}
	var list []struct{ ID string }
	d.json(&list, "list", "INBOX")
	id := list[0].ID
	out := d.must("", "show", id)
	for _, want := range []string{"From: Ben <ben@brambleford.example>\n", "Subject: The offer\n", "Folder: INBOX\n", "\nPlease look at the pomegranate offer.\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("show: %q has no %q", out, want)
		}
	}
	d.must("", "flag", id, "+seen", "-flagged", "+offer")
	d.must("", "folder", "create", "Customers/Miller")
	d.must("", "move", id, "Customers/Miller")
	event := strings.TrimSpace(d.must(meeting("m1", "Planning"), "add", "Calendar"))
	d.must("", "edit", event, d.file("m.ics", meeting("", "Replanning")))
	if out := d.must("", "show", event); !strings.Contains(out, "Subject: Replanning\n") || !strings.Contains(out, "Where: Room 5\n") || !strings.Contains(out, "When: ") {
		t.Errorf("show: %q", out)
	}
	sent := strings.TrimSpace(d.must(letter, "send"))
	if out := d.must("", "list", "Outbox"); !strings.Contains(out, sent) {
		t.Errorf("Outbox: %q", out)
	}
	d.fails(exitNotInSync, "", []string{"sync"}, "cannot be reached", "is kept")
	out, errs, code := d.run("", "status")
	if code != exitNotInSync || !strings.Contains(out, "offline") || !strings.Contains(out, "wait for the server") || errs != "" {
		t.Errorf("status: exit %d, %q, %q", code, out, errs)
	}

	if err := d.server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.must("", "sync")
	d.must("", "sync")
	var r map[string]float64
	d.json(&r, "sync")
	if r["downloaded"]+r["uploaded"]+r["deleted"]+r["conflicts"]+r["failures"] != 0 {
		t.Errorf("a pass with nothing to do: %v", r)
	}
	for folder, subject := range map[string]string{"Customers/Miller": "The offer", "Sent": "Lunch?", "INBOX": "Lunch?", "Calendar": "Replanning"} {
		if out := d.must("", "list", folder); !strings.Contains(out, subject) || strings.Count(out, "\n") != 1 {
			t.Errorf("%s: %q", folder, out)
		}
	}
	copied := strings.TrimSpace(d.must("", "copy", id, "INBOX"))
	if out := d.must("", "delete", copied); out != "moved to Trash\n" {
		t.Errorf("delete: %q", out)
	}
	d.must("", "folder", "rename", "Customers/Miller", "Smith")
	d.must("", "folder", "set", "Customers", "--sync", "whole", "--recursive")
	d.must("", "folder", "move", "Customers/Smith", "/")
	d.must("", "folder", "delete", "Customers")
	d.must("", "sync")
	if out := d.must("", "verify"); !strings.Contains(out, "all is well") {
		t.Errorf("verify: %q", out)
	}
	if out := d.must("", "account", "check", d.acc.Email); strings.Count(out, "works") != 4 {
		t.Errorf("check: %q", out)
	}
	d.must("", "account", "remove", d.acc.Email)
}

func TestTheShapesOfJSON(t *testing.T) {
	d := newDesk(t)
	d.must(letter, "send")
	d.must("", "sync")
	d.must("", "sync")
	shape := func(want string, m map[string]any) {
		t.Helper()
		if got := keys(m); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	var status struct{ Accounts []map[string]any }
	d.json(&status, "status")
	shape("conflicts email failures folders held holds items lastSync mode pending state", status.Accounts[0])
	if a := status.Accounts[0]; a["state"] != "in-sync" || a["mode"] != "online" || !strings.Contains(a["lastSync"].(string), "T") {
		t.Errorf("%v", a)
	}
	var list []map[string]any
	d.json(&list, "folder", "list")
	shape("id items kind path role sync unread", list[0])
	if f := list[0]; f["path"] != "INBOX" || f["role"] != "inbox" || f["kind"] != "mail" || f["sync"] != "whole" || !strings.HasPrefix(f["id"].(string), "1.") {
		t.Errorf("%v", f)
	}
	roles := map[any]bool{}
	for _, f := range list {
		roles[f["role"]] = true
	}
	for _, r := range []string{"inbox", "sent", "drafts", "trash", "junk", "archive", "outbox", "conflicts", "local-failures", ""} {
		if !roles[r] {
			t.Errorf("no folder has the role %q", r)
		}
	}
	for _, command := range [][]string{{"list", "INBOX"}, {"search", "noon"}} {
		list = nil
		d.json(&list, command...)
		shape("body date flags folder from id kind size subject", list[0])
		if it := list[0]; it["folder"] == "" || it["kind"] != "mail" || it["subject"] != "Lunch?" || it["body"] != "whole" && it["body"] != "text" {
			t.Errorf("%v", it)
		}
		if _, ok := list[0]["flags"].([]any); !ok {
			t.Errorf("flags: %v", list[0]["flags"])
		}
	}
	list = nil
	if out := d.must("", "list", "Junk", "--json"); out != "[]\n" {
		t.Errorf("an empty list is %q", out)
	}
	var m map[string]any
	d.json(&m, "sync")
	shape("bytesIn bytesOut conflicts deleted downloaded failures left seconds uploaded", m)
	for _, kind := range []string{"downloaded", "uploaded", "deleted", "conflicts", "failures"} {
		if m[kind] != 0.0 {
			t.Errorf("%s is %v in a pass with nothing to do", kind, m[kind])
		}
	}
	out, errs, code := d.run(meeting("e", "E"), "add", "Calendar", "--json")
	if code != 0 || !strings.Contains(out, `"id": "1.`) {
		t.Errorf("add: exit %d %q %q", code, out, errs)
	}
	list = nil
	d.json(&list, "account", "list")
	shape("caldav carddav conflicts email every imap login mode name number onChange onStart push smtp", list[0])
	m = nil
	d.json(&m, "version")
	shape("commit go os version", m)
}

func TestDaemonAndCommandsTogether(t *testing.T) {
	d := newDesk(t)
	stop := d.daemon("msg=serving", "serve", "--listen", "127.0.0.1:0")
	d.must("", "folder", "list")
	id := strings.TrimSpace(d.must(letter, "add", "Drafts"))
	d.must("", "sync")
	d.must("", "show", id)
	if raw := d.must("", "show", id, "--raw"); !strings.Contains(raw, "\r\nAt noon?\r\n") {
		t.Errorf("raw: %q", raw)
	}
	d.fails(exitFailed, "", []string{"list", "Draft"}, `did you mean "Drafts"`)
	d.fails(exitFailed, "", []string{"serve", "--listen", "127.0.0.1:0"}, d.data, "in use", "end that first")
	d.must("", "offline")
	d.fails(exitNotInSync, "", []string{"sync"}, "works offline", "outpost online")
	d.must("", "online")
	d.must("", "sync")
	stop()
	d.must("", "list", "Drafts") // without the daemon
	d.must("", "verify")
}

func TestTheDemoCanBeTakenAwayAndComesBack(t *testing.T) {
	d := alone(t)
	out := d.must("", "demo", "--once")
	if !strings.Contains(out, "in sync") {
		t.Errorf("%q", out)
	}
	d.fails(exitFailed, "", []string{"demo", "server", "stop"}, "outpost demo")
	out = d.must("", "demo", "--once", "--json") // again on the same data: nothing new
	if !strings.Contains(out, `"downloaded": 0`) {
		t.Errorf("%q", out)
	}
}

func TestTheRunningDemo(t *testing.T) {
	d := alone(t)
	stop := d.daemon("Bring it back", "demo")
	if out := d.must("", "demo", "server", "status"); !strings.Contains(out, "is there") {
		t.Errorf("%q", out)
	}
	d.fails(exitFailed, "", []string{"demo"}, d.data, "in use")
	if out := d.must("", "demo", "server", "stop"); !strings.Contains(out, "is away") {
		t.Errorf("%q", out)
	}
	d.must(letter, "send")
	d.fails(exitNotInSync, "", []string{"sync"}, "cannot be reached")
	d.must("", "demo", "server", "start")
	d.must("", "sync")
	if out := d.must("", "list", "Sent", "--limit", "1"); !strings.Contains(out, "Lunch?") {
		t.Errorf("%q", out)
	}
	d.must("", "sync")
	d.must("", "status")
	stop()
	if left, _ := filepath.Glob(filepath.Join(d.data, "daemon.json*")); left != nil {
		t.Errorf("left: %v", left)
	}
}

func TestEveryCommandHasAnExample(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Name() == "help" || c.Name() == "completion" {
			return
		}
		if c.Example == "" || c.Short == "" {
			t.Errorf("%s has no example or no description", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk((&app{}).root())
	d := alone(t)
	for _, args := range [][]string{{"--help"}, {"flag", "--help"}, {"account", "add", "--help"}, {"folder", "--help"}, {"demo", "server", "--help"}, {"conflict", "keep", "--help"}, {"failure", "retry", "--help"},
		{"support-bundle", "--help"}, {"folder", "confirm", "--help"}} {
		if out := d.must("", args...); !strings.Contains(out, "Examples:") {
			t.Errorf("%v: %q", args, out)
		}
	}
}
