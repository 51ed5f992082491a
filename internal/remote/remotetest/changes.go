package remotetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

func changeTests() []test {
	return []test{
		{name: "an empty folder lists nothing, in full", run: func(e *env) {
			if all := e.all(e.s, e.folder().ID); len(all) != 0 {
				e.Fatalf("got %v", all)
			}
		}},
		{name: "from nothing everything is listed", run: func(e *env) {
			f := e.folder()
			items := e.items(5)
			ids := e.create(e.s, f.ID, items...)
			all := e.all(e.s, f.ID)
			if len(all) != len(items) {
				e.Fatalf("%d listed, want %d", len(all), len(items))
			}
			var last int64
			for i, id := range ids {
				c := all[id]
				if mail(e.folderKind) && (c.Size != int64(len(items[i].Raw)) || c.Order <= last) {
					e.Errorf("item %d of %d bytes after order %d is listed as %+v", i, len(items[i].Raw), last, c)
				}
				if objects(e.folderKind) && c.Tag == "" {
					e.Errorf("item %d is listed without a tag", i)
				}
				last = c.Order
			}
			if got, ok := e.listed(f.ID); ok && got.Items >= 0 && got.Items != int64(len(items)) {
				e.Errorf("the folder is listed with %d items", got.Items)
			}
		}},
		{name: "without changes nothing is told and the token stays", run: func(e *env) {
			f := e.folder()
			e.create(e.s, f.ID, e.items(3)...)
			m := e.mirror(f.ID)
			for range 2 {
				before := m.token
				l, told := m.pull(e.s)
				if e.Delta && (l.Full || told != 0) {
					e.Errorf("%d changes were told, in full: %v", told, l.Full)
				}
				if l.Token != before {
					e.Errorf("the token was %q and is %q", before, l.Token)
				}
				m.check()
			}
		}},
		{name: "what another client does is told, once", run: func(e *env) {
			f := e.folder()
			ids := e.create(e.s, f.ID, e.items(6)...)
			m := e.mirror(f.ID)
			follow := func(what string, most int) {
				e.Helper()
				_, told := m.pull(e.s)
				if e.Delta && (told == 0 || told > most) {
					e.Errorf("%s: %d changes were told", what, told)
				}
				m.check()
				if _, again := m.pull(e.s); e.Delta && again != 0 {
					e.Errorf("%s is told twice", what)
				}
			}
			o := e.other()
			e.delete(o, f.ID, ids[1], ids[4])
			follow("two deletions", 2)
			added := e.create(o, f.ID, e.item(10), e.item(11))
			follow("two new items", 2)
			c, err := o.Replace(e.ctx, f.ID, ids[0], e.all(o, f.ID)[ids[0]].Tag, e.edited(0))
			e.ok(err)
			follow("a replacement", 2)
			if objects(e.folderKind) && c.ID != ids[0] {
				e.Errorf("the replaced object's id was %q and is %q", ids[0], c.ID)
			}
			if mail(e.folderKind) {
				e.ok(o.SetFlags(e.ctx, f.ID, []string{ids[2], added[0]}, groupware.Flags{System: groupware.Seen | groupware.Flagged}, groupware.Flags{}))
				follow("two flags", 2)
			}
			// Everything at once, and something that came and went in between.
			passing := e.create(o, f.ID, e.item(12))
			e.delete(o, f.ID, passing[0], ids[3])
			e.create(o, f.ID, e.item(13))
			e.ok(o.SetFlags(e.ctx, f.ID, ids[2:3], groupware.Flags{}, groupware.Flags{System: groupware.Seen}))
			follow("a mixture", 4)
		}},
		{name: "what this client does itself is told too", run: func(e *env) {
			f := e.folder()
			m := e.mirror(f.ID)
			ids := e.create(e.s, f.ID, e.items(3)...)
			m.pull(e.s)
			m.check()
			e.delete(e.s, f.ID, ids[0])
			e.ok(e.s.SetFlags(e.ctx, f.ID, ids[1:], groupware.Flags{System: groupware.Answered}, groupware.Flags{}))
			m.pull(e.s)
			m.check()
		}},
		{name: "what happens while changes are read is told then or the next time", run: func(e *env) {
			f := e.folder()
			ids := e.create(e.s, f.ID, e.items(20)...)
			o, m := e.other(), e.mirror(f.ID)
			done := make(chan error, 1)
			go func() {
				var err error
				for i := 0; i < 10 && err == nil; i++ {
					err = errors.Join(
						o.Create(e.ctx, f.ID, []remote.NewItem{e.item(100 + i)}, func(_ int, _ remote.Created, err error) error { return err }),
						o.Delete(e.ctx, f.ID, refs(ids[2*i:2*i+1]), func(_ string, err error) error { return err }),
						o.SetFlags(e.ctx, f.ID, ids[2*i+1:2*i+2], groupware.Flags{System: groupware.Seen}, groupware.Flags{}))
				}
				done <- err
			}()
			for busy := true; busy; {
				select {
				case err := <-done:
					e.ok(err)
					busy = false
				default:
					m.pull(e.s)
				}
			}
			m.pull(e.s)
			m.check()
			if len(m.items) != 20 {
				e.Errorf("%d items are there", len(m.items))
			}
		}},
		{name: "a token is good on another connection", run: func(e *env) {
			f := e.folder()
			ids := e.create(e.s, f.ID, e.items(3)...)
			m := e.mirror(f.ID)
			e.delete(e.other(), f.ID, ids[0])
			e.reconnect()
			if l, told := m.pull(e.s); e.Delta && (l.Full || told != 1) {
				e.Errorf("%d changes were told, in full: %v", told, l.Full)
			}
			m.check()
		}},
		{name: "a token that the server does not know is answered in full", run: func(e *env) {
			f := e.folder()
			e.create(e.s, f.ID, e.items(3)...)
			good := e.mirror(f.ID).token
			for _, token := range []string{"nonsense", "1", " ", "\x00\u00e4\"\r\n", "0", "http://example.org/sync/1", "999999 999999999999", "x" + good,
				strings.Repeat("9", 400), "<&>", "-1", "1.2.3.4"} {
				m := &mirror{e: e, folder: f.ID, token: token, items: map[string]remote.Change{}}
				if l, _ := m.pull(e.s); !l.Full {
					e.Errorf("%q is answered with %+v", token, l)
				}
				m.check()
			}
		}},
		{name: "an error of the callback ends a listing and is returned as it is", run: func(e *env) {
			f := e.folder()
			e.create(e.s, f.ID, e.items(3)...)
			mine, n := errors.New("enough"), 0
			_, err := e.s.Changes(e.ctx, f.ID, "", func(remote.Change) error { n++; return mine })
			if err != mine || n != 1 {
				e.Errorf("got %v after %d calls", err, n)
			}
			e.usable()
		}},
		{name: "messages are identified by Message-ID and size", kind: mail, needs: func(f Features) bool { return f.Identify }, run: func(e *env) {
			f := e.folder()
			items := append(Samples(e.folderKind, fmt.Sprintf("i%d", e.number)), e.items(3)...)
			ids := e.create(e.s, f.ID, items...)
			e.gone(f.ID, ids[len(ids)-1])
			got, err := e.s.Identify(e.ctx, f.ID, append(ids, "1.1", "nonsense"))
			e.ok(err)
			for i, id := range ids[:len(ids)-1] {
				want := ""
				if m := messageID(items[i].Raw); m != "" {
					want = remote.MailIdentity(m, int64(len(items[i].Raw)))
				}
				if g, ok := got[id]; !ok || g != want {
					e.Errorf("item %d: got %q, want %q", i, g, want)
				}
			}
			if len(got) != len(ids)-1 {
				e.Errorf("%d identified, want %d: %v", len(got), len(ids)-1, got)
			}
		}},
		{name: "identifying leaves out what is gone", run: func(e *env) {
			f := e.folder()
			ids := e.create(e.s, f.ID, e.items(2)...)
			e.gone(f.ID, ids[0])
			got, err := e.s.Identify(e.ctx, f.ID, ids[1:])
			e.ok(err)
			if g := got[ids[1]]; !e.Identify && g != "" && mail(e.folderKind) {
				e.Logf("Identify works (%q): the target could say so", g)
			}
			got, err = e.s.Identify(e.ctx, f.ID, nil)
			e.ok(err)
			if len(got) != 0 {
				e.Errorf("asked for nothing, got %v", got)
			}
		}},
		{name: "a folder of many items is stored in order, listed, and read newest first", run: func(e *env) {
			f := e.folder()
			items := e.items(e.many())
			start := time.Now()
			ids := e.create(e.s, f.ID, items...)
			stored := time.Now()
			all := e.all(e.s, f.ID)
			if len(all) != len(items) {
				e.Fatalf("%d listed, want %d", len(all), len(items))
			}
			listed := time.Now()
			newest := make([]string, len(ids))
			want := map[string]int{}
			for i, id := range ids {
				newest[len(ids)-1-i] = id
				want[id] = i
			}
			first := -1
			got := map[string]bool{}
			e.ok(e.s.Fetch(e.ctx, f.ID, newest, remote.PartWhole, func(g remote.Fetched) error {
				i, ok := want[g.ID]
				if !ok || g.Err != nil || got[g.ID] {
					e.Fatalf("emitted %q: %v", g.ID, g.Err)
				}
				if first < 0 {
					first = i
				}
				got[g.ID] = true
				if e.same(g, items[i]); e.Failed() {
					e.FailNow()
				}
				return nil
			}))
			if len(got) != len(items) {
				e.Fatalf("%d read, want %d", len(got), len(items))
			}
			if first < len(items)/2 {
				e.Errorf("item %d of %d was read first", first, len(items))
			}
			e.Logf("%d items: stored in %v, listed in %v, read in %v", len(items), stored.Sub(start), listed.Sub(stored), time.Since(listed))
		}},
	}
}

// usable demands that the connection still works, or says that it is gone.
func (e *env) usable() {
	e.Helper()
	_, err := e.s.Folders(e.ctx)
	if err != nil {
		e.wantKind(err, remote.Offline)
		e.reconnect()
	}
}

// messageID reads the Message-ID of a sample.
func messageID(raw []byte) string {
	for line := range strings.Lines(string(raw)) {
		if v, ok := strings.CutPrefix(line, "Message-ID: "); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
