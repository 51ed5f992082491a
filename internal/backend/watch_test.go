package backend

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
)

// next checks the length of the wait that begins next.
func (h *house) next(what string, least, most time.Duration) time.Duration {
	h.t.Helper()
	select {
	case d := <-h.clock.added:
		if d < least || d > most {
			h.t.Fatalf("%s: waits %v, want %v to %v", what, d, least, most)
		}
		return d
	case <-time.After(20 * time.Second):
		h.t.Fatalf("%s: nothing waits", what)
	}
	return 0
}

// watched runs the schedule until Anna's folders are watched and looked at, and returns what waits for the end of a pass.
func (h *house) watched() (passed func()) {
	h.t.Helper()
	passed = h.serve()
	passed() // at the start
	h.regular()
	h.next("the look after watching has begun", gatherNews, gatherNews)
	h.clock.pass(gatherNews)
	passed()
	h.regular()
	return passed
}

// regular is the wait until the clock has it look again.
func (h *house) regular() {
	h.t.Helper()
	h.next("the next look by the clock", 30*time.Second, time.Minute)
}

func (h *house) deliver(folder, subject string) {
	s := h.servers[anna]
	s.AddMail(s.FolderID(folder), []byte(message(subject)), groupware.Flags{}, h.clock.Now())
}

func (h *house) titles(folder string) string {
	h.t.Helper()
	page, err := h.List(h.ctx, folder, ListOptions{Sort: "subject", Ascending: true})
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, it := range page.Items {
		out = append(out, it.Subject)
	}
	return strings.Join(out, ", ")
}

func TestWhatTheServerTellsIsHereAtOnce(t *testing.T) {
	h := newHouse(t, anna)
	passed := h.watched()
	before := h.servers[anna].Calls()
	h.deliver("Inbox", "One")
	h.next("the look at what is new", gatherNews, gatherNews)
	h.deliver("Inbox", "Two") // is looked at with it
	h.clock.pass(gatherNews)
	passed()
	if got := h.titles("Inbox"); got != "One, Two" {
		t.Errorf("here is %q", got)
	}
	after := h.servers[anna].Calls()
	if n := after["Connect"] - before["Connect"]; n != 1 {
		t.Errorf("%d connections for one folder of mail", n)
	}
	if n := after["Changes"] - before["Changes"]; n != 1 && n != 2 { // once more when the second was told of only while the first was read
		t.Errorf("%d folders were looked at", n)
	}
	if after["Watch"] != before["Watch"] {
		t.Error("the watching was interrupted")
	}
	if st := h.state(); st.State != StateInSync {
		t.Errorf("%+v", st)
	}
}

func TestANewFolderIsWatchedAsWell(t *testing.T) {
	h := newHouse(t, anna)
	passed := h.watched()
	h.servers[anna].AddFolder(remote.NewFolder{Name: "Later", Kind: groupware.FolderMail})
	h.next("the look at the folders", gatherNews, gatherNews)
	h.clock.pass(gatherNews)
	passed()
	h.next("the look after watching has begun anew, or the clock", gatherNews, time.Minute)
	h.next("the other of the two", gatherNews, time.Minute)
	h.clock.pass(gatherNews)
	passed()
	h.regular()
	h.deliver("Later", "One")
	h.next("the look at what is new", gatherNews, gatherNews)
	h.clock.pass(gatherNews)
	passed()
	if got := h.titles("Later"); got != "One" {
		t.Errorf("here is %q", got)
	}
}

func TestALostConnectionIsShownAndHealed(t *testing.T) {
	h := newHouse(t, anna)
	passed := h.watched()
	h.servers[anna].SetOffline(true)
	d := h.next("the look whether the server is there", firstWait*3/4, firstWait)
	if st := h.state(); st.State != StateOffline || !strings.Contains(st.Problem, "cannot be reached") { // before anything was tried
		t.Errorf("%+v", st)
	}
	h.clock.pass(d)
	passed()
	d = h.next("the second look", firstWait/2, firstWait)
	if st := h.state(); st.State != StateOffline {
		t.Errorf("%+v", st)
	}
	h.servers[anna].SetOffline(false)
	h.deliver("Inbox", "Meanwhile")
	h.clock.pass(d)
	passed()
	if st := h.state(); st.State != StateInSync || st.Problem != "" {
		t.Errorf("%+v", st)
	}
	if got := h.titles("Inbox"); got != "Meanwhile" {
		t.Errorf("here is %q", got)
	}
	watches := h.servers[anna].Calls()["Watch"]
	for d := range h.clock.added { // and what the server tells is heard again
		if d == gatherNews {
			break
		}
		h.clock.pass(min(d, firstWait))
	}
	h.clock.pass(gatherNews)
	passed()
	if n := h.servers[anna].Calls()["Watch"]; n <= watches-1 || n > watches+1 {
		t.Errorf("watched %d times", n)
	}
}

func TestTheStatusCanBeFollowed(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	lines := make(chan Status, 100)
	ctx, cancel := context.WithCancel(h.ctx)
	done := make(chan error, 1)
	go func() {
		done <- h.FollowStatus(ctx, func(s Status) error {
			lines <- s
			return nil
		})
	}()
	if st := (<-lines).Accounts[0]; st.State != StateInSync {
		t.Errorf("%+v", st)
	}
	h.add("Inbox", "", message("Waits"))
	h.next("calm", calm, calm)
	h.clock.pass(calm)
	if st := (<-lines).Accounts[0]; st.State != StateSyncing || st.Pending != 1 {
		t.Errorf("%+v", st)
	}
	if err := h.SetOffline(h.ctx, true); err != nil {
		t.Fatal(err)
	}
	h.next("calm", calm, calm)
	h.clock.pass(calm)
	if st := (<-lines).Accounts[0]; st.State != StateOffline || st.Mode != "offline" {
		t.Errorf("%+v", st)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if len(lines) != 0 {
		t.Errorf("%d lines without a change", len(lines))
	}
}

func TestAServerWithoutPushIsAskedByTheClock(t *testing.T) {
	h := newHouse(t)
	h.serverOf(anna, fake.Features{NoPush: true})
	if _, err := h.AddAccount(h.ctx, account(anna)); err != nil {
		t.Fatal(err)
	}
	h.set(NewSettings{Every: new("5m")})
	passed := h.serve()
	passed()
	h.deliver("Inbox", "One")
	d := h.next("the next look by the clock", 150*time.Second, 5*time.Minute)
	h.clock.pass(d)
	passed()
	if got := h.titles("Inbox"); got != "One" {
		t.Errorf("here is %q", got)
	}
}

func TestEachReasonToSynchroniseCanBeSwitchedOff(t *testing.T) {
	h := newHouse(t, anna)
	h.set(NewSettings{Push: new(false), Every: new("off"), OnStart: new(false), OnChange: new(false)})
	calls := h.servers[anna].Calls()["Connect"]
	passed := h.serve()
	<-h.clock.beat // it runs
	h.add("Inbox", "", message("Written"))
	h.clock.pass(24 * time.Hour)
	if n := h.servers[anna].Calls()["Connect"]; n != calls {
		t.Errorf("%d connections were made", n-calls)
	}
	h.set(NewSettings{OnChange: new(true)}) // what was written before goes out with the wish
	h.next("the gathering", gather, gather)
	h.clock.pass(gather)
	passed()
	if got := h.there(anna, "Inbox"); len(got) != 1 {
		t.Errorf("the server has %q", got)
	}
	h.set(NewSettings{Push: new(true)})
	h.next("the look after watching has begun", gatherNews, gatherNews)
	h.clock.pass(gatherNews)
	passed()
	h.set(NewSettings{Every: new("10m")})
	h.next("the next look by the clock", 7*time.Minute, 10*time.Minute)
	_, err := h.SetAccount(h.ctx, NewSettings{Email: anna, Every: new("1s")})
	wantError(t, err, CodeUsage, "10s")
	_, err = h.SetAccount(h.ctx, NewSettings{Email: anna, Conflicts: new("guess")})
	wantError(t, err, CodeUsage, "merge or duplicate")
	accounts, err := h.Accounts(h.ctx)
	if want := (Settings{Push: true, Every: "10m", OnChange: true, Conflicts: "merge"}); err != nil || accounts[0].Settings != want {
		t.Errorf("%+v, %v", accounts, err)
	}
}

func TestTheComputerWakesUpOrMoves(t *testing.T) {
	h := newHouse(t, anna)
	h.set(NewSettings{Every: new("off")})
	passed := h.serve()
	passed()
	h.next("the look after watching has begun", gatherNews, gatherNews)
	h.clock.pass(gatherNews)
	passed()
	watches := h.servers[anna].Calls()["Watch"]
	beat := func(d time.Duration) {
		ch := <-h.clock.beat
		h.clock.pass(d)
		ch <- h.clock.Now()
	}
	again := func() {
		t.Helper()
		passed()
		h.next("the look after watching has begun", gatherNews, gatherNews)
		h.clock.pass(gatherNews)
		passed()
		watches++
		if n := h.servers[anna].Calls()["Watch"]; n != watches {
			t.Errorf("%d watches, want %d", n, watches)
		}
	}
	h.network.Store(&[]string{"192.0.2.1", "2001:db8::7"}) // one more changes nothing
	beat(pulse)
	beat(pulse + 8*time.Hour) // a night
	again()
	h.network.Store(&[]string{"198.51.100.4"}) // the train
	beat(pulse)
	again()

	h.servers[anna].SetOffline(true)
	h.next("the look whether the server is there", firstWait*3/4, firstWait)
	h.clock.pass(firstWait)
	passed()
	h.next("the second look", firstWait/2, firstWait)
	h.servers[anna].SetOffline(false)
	h.network.Store(&[]string{"198.51.100.4", "192.0.2.1"}) // a network more is worth a try now
	beat(0)                                                 // before the wait is over
	again()
	if st := h.state(); st.State != StateInSync {
		t.Errorf("%+v", st)
	}
}

func TestAServiceThatIsAwayDelaysNoOther(t *testing.T) {
	h := newHouse(t, anna)
	h.set(NewSettings{Push: new(false)})
	s := h.servers[anna]
	s.Faults().Order(fake.Fault{Call: "Connect", Service: "caldav", Kind: remote.Unavailable, After: time.Hour})
	passed := h.serve()
	passed()
	h.regular()
	calls := s.Calls()["Connect"]
	h.add("Inbox", "", message("Goes out"))
	h.next("the gathering", gather, gather)
	h.clock.pass(gather)
	passed()
	if got := h.there(anna, "Inbox"); len(got) != 1 {
		t.Errorf("the server has %q", got)
	}
	if n := s.Calls()["Connect"] - calls; n != 2 {
		t.Errorf("%d services were asked, want two of three", n)
	}
	if st := h.state(); st.State != StateOffline || !strings.Contains(st.Problem, "come back later") {
		t.Errorf("%+v", st)
	}
	s.Faults().Stop()
	for range 70 { // a minute each at the most
		h.clock.pass(h.next("the next look by the clock", 0, time.Minute))
		passed()
	}
	if st := h.state(); st.State != StateInSync || st.Problem != "" {
		t.Errorf("after an hour: %+v", st)
	}
}
