package engine

import (
	"fmt"
	"strings"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

func (d *desk) queue(subject string) groupware.ItemID {
	d.t.Helper()
	var id groupware.ItemID
	out := d.folder("Outbox").ID
	d.do(func(tx *store.Tx) (err error) {
		if id, err = tx.Add(out, store.Prepare(groupware.MediaMessage, []byte(mail(subject))), groupware.Flags{}, d.now); err != nil {
			return err
		}
		return tx.Submit(store.Submission{Item: id, From: "anna@example.org", To: []string{"ben@example.org"}, State: store.Queued})
	})
	return id
}

func TestAMessageWrittenOfflineIsSentOnceAndCopiedToSent(t *testing.T) {
	d := newDesk(t, fake.Options{})
	d.sync()
	d.server.SetOffline(true)
	d.queue("from the train")
	if _, err := d.e.Pass(d.ctx, PassOptions{}); kindOf(err) != remote.Offline {
		t.Fatal(err)
	}
	if len(d.here("Outbox")) != 1 {
		t.Fatal("the message left the Outbox")
	}
	d.server.SetOffline(false)
	d.sync()
	if n := len(d.server.Sent()); n != 1 {
		t.Fatalf("sent %d times", n)
	}
	d.both("Sent", "from the train [seen]")
	if len(d.here("Outbox")) != 0 {
		t.Fatal("the message is still in the Outbox")
	}
	d.quiet()
}

func TestNoFaultSendsAMessageTwice(t *testing.T) {
	for _, at := range []fake.Point{fake.Before, fake.Middle, fake.After} {
		t.Run(fmt.Sprint("cut ", at), func(t *testing.T) {
			d := newDesk(t, fake.Options{})
			d.sync()
			id := d.queue("once")
			d.server.Faults().Order(fake.Fault{Call: "Send", Nth: 1, At: at, Cut: true})
			_, err := d.e.Pass(d.ctx, PassOptions{})
			if err == nil {
				t.Fatal("the pass told nothing")
			}
			d.e.Pass(d.ctx, PassOptions{})
			d.e.Pass(d.ctx, PassOptions{})
			n := len(d.server.Sent())
			switch at {
			case fake.Before: // nothing was handed over: sent by itself
				if n != 1 {
					t.Fatalf("sent %d times", n)
				}
			default: // may have been sent: waits in the Outbox for a person
				if n > 1 || len(d.here("Outbox")) != 1 {
					t.Fatalf("sent %d times, Outbox %q", n, d.here("Outbox"))
				}
				var q []store.Submission
				d.ok(d.m.View(d.ctx, func(tx *store.Tx) (err error) { q, err = tx.Submissions(); return err }))
				if len(q) != 1 || q[0].Item != id || q[0].State != store.Unknown || !strings.Contains(q[0].Text, "may have been sent") {
					t.Fatalf("%+v", q)
				}
			}
		})
	}
}

func TestARefusedRecipientPutsTheMessageIntoLocalFailures(t *testing.T) {
	d := newDesk(t, fake.Options{Features: fake.Features{RefuseRecipient: func(a string) bool { return true }}})
	d.sync()
	id := d.queue("to nobody")
	d.sync()
	if len(d.here("Local Failures")) != 1 || len(d.here("Outbox")) != 0 || len(d.server.Sent()) != 0 {
		t.Fatalf("failures %q, outbox %q", d.here("Local Failures"), d.here("Outbox"))
	}
	d.ok(d.m.View(d.ctx, func(tx *store.Tx) error {
		r, _, err := tx.Reason(id)
		if !strings.Contains(r.Text, "no such user") {
			t.Errorf("%+v", r)
		}
		return err
	}))
}

// A mailbox that was restored from an older copy still has in its Outbox what was sent since.
func TestWhatIsInSentAtTheServerIsNotSentAgain(t *testing.T) {
	d := newDesk(t, fake.Options{})
	d.sync()
	d.serverMail("Sent", "from the train", "seen")
	d.queue("from the train")
	d.sync()
	if n := len(d.server.Sent()); n != 0 {
		t.Fatalf("sent %d times", n)
	}
	d.both("Sent", "from the train [seen]")
	if left := d.here("Outbox"); len(left) != 0 {
		t.Fatalf("%q", left)
	}
	d.quiet()
}
