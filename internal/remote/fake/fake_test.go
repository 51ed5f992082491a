package fake_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/remote/remotetest"
)

func connect(t *testing.T, s *fake.Server, service string) remote.Service {
	t.Helper()
	c, err := s.Connect(t.Context(), service)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mails(n int) []remote.NewItem {
	out := make([]remote.NewItem, n)
	for i := range out {
		out[i] = remotetest.Item(groupware.FolderMail, fmt.Sprint("m", i), "text")
	}
	return out
}

// outcome is what a Create told, one letter an item: y stored, n refused.
func outcome(c remote.Service, folder string, items []remote.NewItem) (told string, err error) {
	err = c.Create(context.Background(), folder, items, func(_ int, _ remote.Created, err error) error {
		if err != nil {
			told += "n"
		} else {
			told += "y"
		}
		return nil
	})
	return told, err
}

func TestFaultsStrikeWhereOrdered(t *testing.T) {
	for _, c := range []struct {
		fault  fake.Fault
		told   string
		kind   remote.ErrorKind
		fails  bool
		stored int
		dead   bool
	}{
		{fake.Fault{Cut: true, At: fake.Before}, "", remote.Offline, true, 0, true},
		{fake.Fault{Cut: true, At: fake.Middle, Step: 1}, "y", remote.Offline, true, 2, true},
		{fake.Fault{Cut: true, At: fake.Middle, Step: 99}, "yyy", remote.Offline, true, 3, true},
		{fake.Fault{Cut: true, At: fake.After}, "", remote.Offline, true, 3, true},
		{fake.Fault{Kind: remote.Unavailable, After: time.Minute}, "", remote.Unavailable, true, 0, false},
		{fake.Fault{Kind: remote.Offline}, "", remote.Offline, true, 0, true},
		{fake.Fault{Kind: remote.OverQuota, At: fake.OneItem, Step: 1}, "yny", 0, false, 2, false},
	} {
		t.Run(c.fault.String(), func(t *testing.T) {
			s := fake.NewServer(fake.Options{})
			inbox := s.FolderID("Inbox")
			c.fault.Call, c.fault.Nth = "Create", 2
			s.Faults().Order(c.fault)
			conn := connect(t, s, "imap")
			if told, err := outcome(conn, inbox, mails(1)); told != "y" || err != nil {
				t.Fatalf("the first call: %q %v", told, err)
			}
			told, err := outcome(conn, inbox, mails(3))
			if told != c.told || (err != nil) != c.fails || c.fails && remote.KindOf(err) != c.kind {
				t.Errorf("told %q, error %v", told, err)
			}
			if n := len(s.Snapshot()) - 1; n != c.stored {
				t.Errorf("%d stored", n)
			}
			if _, err := conn.Folders(t.Context()); (remote.KindOf(err) == remote.Offline) != c.dead {
				t.Errorf("afterwards: %v", err)
			}
			if got := s.Faults().Counts(); got[c.fault.String()] != 1 || s.Faults().Struck() != 1 {
				t.Errorf("counted %v", got)
			}
			if told, err := outcome(connect(t, s, "imap"), inbox, mails(3)); told != "yyy" || err != nil {
				t.Errorf("on a new connection: %q %v", told, err)
			}
		})
	}
}

func TestStallEndsWithTheContext(t *testing.T) {
	s := fake.NewServer(fake.Options{})
	c := connect(t, s, "imap")
	s.Faults().Order(fake.Fault{Call: "Changes", Stall: true, At: fake.After})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for s.Faults().Struck() == 0 {
			runtime.Gosched()
		}
		cancel()
	}()
	_, err := c.Changes(ctx, s.FolderID("Inbox"), "", func(remote.Change) error { return nil })
	if remote.KindOf(err) != remote.Offline {
		t.Fatal(err)
	}
}

func TestDuplicateAnswersAreTheSameTwice(t *testing.T) {
	s := fake.NewServer(fake.Options{})
	inbox := s.FolderID("Inbox")
	id := s.AddMail(inbox, remotetest.PlainMail("a", "text"), groupware.Flags{}, time.Time{})
	s.Faults().Order(fake.Fault{Call: "Fetch", Duplicate: true})
	var got []remote.Fetched
	err := connect(t, s, "imap").Fetch(t.Context(), inbox, []string{id}, remote.PartWhole, func(f remote.Fetched) error {
		got = append(got, f)
		return nil
	})
	if err != nil || len(got) != 2 || string(got[0].Raw) != string(got[1].Raw) || &got[0].Raw[0] == &got[1].Raw[0] {
		t.Fatalf("got %v, %v", got, err)
	}
}

// One seed replays one history, whatever other services do in between.
func TestRandomFaultsFollowTheSeed(t *testing.T) {
	run := func(seed uint64, others int) (history string) {
		s := fake.NewServer(fake.Options{Rand: rand.New(rand.NewPCG(seed, 0))})
		s.Faults().Random(seed, 0.3, fake.EveryFault()...)
		for range others {
			s.Connect(t.Context(), "caldav")
		}
		for range 60 {
			c, err := s.Connect(t.Context(), "imap")
			if err != nil {
				history += fmt.Sprintln(err)
				continue
			}
			told, err := outcome(c, s.FolderID("Inbox"), mails(4))
			history += fmt.Sprintln(told, err)
			l, err := c.Changes(t.Context(), s.FolderID("Inbox"), "", func(ch remote.Change) error { history += ch.ID; return nil })
			history += fmt.Sprintln(l, err)
		}
		return history
	}
	if run(1, 0) != run(1, 7) {
		t.Error("the same seed gave two histories")
	}
	if run(1, 0) == run(2, 0) {
		t.Error("two seeds gave the same history")
	}
}

func TestEveryFaultStrikesInTime(t *testing.T) {
	s := fake.NewServer(fake.Options{})
	s.Faults().Random(1, 0.5, fake.EveryFault()...)
	for range 4000 {
		if c, err := s.Connect(t.Context(), "imap"); err == nil {
			outcome(c, s.FolderID("Inbox"), mails(2))
			c.Changes(t.Context(), s.FolderID("Drafts"), "", func(remote.Change) error { return nil })
		}
	}
	counts := s.Faults().Counts()
	for _, f := range fake.EveryFault() {
		if counts[f.String()] == 0 {
			t.Errorf("%v never struck: %v", f, counts)
		}
	}
	s.Faults().Stop()
	before := s.Faults().Struck()
	connect(t, s, "imap")
	if s.Faults().Struck() != before {
		t.Error("a fault struck after Stop")
	}
}

func TestSubmission(t *testing.T) {
	sent := func(err error) bool {
		e, ok := errors.AsType[*remote.Error](err)
		return ok && e.Sent
	}
	for _, c := range []struct {
		name            string
		fault           fake.Fault
		to              string
		commit          error
		fails, unknown  bool
		committed, sent int
	}{
		{name: "accepted", to: "jorgen@example.org", committed: 1, sent: 1},
		{name: "a refused recipient", to: "nobody@example.org", fails: true},
		{name: "cut before", fault: fake.Fault{Cut: true}, to: "jorgen@example.org", fails: true},
		{name: "commit fails", to: "jorgen@example.org", commit: errors.New("full disk"), fails: true, committed: 1},
		{name: "refused after the dot", fault: fake.Fault{Kind: remote.Invalid, At: fake.OneItem}, to: "jorgen@example.org", fails: true, committed: 1},
		{name: "cut before it was accepted", fault: fake.Fault{Cut: true, At: fake.Middle}, to: "jorgen@example.org", fails: true, unknown: true, committed: 1},
		{name: "lost answer", fault: fake.Fault{Cut: true, At: fake.After}, to: "jorgen@example.org", fails: true, unknown: true, committed: 1, sent: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := fake.NewServer(fake.Options{Features: fake.Features{RefuseRecipient: func(a string) bool { return a == "nobody@example.org" }}})
			if c.fault != (fake.Fault{}) {
				c.fault.Call = "Send"
				s.Faults().Order(c.fault)
			}
			sub, err := s.Submit(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			committed := 0
			err = sub.Send(t.Context(), "anna@example.org", []string{c.to}, []byte("mail"), func() error { committed++; return c.commit })
			if (err != nil) != c.fails || sent(err) != c.unknown || committed != c.committed || len(s.Sent()) != c.sent {
				t.Fatalf("error %v, %d commits, %d sent", err, committed, len(s.Sent()))
			}
			if c.commit != nil && !errors.Is(err, c.commit) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := fake.NewServer(fake.Options{NoSubmission: true}).Submit(t.Context()); remote.KindOf(err) != remote.NotFound {
		t.Errorf("got %v", err)
	}
}

func TestAnotherClient(t *testing.T) {
	s := fake.NewServer(fake.Options{})
	inbox, calendar := s.FolderID("Inbox"), s.FolderID("Calendar")
	work := s.AddFolder(remote.NewFolder{Name: "Work", Parent: inbox, Kind: groupware.FolderMail})
	a := s.AddMail(inbox, remotetest.PlainMail("a", "one"), groupware.Flags{}, time.Time{})
	b := s.AddMail(inbox, remotetest.PlainMail("b", "two"), groupware.Flags{}, time.Time{})
	ev := s.PutObject(calendar, "e.ics", remotetest.Event("e", "Meeting"))
	seen := groupware.Flags{System: groupware.Seen}
	moved := s.MoveMail(inbox, b, work)
	if !s.SetFlags(inbox, a, seen) || moved == "" || s.DeleteMail(inbox, b) || !s.RenameFolder(work, "", "Werk") {
		t.Fatal("refused")
	}
	want := map[string]string{"Inbox " + a: "[seen]", "Werk " + moved: "[]", "Calendar " + ev: "[]"}
	got := map[string]string{}
	for _, it := range s.Snapshot() {
		got[it.Path+" "+it.ID] = fmt.Sprint(it.Flags.Names())
		if it.Hash != groupware.HashOf(it.Raw) {
			t.Errorf("%s: wrong hash", it.ID)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if !s.BumpUIDValidity(inbox) || s.SetFlags(inbox, a, groupware.Flags{}) {
		t.Error("the old id is still good")
	}
	s.DeleteObject(calendar, ev)
	s.Empty(inbox)
	s.DeleteFolder(work)
	if n := len(s.Snapshot()); n != 0 {
		t.Errorf("%d items are left", n)
	}
	if s.Writes() != 0 {
		t.Errorf("what another client does counts as %d writes", s.Writes())
	}
}

func TestOnlyWritesAreCounted(t *testing.T) {
	s := fake.NewServer(fake.Options{})
	inbox := s.FolderID("Inbox")
	c := connect(t, s, "imap")
	id := s.AddMail(inbox, remotetest.PlainMail("a", "one"), groupware.Flags{}, time.Time{})
	c.Folders(t.Context())
	c.Changes(t.Context(), inbox, "", func(remote.Change) error { return nil })
	c.Fetch(t.Context(), inbox, []string{id}, remote.PartText, func(remote.Fetched) error { return nil })
	c.Identify(t.Context(), inbox, []string{id})
	c.Mark(t.Context(), inbox)
	if s.Writes() != 0 {
		t.Errorf("reading counts as %d writes", s.Writes())
	}
	c.SetFlags(t.Context(), inbox, []string{id}, groupware.Flags{System: groupware.Seen}, groupware.Flags{})
	outcome(c, inbox, mails(2))
	if s.Writes() != 2 || s.Calls()["Create"] != 1 {
		t.Errorf("%d writes, calls %v", s.Writes(), s.Calls())
	}
}

func TestLimits(t *testing.T) {
	s := fake.NewServer(fake.Options{Features: fake.Features{MaxSize: 2000, Quota: 1000}})
	inbox := s.FolderID("Inbox")
	c := connect(t, s, "imap")
	var kinds []remote.ErrorKind
	items := append(mails(3), remote.NewItem{Raw: make([]byte, 3000)})
	if err := c.Create(t.Context(), inbox, items, func(_ int, _ remote.Created, err error) error {
		kinds = append(kinds, remote.KindOf(err))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(kinds) != fmt.Sprint([]remote.ErrorKind{0, 0, remote.OverQuota, remote.TooLarge}) {
		t.Errorf("got %v", kinds)
	}
	s.SetReadOnly(inbox, true)
	if told, err := outcome(c, inbox, mails(1)); told != "n" || err != nil {
		t.Errorf("a read-only folder: %q %v", told, err)
	}
	id := s.Snapshot()[0].ID
	if err := c.SetFlags(t.Context(), inbox, []string{id}, groupware.Flags{System: groupware.Seen}, groupware.Flags{}); remote.KindOf(err) != remote.Forbidden {
		t.Errorf("flags in a read-only folder: %v", err)
	}
	s.SetOffline(true)
	if _, err := c.Folders(t.Context()); remote.KindOf(err) != remote.Offline {
		t.Errorf("offline: %v", err)
	}
	if _, err := s.Connect(t.Context(), "imap"); remote.KindOf(err) != remote.Offline {
		t.Errorf("offline: %v", err)
	}
	s.SetOffline(false)
	if _, err := c.Folders(t.Context()); remote.KindOf(err) != remote.Offline {
		t.Errorf("a connection came back to life: %v", err)
	}
	connect(t, s, "imap")
}

// Forgotten tokens, renumbered folders and emptied ones are told so that nothing is missed.
func TestForgetting(t *testing.T) {
	s := fake.NewServer(fake.Options{})
	inbox := s.FolderID("Inbox")
	a := s.AddMail(inbox, remotetest.PlainMail("a", "one"), groupware.Flags{}, time.Time{})
	c := connect(t, s, "imap")
	list := func(since string) (remote.Listing, []remote.Change) {
		var out []remote.Change
		l, err := c.Changes(t.Context(), inbox, since, func(ch remote.Change) error { out = append(out, ch); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return l, out
	}
	first, _ := list("")
	s.Forget(inbox)
	l, all := list(first.Token)
	if !l.Full || len(all) != 1 || all[0].ID != a {
		t.Errorf("after Forget: %+v %+v", l, all)
	}
	s.BumpUIDValidity(inbox)
	l2, all := list(l.Token)
	if !l2.Full || len(all) != 1 || all[0].ID == a {
		t.Errorf("after BumpUIDValidity: %+v %+v", l2, all)
	}
	renumbered := all[0].ID
	s.Empty(inbox)
	l3, all := list(l2.Token)
	if l3.Full || len(all) != 1 || !all[0].Gone || all[0].ID != renumbered {
		t.Errorf("after Empty: %+v %+v", l3, all)
	}
}

// With the race detector this shows that the lock is where it must be.
func TestServicesWorkAtTheSameTime(t *testing.T) {
	s := fake.NewServer(fake.Options{})
	s.Faults().Random(3, 0.2, fake.EveryFault()...)
	kinds := map[string]groupware.FolderKind{"imap": groupware.FolderMail, "caldav": groupware.FolderCalendar, "carddav": groupware.FolderContacts}
	paths := map[string]string{"imap": "Inbox", "caldav": "Calendar", "carddav": "Contacts"}
	var wg sync.WaitGroup
	for service, kind := range kinds {
		wg.Go(func() {
			folder := s.FolderID(paths[service])
			for i := range 50 {
				c, err := s.Connect(context.Background(), service)
				if err != nil {
					continue
				}
				outcome(c, folder, []remote.NewItem{remotetest.Item(kind, fmt.Sprint(service, i), "text")})
				c.Changes(context.Background(), folder, "", func(ch remote.Change) error { s.Snapshot(); return nil })
			}
		})
	}
	wg.Wait()
	seen := map[string]int{}
	for _, it := range s.Snapshot() {
		seen[it.Path]++
	}
	if len(seen) != 3 || s.Faults().Struck() == 0 {
		t.Errorf("got %v, %d faults", seen, s.Faults().Struck())
	}
}

func TestAHiddenFolderLooksEmptyAndKeepsWhatIsInIt(t *testing.T) {
	s := fake.NewServer(fake.Options{})
	c, inbox := connect(t, s, "imap"), s.FolderID("Inbox")
	s.AddMail(inbox, mails(1)[0].Raw, groupware.Flags{}, time.Time{})
	seen := func(since string) (n int, token string) {
		l, err := c.Changes(t.Context(), inbox, since, func(ch remote.Change) error {
			if !ch.Gone {
				n++
			}
			return nil
		})
		if err != nil || since != "" && !l.Full {
			t.Fatalf("full %v, error %v", l.Full, err)
		}
		return n, l.Token
	}
	n, token := seen("")
	s.Hide(inbox, true)
	hidden, token := seen(token)
	s.Hide(inbox, false)
	again, _ := seen(token)
	if n != 1 || hidden != 0 || again != 1 {
		t.Fatalf("%d messages, %d hidden, %d again", n, hidden, again)
	}
}

func TestTokensOfEarlierModSequencesAreUnknown(t *testing.T) {
	s := fake.NewServer(fake.Options{})
	c, inbox := connect(t, s, "imap"), s.FolderID("Inbox")
	token := ""
	for range 3 {
		s.AddMail(inbox, mails(1)[0].Raw, groupware.Flags{}, time.Time{})
		l, err := c.Changes(t.Context(), inbox, "", func(remote.Change) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		token = l.Token
	}
	s.ResetModSeq(inbox)
	for range 3 { // as many as there were
		s.AddMail(inbox, mails(1)[0].Raw, groupware.Flags{}, time.Time{})
	}
	n := 0
	l, err := c.Changes(t.Context(), inbox, token, func(remote.Change) error { n++; return nil })
	if err != nil || !l.Full || n != 6 {
		t.Fatalf("%d changes, full %v, error %v", n, l.Full, err)
	}
}
