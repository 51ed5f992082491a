package remotetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

func itemTests() []test {
	return []test{
		{name: "items of every form come back as they were stored", run: func(e *env) {
			f := e.folder()
			for i, item := range Samples(e.folderKind, fmt.Sprintf("s%d-%s", e.number, e.folderKind)) {
				id := ""
				e.ok(e.s.Create(e.ctx, f.ID, []remote.NewItem{item}, func(_ int, c remote.Created, err error) error {
					id = c.ID
					return err
				}))
				if id == "" {
					for listed, c := range e.all(e.s, f.ID) {
						if id == "" || c.Order > e.all(e.s, f.ID)[id].Order {
							id = listed
						}
					}
				}
				if got := e.read(f.ID, id)[id]; got.ID != "" {
					e.same(got, item)
				} else {
					e.Errorf("sample %d cannot be read", i)
				}
			}
		}},
		{name: "a message of five megabytes comes back as it was stored", kind: mail, run: func(e *env) {
			f := e.folder()
			item := remote.NewItem{Media: groupware.MediaMessage, Raw: BigMail("big", 5<<20)}
			id := e.create(e.s, f.ID, item)[0]
			e.wantContent(f.ID, id, item)
		}},
		{name: "what is read tells flags, time, order and tag", run: func(e *env) {
			f := e.folder()
			item := e.item(0)
			item.Flags = groupware.Flags{System: groupware.Seen | groupware.Flagged}
			item.Received = time.Date(2024, 2, 29, 23, 59, 58, 0, time.FixedZone("", 5400))
			id := e.create(e.s, f.ID, item)[0]
			c := e.all(e.s, f.ID)[id]
			got := e.read(f.ID, id)[id]
			if got.Tag != c.Tag || got.Flags != c.Flags || got.Order != c.Order {
				e.Errorf("listed %+v, read %q %+v %d", c, got.Tag, got.Flags, got.Order)
			}
			if mail(e.folderKind) && (got.Flags != item.Flags || !got.Received.Equal(item.Received)) {
				e.Errorf("read flags %+v, received %v; stored %+v, %v", got.Flags, got.Received, item.Flags, item.Received)
			}
			if objects(e.folderKind) && (!got.Flags.Empty() || !got.Received.IsZero()) {
				e.Errorf("an object has flags %+v, received %v", got.Flags, got.Received)
			}
		}},
		{name: "reading leaves the flags alone", kind: mail, run: func(e *env) {
			f := e.folder()
			id := e.create(e.s, f.ID, e.item(0))[0]
			e.fetch(f.ID, remote.PartWhole, id)
			e.fetch(f.ID, remote.PartText, id)
			if c := e.all(e.s, f.ID)[id]; !c.Flags.Empty() {
				e.Fatalf("flags are %+v", c.Flags)
			}
		}},
		{name: "items that are gone are not emitted, and stop nothing", run: func(e *env) {
			f := e.folder()
			ids := e.create(e.s, f.ID, e.items(5)...)
			e.gone(f.ID, ids[0], ids[3])
			got := e.read(f.ID, ids...)
			if len(got) != 3 || got[ids[1]].ID == "" || got[ids[2]].ID == "" || got[ids[4]].ID == "" {
				e.Fatalf("got %d items", len(got))
			}
		}},
		{name: "a reading goes on while another client deletes", run: func(e *env) {
			f := e.folder()
			ids := e.create(e.s, f.ID, e.items(40)...)
			o := e.other()
			done := make(chan error, 1)
			go func() {
				var err error
				for i := 0; i < 20 && err == nil; i++ {
					err = o.Delete(e.ctx, f.ID, refs(ids[2*i:2*i+1]), func(_ string, err error) error { return err })
				}
				done <- err
			}()
			for busy := true; busy; {
				select {
				case err := <-done:
					e.ok(err)
					busy = false
				default:
				}
				got := e.read(f.ID, ids...)
				for i := 1; i < len(ids); i += 2 {
					if got[ids[i]].ID == "" {
						e.Fatalf("item %d was not deleted and is not read", i)
					}
				}
			}
			if all := e.all(e.s, f.ID); len(all) != 20 || len(e.read(f.ID, ids...)) != 20 {
				e.Errorf("%d items are listed in the end, %d read", len(all), len(e.read(f.ID, ids...)))
			}
		}},
		{name: "ids that never were are not emitted, and stop nothing", run: func(e *env) {
			f := e.folder()
			id := e.create(e.s, f.ID, e.item(0))[0]
			got := e.read(f.ID, "1.1", "nonsense", id+"x", "999999999.1", id)
			if len(got) != 1 {
				e.Fatalf("got %d items", len(got))
			}
			if len(e.read(f.ID)) != 0 {
				e.Fatal("asked for nothing, got something")
			}
		}},
		{name: "an error of the callback ends a reading and is returned as it is", run: func(e *env) {
			f := e.folder()
			ids := e.create(e.s, f.ID, e.items(5)...)
			mine, n := errors.New("enough"), 0
			err := e.s.Fetch(e.ctx, f.ID, ids, remote.PartWhole, func(remote.Fetched) error { n++; return mine })
			if err != mine || n != 1 {
				e.Errorf("got %v after %d calls", err, n)
			}
			e.usable()
		}},
		{name: "a reading whose context ends in the middle returns soon", run: func(e *env) {
			f := e.folder()
			items := e.items(10)
			if mail(e.folderKind) {
				for i := range items {
					items[i].Raw = BigMail(fmt.Sprint("cancel", i), 500<<10)
				}
			}
			ids := e.create(e.s, f.ID, items...)
			ctx, cancel := context.WithCancel(e.ctx)
			defer cancel()
			var at time.Time
			n := 0
			err := e.s.Fetch(ctx, f.ID, ids, remote.PartWhole, func(remote.Fetched) error {
				if n++; n == 1 {
					at = time.Now()
					cancel()
				}
				return nil
			})
			if took := time.Since(at); took > 2*time.Second {
				e.Errorf("it took %v", took)
			}
			if err == nil || n == len(ids) {
				e.Errorf("%d items were emitted, error %v", n, err)
			}
			if err != nil && !errors.Is(err, context.Canceled) && remote.KindOf(err) != remote.Offline {
				e.Errorf("got error %v", err)
			}
			e.reconnect()
			if len(e.read(f.ID, ids...)) != len(ids) {
				e.Error("not everything can be read afterwards")
			}
		}},
	}
}
