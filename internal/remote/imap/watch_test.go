package imap

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/internal/remote"
	"outpost/test/servers"
)

// heard watches folders until as many news as wanted were told, and returns them, "list" for the list of folders. It
// returns what ended it, nil where it was ended.
func heard(t *testing.T, d *Driver, want int, folders ...string) (watched []string, news string, err error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out []string
	err = d.Watch(ctx, folders, func(f []string) { watched = f }, func(f string) {
		if f == "" {
			f = "list"
		}
		if out = append(out, f); len(out) == want {
			cancel()
		}
	})
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return watched, strings.Join(out, " "), err
}

const twoFolders = `
	C: A1 LIST "" "*" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))
	S: * LIST () "/" INBOX
	S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 5 HIGHESTMODSEQ 7)
	S: * LIST () "/" Work
	S: * STATUS Work (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 5 HIGHESTMODSEQ 8)
	S: * LIST () "/" Quiet
	S: * STATUS Quiet (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 5 HIGHESTMODSEQ 9)
	S: A1 OK done
	C: A2 NOTIFY SET (personal (MessageNew MessageExpunge FlagChange MailboxName))`

const notifying = "IDLE NOTIFY LIST-EXTENDED LIST-STATUS CONDSTORE"

func TestNewsOfEveryFolderComeWhereTheServerNotifies(t *testing.T) {
	d := scripted(t, notifying, twoFolders+`
		S: A2 OK done
		C: A3 IDLE
		S: + go on
		S: * OK Still here
		S: * STATUS "Work" (UNSEEN 1 HIGHESTMODSEQ 8)
		S: * STATUS "Work" (UNSEEN 1 HIGHESTMODSEQ 10)
		S: * STATUS "Quiet" (UNSEEN 1 HIGHESTMODSEQ 10)
		S: * STATUS "Work" (MESSAGES 2 UIDNEXT 3 HIGHESTMODSEQ 11)
		S: * LIST () "/" "New" ("OLDNAME" ("Old"))
		S: * STATUS inbox (MESSAGES 0 UIDVALIDITY 6 HIGHESTMODSEQ 7)
		SILENCE`)
	watched, news, err := heard(t, d, 3, "INBOX", "gone", "Work")
	if err != nil || news != "Work list INBOX" || !slices.Equal(watched, []string{"INBOX", "Work"}) {
		t.Errorf("watched %q, heard %q, %v", watched, news, err)
	}
}

func TestNewsOfAFolderThatNobodyKnowsAreNewsOfTheList(t *testing.T) {
	d := scripted(t, notifying, twoFolders+`
		S: A2 OK done
		C: A3 IDLE
		S: + go on
		S: * STATUS "Unheard of" (MESSAGES 2 UIDNEXT 3 HIGHESTMODSEQ 2)
		SILENCE`)
	if _, news, err := heard(t, d, 1, "INBOX"); err != nil || news != "list" {
		t.Errorf("heard %q, %v", news, err)
	}
}

func TestAServerThatCanTellNoMoreSaysSo(t *testing.T) {
	d := scripted(t, notifying, twoFolders+`
		S: A2 OK done
		C: A3 IDLE
		S: + go on
		S: * OK [NOTIFICATIONOVERFLOW] too much`)
	_, _, err := heard(t, d, 1, "INBOX")
	wantKind(t, err, remote.Offline, "no more")
}

func TestTheFirstFolderIsWatchedWhereTheServerCannotNotify(t *testing.T) {
	idle := func(open, wait string) string {
		return `
		C: ` + open + ` SELECT "INBOX" (CONDSTORE)` + opened(open, 3, 5, 12, 60) + `
		C: ` + wait + ` IDLE
		S: + go on
		S: * OK Still here
		S: * 3 EXISTS
		S: * 0 RECENT
		S: * 4 EXISTS
		SILENCE`
	}
	for name, c := range map[string]struct{ caps, transcript string }{
		"or not for this user's folders": {notifying, twoFolders + `
			S: A2 NO [CANNOT] not here` + idle("A3", "A4")},
		"or has never heard of it": {"IDLE CONDSTORE", idle("A1", "A2")},
	} {
		t.Run(name, func(t *testing.T) {
			watched, news, err := heard(t, scripted(t, c.caps, c.transcript), 1, "INBOX", "Work")
			if err != nil || news != "INBOX" || !slices.Equal(watched, []string{"INBOX"}) {
				t.Errorf("watched %q, heard %q, %v", watched, news, err)
			}
		})
	}
}

func TestEveryKindOfNewsInASelectedFolderCounts(t *testing.T) {
	for _, said := range []string{"* 2 EXPUNGE", "* VANISHED 7", `* 1 FETCH (FLAGS (\Seen))`, "* 4 EXISTS"} {
		d := scripted(t, "IDLE", `
			C: A1 SELECT "INBOX"`+opened("A1", 3, 5, 12, 60)+`
			C: A2 IDLE
			S: + go on
			S: `+said+`
			SILENCE`)
		if _, news, err := heard(t, d, 1, "INBOX"); err != nil || news != "INBOX" {
			t.Errorf("%s: heard %q, %v", said, news, err)
		}
	}
}

func TestMuchAtOnceIsToldOnce(t *testing.T) {
	d := scripted(t, "IDLE", `
		C: A1 SELECT "INBOX"`+opened("A1", 3, 5, 12, 60)+`
		C: A2 IDLE
		S: + go on\r\n* 4 EXISTS\r\n* 5 EXISTS\r\n* 6 EXISTS\r\n* 1 FETCH (FLAGS (\Seen))\r\n* 1 EXPUNGE
		CLOSE`)
	_, news, err := heard(t, d, 99, "INBOX")
	if news != "INBOX" {
		t.Errorf("heard %q", news)
	}
	wantKind(t, err, remote.Offline, "wait for news")
}

// renewing is a driver that renews at once.
func renewing(t *testing.T, timeout time.Duration, transcript string) *Driver {
	d := scripted(t, "IDLE", `
		C: A1 SELECT "INBOX"`+opened("A1", 3, 5, 12, 60)+transcript)
	d.opts.Renew, d.c.timeout = time.Millisecond, timeout
	return d
}

func TestWaitingIsRenewed(t *testing.T) {
	d := renewing(t, 5*time.Second, `
		C: A2 IDLE
		S: + go on
		C: DONE
		S: * 4 EXISTS
		S: A2 OK done
		C: A3 IDLE
		S: + go on
		C: DONE
		S: A3 OK done
		C: A4 IDLE
		S: + go on
		C: DONE
		S: * 5 EXISTS
		SILENCE`)
	if _, news, err := heard(t, d, 2, "INBOX"); err != nil || news != "INBOX INBOX" {
		t.Errorf("heard %q, %v", news, err)
	}
}

func TestASilentLossIsNoticedAtTheNextRenewal(t *testing.T) {
	d := renewing(t, 30*time.Millisecond, `
		C: A2 IDLE
		S: + go on
		C: DONE
		SILENCE`)
	_, _, err := heard(t, d, 1, "INBOX")
	wantKind(t, err, remote.Offline, "did not answer within")
}

func TestWhatEndsAWatch(t *testing.T) {
	for said, want := range map[string]struct {
		kind  remote.ErrorKind
		words string
	}{
		"S: + go on\nS: * BYE Server shutting down.\nCLOSE":   {remote.Offline, "shutting down"},
		"S: + go on\nS: * BYE [UNAVAILABLE] come back\nCLOSE": {remote.Unavailable, "come back"},
		"S: + go on\nCLOSE": {remote.Offline, "closed the connection"},
		"S: A2 NO not now":  {remote.Other, "not now"},
		"S: A2 BAD Request is throttled. Suggested Backoff Time: 9000 milliseconds": {remote.Unavailable, "throttled"},
		"S: + go on\nS: A2 OK enough": {remote.Unavailable, "enough"},
	} {
		d := scripted(t, "IDLE", `
			C: A1 SELECT "INBOX"`+opened("A1", 3, 5, 12, 60)+"\nC: A2 IDLE\n"+said)
		_, _, err := heard(t, d, 1, "INBOX")
		wantKind(t, err, want.kind, want.words)
		if e, ok := errors.AsType[*remote.Error](err); ok && strings.Contains(e.Text, "Backoff") && e.After != 9*time.Second {
			t.Errorf("back after %v", e.After)
		}
	}
}

func TestAServerThatCannotWaitSaysSo(t *testing.T) {
	d := scripted(t, "NOTIFY", "")
	if watched, news, err := heard(t, d, 1, "INBOX"); err != nil || watched != nil || news != "" {
		t.Errorf("watched %q, heard %q, %v", watched, news, err)
	}
}

// From the moment that another connection has stored a message to the news of it.. Renewing all the time loses nothing.
func TestNewsAreQuick(t *testing.T) {
	onServers(t, func(t *testing.T, s *servers.Server) {
		u := s.NewUser(t)
		d, writer := connect(t, endpoint(s, u), Options{ForceCompress: true, Renew: 50 * time.Millisecond}), connect(t, endpoint(s, u), Options{})
		folders, err := d.Folders(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, f := range folders {
			ids = append(ids, f.ID)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var watched []string
		var took []time.Duration
		news := make(chan time.Time, 100)
		started := make(chan struct{})
		ended := make(chan error, 1)
		go func() {
			ended <- d.Watch(ctx, ids, func(f []string) { watched = f; close(started) }, func(string) { news <- time.Now() })
		}()
		select {
		case <-started:
		case err := <-ended:
			t.Fatal(err)
		}
		for i := range 5 {
			for len(news) > 0 {
				<-news
			}
			if _, err := create(t, writer, ids[0], message("a: 1\r\n")); err != nil {
				t.Fatal(i, err)
			}
			stored := time.Now()
			select {
			case at := <-news:
				took = append(took, at.Sub(stored))
			case <-time.After(10 * time.Second):
				t.Fatal("no news")
			}
		}
		cancel()
		ending := time.Now()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		slices.Sort(took)
		t.Logf("%d of %d folders watched; news after %v; the end took %v", len(watched), len(ids), took, time.Since(ending))
		if took[len(took)/2] > 3*time.Second { // much less, but machines are busy
			t.Errorf("news take %v", took)
		}
	})
}
