package engine

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

// Random histories: edits on both sides, faults of every kind, passes in between; after quiet, both sides hold the same, nothing
// that was written is lost, nothing is there twice. One seed replays one history: OUTPOST_SEED=n runs that one.
func TestRandomHistoriesConverge(t *testing.T) {
	from, to := uint64(1), uint64(120)
	if testing.Short() {
		to = 20
	}
	if s, err := strconv.ParseUint(os.Getenv("OUTPOST_SEED"), 10, 64); err == nil {
		from, to = s, s
	}
	for seed := from; seed <= to; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { history(t, seed) })
	}
}

func history(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	flip := func() bool { return r.IntN(3) == 0 }
	d := newDesk(t, fake.Options{Rand: r, Features: fake.Features{NoDelta: flip(), NoVanished: flip(), NoState: flip(), NoNewIDs: flip(), PathIDs: flip(), NoETag: flip()}})
	d.server.AddFolder(remote.NewFolder{Name: "Projects", Kind: groupware.FolderMail})
	for i := range 5 {
		d.serverMail("Inbox", fmt.Sprint("start ", i))
	}
	d.sync()
	d.server.Faults().Random(seed, 0.05, fake.EveryFault()...)
	written := map[string]bool{} // texts that a person wrote here and did not delete
	serial := 0
	mails := []string{"Inbox", "Trash", "Projects", "Drafts"}
	text := func() string { serial++; return fmt.Sprint("text ", serial) }
	pick := func(paths ...string) (groupware.ItemID, store.Item, bool) {
		f, ok := d.lookup(paths[r.IntN(len(paths))])
		if !ok {
			return 0, store.Item{}, false
		}
		items, _, err := d.m.List(d.ctx, f.ID, store.ListOptions{Limit: 1000})
		d.ok(err)
		if len(items) == 0 {
			return 0, store.Item{}, false
		}
		it := items[r.IntN(len(items))]
		return it.ID, it, true
	}
	for range 60 {
		d.now = d.now.Add(time.Duration(r.IntN(100)) * time.Second)
		switch r.IntN(14) {
		case 0:
			s := text()
			d.add(mails[r.IntN(len(mails))], groupware.MediaMessage, mail(s))
			written[s] = true
		case 1:
			s := text()
			d.add("Calendar", groupware.MediaCalendar, event(s, s))
			written[s] = true
		case 2:
			if id, it, ok := pick("Calendar"); ok {
				s := text()
				d.do(func(tx *store.Tx) error {
					return tx.SetContent(id, store.Prepare(groupware.MediaCalendar, []byte(event("u"+fmt.Sprint(id), s))))
				})
				delete(written, it.Subject)
				written[s] = true
			}
		case 3:
			if id, it, ok := pick("Drafts"); ok {
				s := text()
				d.do(func(tx *store.Tx) error {
					return tx.SetContent(id, store.Prepare(groupware.MediaMessage, []byte(mail(s))))
				})
				delete(written, it.Subject)
				written[s] = true
			}
		case 4:
			if id, _, ok := pick(mails...); ok {
				d.do(func(tx *store.Tx) error { return tx.SetFolder(id, d.folder(mails[r.IntN(3)]).ID) })
			}
		case 5:
			if id, it, ok := pick(append(mails, "Calendar")...); ok {
				d.do(func(tx *store.Tx) error { return tx.Delete(id) })
				delete(written, it.Subject)
			}
		case 6, 7:
			if id, _, ok := pick(mails...); ok {
				d.do(func(tx *store.Tx) error {
					return tx.SetFlags(id, groupware.NewFlags(groupware.System(r.IntN(8)), []string{"work", "home"}[r.IntN(2)]))
				})
			}
		case 8:
			d.server.AddMail(d.server.FolderID(mails[r.IntN(len(mails))]), []byte(mail("there "+text())), groupware.Flags{}, d.now)
		case 9, 10:
			if all := d.server.Snapshot(); len(all) > 0 {
				it := all[r.IntN(len(all))]
				switch it.Media {
				case groupware.MediaMessage:
					switch s := subject(string(it.Raw)); {
					case flip():
						d.server.SetFlags(it.Folder, it.ID, groupware.NewFlags(groupware.System(r.IntN(8))))
					case flip():
						d.server.MoveMail(it.Folder, it.ID, d.server.FolderID(mails[r.IntN(3)]))
					default:
						d.server.DeleteMail(it.Folder, it.ID)
						delete(written, s)
					}
				default:
					// Another client edits it: what was written here is replaced on purpose, unless it is a clash.
					d.server.PutObject(it.Folder, it.Name, []byte(event("u"+it.Name, "there "+text())))
					delete(written, subject(string(it.Raw)))
				}
			}
		default:
			d.e.Pass(d.ctx, PassOptions{})
		}
	}
	d.server.Faults().Stop()
	for range 6 {
		d.now = d.now.Add(time.Hour)
		if _, err := d.e.Pass(d.ctx, PassOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := d.pending(); err != nil || len(left) > 0 {
		t.Fatalf("still pending: %v %s", err, strings.Join(left, "\n"))
	}
	d.quiet()
	where := map[string]int{}
	for _, p := range append(mails, "Calendar", "Sent", "Conflicts", "Local Failures") {
		here := d.here(p)
		if there := d.there(p); !d.folder(p).Role.Local() && !slices.Equal(here, there) {
			t.Errorf("%s\n  here  %q\n  there %q", p, here, there)
		}
		items, _, err := d.m.List(d.ctx, d.folder(p).ID, store.ListOptions{Limit: 10000})
		d.ok(err)
		for _, it := range items {
			where[it.Subject]++
		}
	}
	for s := range written {
		if where[s] == 0 {
			t.Errorf("%q was lost", s)
		}
	}
	for s, n := range where {
		if n > 1 {
			t.Errorf("%q is there %d times", s, n)
		}
	}
	if problems, err := d.m.Verify(d.ctx, nil); err != nil || len(problems) > 0 {
		t.Errorf("verify: %v %q", err, problems)
	}
}
