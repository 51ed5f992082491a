package engine

import (
	"context"
	"fmt"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

// meddler is a server at which something happens just before or after one of our calls, once.
type meddler struct {
	*fake.Server
	before, after map[string]func()
	folders       func([]remote.Folder) []remote.Folder
}

func (m *meddler) once(at map[string]func(), call string) {
	if do := at[call]; do != nil {
		delete(at, call)
		do()
	}
}

func (m *meddler) Connect(ctx context.Context, service string) (remote.Service, error) {
	s, err := m.Server.Connect(ctx, service)
	if err != nil {
		return nil, err
	}
	return meddledService{s, m}, nil
}

func (m *meddler) Submit(ctx context.Context) (remote.Submitter, error) {
	s, err := m.Server.Submit(ctx)
	if err != nil {
		return nil, err
	}
	return meddledSubmitter{s, m}, nil
}

type meddledService struct {
	remote.Service
	m *meddler
}

func (s meddledService) Folders(ctx context.Context) ([]remote.Folder, error) {
	fs, err := s.Service.Folders(ctx)
	if s.m.folders != nil {
		fs = s.m.folders(fs)
	}
	return fs, err
}

func (s meddledService) Fetch(ctx context.Context, folder string, ids []string, part remote.Part, emit func(remote.Fetched) error) error {
	s.m.once(s.m.before, "Fetch")
	return s.Service.Fetch(ctx, folder, ids, part, emit)
}

func (s meddledService) Replace(ctx context.Context, folder, id, tag string, item remote.NewItem) (remote.Created, error) {
	s.m.once(s.m.before, "Replace")
	defer s.m.once(s.m.after, "Replace")
	return s.Service.Replace(ctx, folder, id, tag, item)
}

func (s meddledService) SetFlags(ctx context.Context, folder string, ids []string, add, remove groupware.Flags) error {
	s.m.once(s.m.before, "SetFlags")
	defer s.m.once(s.m.after, "SetFlags")
	return s.Service.SetFlags(ctx, folder, ids, add, remove)
}

func (s meddledService) Move(ctx context.Context, folder string, ids []string, to string) (map[string]string, error) {
	s.m.once(s.m.before, "Move")
	defer s.m.once(s.m.after, "Move")
	return s.Service.Move(ctx, folder, ids, to)
}

func (s meddledService) Delete(ctx context.Context, folder string, items []remote.Ref, report func(string, error) error) error {
	s.m.once(s.m.before, "Delete")
	defer s.m.once(s.m.after, "Delete")
	return s.Service.Delete(ctx, folder, items, report)
}

type meddledSubmitter struct {
	remote.Submitter
	m *meddler
}

func (s meddledSubmitter) Send(ctx context.Context, from string, to []string, raw []byte, last func() error) error {
	defer s.m.once(s.m.after, "Send")
	return s.Submitter.Send(ctx, from, to, raw, func() error {
		defer s.m.once(s.m.after, "last")
		return last()
	})
}

func newMeddled(t *testing.T) (*desk, *meddler) {
	d := newDesk(t, fake.Options{})
	m := &meddler{Server: d.server, before: map[string]func(){}, after: map[string]func(){}}
	d.e = New(d.m, m, d.e.o)
	return d, m
}

// An edit that reaches the server after another client's is no refused edit: both are there, one of them in Conflicts.
func TestAnEditThatComesTooLateMeetsTheOther(t *testing.T) {
	d, m := newMeddled(t)
	cal := d.server.FolderID("Calendar")
	d.server.PutObject(cal, "a.ics", []byte(event("a", "lunch")))
	d.sync()
	id := d.find("Calendar", "lunch")
	d.do(func(tx *store.Tx) error {
		return tx.SetContent(id, store.Prepare(groupware.MediaCalendar, []byte(event("a", "late lunch"))))
	})
	m.before["Replace"] = func() { d.server.PutObject(cal, "a.ics", []byte(event("a", "dinner"))) }
	d.sync()
	d.both("Calendar", "dinner []")
	if kept, failed := d.here("Conflicts"), d.here("Local Failures"); len(kept) != 1 || kept[0] != "late lunch []" || len(failed) != 0 {
		t.Fatalf("Conflicts %q, Local Failures %q", kept, failed)
	}
	d.quiet()
}

// A deletion that reaches the server after another client's edit is taken back: who deleted it had not seen that.
func TestADeletionThatComesTooLateIsTakenBack(t *testing.T) {
	d, m := newMeddled(t)
	cal := d.server.FolderID("Calendar")
	d.server.PutObject(cal, "a.ics", []byte(event("a", "lunch")))
	d.sync()
	d.do(func(tx *store.Tx) error { return tx.Delete(d.find("Calendar", "lunch")) })
	m.before["Delete"] = func() { d.server.PutObject(cal, "a.ics", []byte(event("a", "dinner"))) }
	d.sync()
	d.both("Calendar", "dinner []")
	d.quiet()
}

// A server that shows no Inbox is not asked for anything else.
func TestAServerThatShowsNoInboxChangesNothingHere(t *testing.T) {
	d, m := newMeddled(t)
	d.serverMail("Inbox", "one")
	d.sync()
	seq := d.seq()
	m.folders = func(fs []remote.Folder) (some []remote.Folder) {
		for _, f := range fs {
			if f.Role != groupware.RoleInbox {
				some = append(some, f)
			}
		}
		return some
	}
	if _, err := d.e.Pass(d.ctx, PassOptions{}); err == nil {
		t.Fatal("the pass told nothing")
	}
	if here := d.here("Inbox"); len(here) != 1 || d.seq() != seq {
		t.Fatalf("here is %q, after %d changes", here, d.seq()-seq)
	}
	m.folders = nil
	d.sync()
	d.both("Inbox", "one []")
	d.quiet()
}

// What is known to be sent is filed as sent, whatever ends the pass at that moment.
func TestThatAMessageWasSentIsKeptWhenThePassEndsThere(t *testing.T) {
	d, m := newMeddled(t)
	d.sync()
	d.queue("last words")
	ctx, cancel := context.WithCancel(d.ctx)
	m.after["Send"] = cancel
	d.e.Pass(ctx, PassOptions{})
	d.sync()
	if n := len(d.server.Sent()); n != 1 || len(d.here("Outbox")) != 0 {
		t.Fatalf("sent %d times, Outbox %q", n, d.here("Outbox"))
	}
	d.both("Sent", "last words [seen]")
	d.quiet()
}

// A message that was at its final dot when the program ended may have been sent: it waits for a person.
func TestAMessageWhoseSendingWasInterruptedIsNotSentAgain(t *testing.T) {
	d, _ := newMeddled(t)
	d.sync()
	id := d.queue("perhaps")
	d.do(func(tx *store.Tx) error {
		return tx.Submit(store.Submission{Item: id, From: "anna@example.org", To: []string{"ben@example.org"}, State: store.Sending})
	})
	d.reopen()
	d.sync()
	var q []store.Submission
	d.ok(d.m.View(d.ctx, func(tx *store.Tx) (err error) { q, err = tx.Submissions(); return err }))
	if len(d.server.Sent()) != 0 || len(q) != 1 || q[0].State != store.Unknown {
		t.Fatalf("sent %d times, %+v", len(d.server.Sent()), q)
	}
}

// What is edited here while an earlier edit is on its way goes there next.
func TestAnEditMadeWhileAnotherIsOnItsWayFollowsIt(t *testing.T) {
	for _, path := range []string{"Calendar", "Drafts"} {
		t.Run(path, func(t *testing.T) {
			d, m := newMeddled(t)
			d.sync()
			media, text := groupware.MediaMessage, mail
			if path == "Calendar" {
				media, text = groupware.MediaCalendar, func(s string) string { return event("a", s) }
			}
			id := d.add(path, media, text("first"))
			d.sync()
			edit := func(s string) {
				d.do(func(tx *store.Tx) error { return tx.SetContent(id, store.Prepare(media, []byte(text(s)))) })
			}
			edit("second")
			m.before["Replace"] = func() { edit("third") }
			d.sync()
			d.both(path, "third []")
			d.quiet()
		})
	}
}

// What is edited here while the server's new version is read is not overwritten by it, whether or not it had been edited before.
func TestAnEditMadeWhileTheServersIsReadIsKept(t *testing.T) {
	for _, before := range []bool{false, true} {
		t.Run(fmt.Sprint("edited before ", before), func(t *testing.T) {
			d, m := newMeddled(t)
			cal := d.server.FolderID("Calendar")
			d.server.PutObject(cal, "a.ics", []byte(event("a", "lunch")))
			d.sync()
			id := d.find("Calendar", "lunch")
			edit := func(s string) {
				d.do(func(tx *store.Tx) error {
					return tx.SetContent(id, store.Prepare(groupware.MediaCalendar, []byte(event("a", s))))
				})
			}
			if before {
				edit("early lunch")
			}
			d.server.PutObject(cal, "a.ics", []byte(event("a", "dinner")))
			m.before["Fetch"] = func() { edit("late lunch") }
			d.sync()
			d.both("Calendar", "dinner []")
			if kept := d.here("Conflicts"); len(kept) != 1 || kept[0] != "late lunch []" {
				t.Fatalf("Conflicts %q", kept)
			}
			d.quiet()
		})
	}
}

// What is done here between plan and deed is not overwritten by a plan that did not know of it.
func TestAPlanThatIsNoLongerTrueDoesNothing(t *testing.T) {
	d := newDesk(t, fake.Options{})
	d.serverMail("Inbox", "one")
	d.sync()
	id, inbox := d.find("Inbox", "one"), d.folder("Inbox")
	w := &work{id: id}
	d.do(func(tx *store.Tx) (err error) {
		if w.t, err = tx.Triple(id); err != nil {
			return err
		}
		seen := *w.t.Remote
		seen.Flags = flagsOf("answered")
		if _, err = tx.Observe(inbox.ID, []groupware.Remote{seen}); err != nil {
			return err
		}
		w.t, err = tx.Triple(id)
		w.p = PlanItem(w.t)
		return err
	})
	d.do(func(tx *store.Tx) error { return tx.SetFlags(id, flagsOf("flagged")) })
	p := &pass{e: d.e, touched: map[groupware.FolderID]bool{}}
	d.ok(p.takeOver(d.ctx, nil, inbox, []*work{w}))
	if here := d.here("Inbox"); here[0] != "one [flagged]" || !p.touched[inbox.ID] {
		t.Fatalf("here is %q, to be looked at again %v", here, p.touched)
	}
}

// Should the program end at the final dot, the next one knows that the message may have been sent.
func TestThatAMessageIsBeingSentIsSavedBeforeItsFinalDot(t *testing.T) {
	d, m := newMeddled(t)
	d.sync()
	d.queue("on the wire")
	var state store.SubmissionState
	m.after["last"] = func() {
		d.ok(d.m.View(d.ctx, func(tx *store.Tx) error {
			q, err := tx.Submissions()
			for _, s := range q {
				state = s.State
			}
			return err
		}))
	}
	d.sync()
	if state != store.Sending || len(d.server.Sent()) != 1 {
		t.Fatalf("at the final dot it was %q; sent %d times", state, len(d.server.Sent()))
	}
}

// An edit that never arrived is sent again, and one whose answer was lost is not.
func TestAnInterruptedEditIsStoredOnce(t *testing.T) {
	for _, at := range []fake.Point{fake.Before, fake.After} {
		t.Run(at.String(), func(t *testing.T) {
			d := newDesk(t, fake.Options{})
			d.server.PutObject(d.server.FolderID("Calendar"), "a.ics", []byte(event("a", "lunch")))
			d.sync()
			id := d.find("Calendar", "lunch")
			d.do(func(tx *store.Tx) error {
				return tx.SetContent(id, store.Prepare(groupware.MediaCalendar, []byte(event("a", "late lunch"))))
			})
			d.server.Faults().Order(fake.Fault{Call: "Replace", Nth: 1, At: at, Cut: true})
			if _, err := d.e.Pass(d.ctx, PassOptions{}); kindOf(err) != remote.Offline {
				t.Fatal(err)
			}
			writes := d.server.Writes()
			d.sync()
			d.both("Calendar", "late lunch []")
			if again := d.server.Writes() - writes; (again == 1) != (at == fake.Before) {
				t.Fatalf("stored %d times more", again)
			}
			d.quiet()
		})
	}
}

// One item that cannot be looked for keeps no other from being looked for.
func TestAQuestionThatIsRefusedStopsNoOther(t *testing.T) {
	d := newDesk(t, fake.Options{})
	d.sync()
	d.add("Drafts", groupware.MediaMessage, mail("one"))
	d.add("Drafts", groupware.MediaMessage, mail("two"))
	d.server.Faults().Order(fake.Fault{Call: "Create", Nth: 1, At: fake.After, Cut: true})
	if _, err := d.e.Pass(d.ctx, PassOptions{}); kindOf(err) != remote.Offline {
		t.Fatal(err)
	}
	d.server.Faults().Order(fake.Fault{Call: "Find", Nth: 1, At: fake.Before, Kind: remote.Other})
	if _, err := d.e.Pass(d.ctx, PassOptions{}); kindOf(err) != remote.Other {
		t.Fatal(err)
	}
	var open []store.Intent
	d.ok(d.m.View(d.ctx, func(tx *store.Tx) (err error) { open, err = tx.Intents(); return err }))
	if len(open) != 1 {
		t.Fatalf("%d items are still to be looked for", len(open))
	}
	d.sync()
	d.both("Drafts", "one []", "two []")
	d.quiet()
}
