package mailstore

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// view is everything that a client can see of a store.
func view(s *Store) map[string]any {
	out := map[string]any{}
	for _, u := range s.users {
		for _, b := range u.Mailboxes() {
			key := u.email + " " + b.name
			out[key], out[key+" rights"] = b.State(), b.Rights()
			out[key+" messages"] = b.Messages()
			out[key+" gone"], _ = b.Expunged(0)
		}
	}
	return out
}

// Whatever is done to a store, its journal makes the same store again, and so does a snapshot of that.
func TestAJournalMakesTheSameStoreAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := func() time.Time { return time.Unix(1700000000, 0) }
		var journal []Record
		s := New(clock, func(r Record) { journal = append(journal, r) })
		u := s.AddUser("a@x.example", "A", "p")
		names := rapid.SampledFrom([]string{"INBOX", "A", "A/B", "C"})
		uids := rapid.Map(rapid.SliceOfNDistinct(rapid.Uint32Range(1, 8), 1, 4, rapid.ID[uint32]), func(s []uint32) []uint32 { slices.Sort(s); return s })
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			b, err := u.Mailbox(names.Draw(t, "mailbox"))
			if err != nil {
				if _, err := u.Create(names.Draw(t, "create"), ""); err != nil && err != ErrExists {
					t.Fatal(err)
				}
				continue
			}
			switch rapid.IntRange(0, 9).Draw(t, "do") {
			case 0, 1, 2:
				_, _, err = b.Append([]string{`\seen`, "k"}[:rapid.IntRange(0, 2).Draw(t, "flags")], time.Time{}, []byte(fmt.Sprint(len(journal))))
			case 3:
				_, _, err = b.SetFlags(uids.Draw(t, "uids"), AddFlags, []string{`\Deleted`}, math.MaxUint64)
			case 4:
				b.Expunge(nil)
			case 5:
				to, _ := u.Mailbox("INBOX")
				_, _, _, err = b.Copy(uids.Draw(t, "uids"), to, b != to && rapid.Bool().Draw(t, "move"))
			case 6:
				u.Rename(b.name, names.Draw(t, "to")) // a refusal changes nothing
			case 7:
				u.Delete(b.name)
			case 8:
				b.Renumber()
			case 9:
				b.SetRights(rapid.SampledFrom([]string{"", "lra", AllRights}).Draw(t, "rights"))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		second := New(clock, nil)
		for _, r := range journal {
			if err := second.Replay(r); err != nil {
				t.Fatal(err)
			}
		}
		third := New(clock, nil)
		second.Snapshot(func(r Record) {
			if err := third.Replay(r); err != nil {
				t.Fatal(err)
			}
		}, func(Record) {})
		want := view(s)
		for name, got := range map[string]*Store{"replayed": second, "from a snapshot": third} {
			if v := view(got); !reflect.DeepEqual(v, want) {
				t.Fatalf("%s:\n%v\nwant\n%v", name, v, want)
			}
			if got.lastID < s.lastID || got.lastValidity < s.lastValidity {
				t.Fatalf("%s gives numbers again", name)
			}
		}
	})
}

func TestNumbersAreNeverGivenAgain(t *testing.T) {
	s := New(func() time.Time { return time.Unix(1700000000, 0) }, nil)
	u := s.AddUser("a@x.example", "A", "p")
	a, err := u.Create("A", "")
	if err != nil {
		t.Fatal(err)
	}
	before := a.State()
	if _, _, err := a.Append(nil, time.Time{}, []byte("1")); err != nil {
		t.Fatal(err)
	}
	if err := u.Delete("A"); err != nil {
		t.Fatal(err)
	}
	if a, err = u.Create("A", ""); err != nil {
		t.Fatal(err)
	}
	if after := a.State(); after.Validity == before.Validity || after.ID == before.ID || after.Messages != 0 {
		t.Errorf("the second A is %+v, the first was %+v", after, before)
	}
	a.Append([]string{`\Deleted`}, time.Time{}, []byte("2"))
	a.Expunge(nil)
	if uid, _, err := a.Append(nil, time.Time{}, []byte("3")); uid != 2 || err != nil {
		t.Errorf("UID %d, %v", uid, err)
	}
}

func TestNamesThatCannotBeAreRefused(t *testing.T) {
	for in, want := range map[string]string{"inbox": "INBOX", "Inbox/a": "INBOX/a", "a/": "a", "a b/ü": "a b/ü", "": "", "/": "", "a//b": "", "a*": "", "a\x00": "", "/a": ""} {
		if got, err := CleanName(in); got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v", in, got, err)
		}
	}
}
