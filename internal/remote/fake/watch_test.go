package fake_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
)

// watching watches every folder of a service until the test ends.
func watching(t *testing.T, s *fake.Server, service string) (news chan string, ended chan error) {
	t.Helper()
	c := connect(t, s, service).(remote.Watcher)
	var ids []string
	for _, f := range s.Folders() {
		ids = append(ids, f.ID)
	}
	news, ended = make(chan string, 100), make(chan error, 1)
	began := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		ended <- c.Watch(ctx, ids, func([]string) { close(began) }, func(f string) { news <- f })
	}()
	t.Cleanup(func() { cancel(); <-over })
	<-began
	return news, ended
}

func TestEveryDeedFromOutsideIsNews(t *testing.T) {
	s := fake.NewServer(fake.Options{})
	inbox, trash, calendar := s.FolderID("Inbox"), s.FolderID("Trash"), s.FolderID("Calendar")
	raw := []byte("Subject: x\r\n\r\n")
	mail, _ := watching(t, s, "imap")
	objects, _ := watching(t, s, "caldav")
	wants := func(what string, news chan string, folders ...string) {
		t.Helper()
		for _, want := range folders {
			select {
			case got := <-news:
				if got != want {
					t.Errorf("%s is news of %q, want %q", what, got, want)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("%s is no news", what)
			}
		}
	}
	id := s.AddMail(inbox, raw, groupware.Flags{}, time.Time{})
	wants("a delivery", mail, inbox)
	s.SetFlags(inbox, id, groupware.Flags{System: groupware.Seen})
	wants("a flag", mail, inbox)
	s.Forget(inbox)
	wants("forgetting", mail, inbox)
	s.BumpUIDValidity(inbox)
	wants("renumbering", mail, inbox)
	s.Empty(inbox)
	wants("emptying", mail, inbox)
	made := s.AddFolder(remote.NewFolder{Name: "New", Kind: groupware.FolderMail})
	wants("a new folder", mail, "")
	s.AddMail(made, raw, groupware.Flags{}, time.Time{}) // nobody asked for news of it
	s.RenameFolder(made, trash, "Newer")
	wants("another name", mail, "")
	s.SetReadOnly(made, true)
	wants("a right that was taken", mail, "")
	s.DeleteFolder(made)
	wants("the end of a folder", mail, "")
	object := s.PutObject(calendar, "1.ics", []byte("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"))
	wants("an event", objects, calendar)
	s.DeleteObject(calendar, object)
	wants("the end of an event", objects, calendar)
	if len(mail)+len(objects) > 0 {
		t.Error("there are news of nothing")
	}
}

func TestAWatchEndsWhenTheServerGoesAway(t *testing.T) {
	s := fake.NewServer(fake.Options{})
	_, ended := watching(t, s, "imap")
	s.SetOffline(true)
	if err := <-ended; remote.KindOf(err) != remote.Offline {
		t.Errorf("ended with %v", err)
	}
}

func TestAWatchMeetsFaults(t *testing.T) {
	s := fake.NewServer(fake.Options{})
	s.Faults().Order(fake.Fault{Call: "Watch", Nth: 1, Kind: remote.Unavailable, At: fake.Before})
	c := connect(t, s, "imap").(remote.Watcher)
	if err := c.Watch(t.Context(), nil, func([]string) { t.Error("it watches") }, nil); remote.KindOf(err) != remote.Unavailable {
		t.Errorf("got %v", err)
	}
	s.Faults().Order(fake.Fault{Call: "Watch", Nth: 1, Cut: true, At: fake.Middle, Step: 1})
	news, ended := watching(t, s, "imap")
	for range 2 {
		s.AddMail(s.FolderID("Inbox"), []byte("a"), groupware.Flags{}, time.Time{})
		<-news
	}
	if err := <-ended; remote.KindOf(err) != remote.Offline || errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
