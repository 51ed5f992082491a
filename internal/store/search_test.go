package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"outpost/internal/groupware"
)

// subjects are those of items, in order.
func subjects(items []Item) []string {
	out := []string{}
	for _, it := range items {
		out = append(out, it.Subject)
	}
	return out
}

func search(t testing.TB, m *Mailbox, o SearchOptions) []string {
	t.Helper()
	if o.Limit == 0 {
		o.Limit = 50
	}
	items, err := m.Search(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return subjects(items)
}

func wants(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, append([]string{}, want...)) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func add(t testing.TB, m *Mailbox, folder groupware.FolderID, raw []byte) (id groupware.ItemID) {
	t.Helper()
	update(t, m, func(tx *Tx) (err error) {
		id, err = tx.Add(folder, Prepare(groupware.MediaMessage, raw), groupware.Flags{}, time.Time{})
		return err
	})
	return id
}

func TestSearchFindsWordsWhereverTheyStandNewestFirst(t *testing.T) {
	m := open(t)
	inbox := addFolder(t, m, "INBOX", "inbox")
	add(t, m, inbox, mail("Lunch on Monday", 1, "Shall we eat at the harbour?"))
	lunch2 := add(t, m, inbox, mail("Lunch on Tuesday", 3, "Not at the harbour; the Café Zürich instead"))
	add(t, m, inbox, mail("Report", 2, "The harbours of the north, and lunch"))
	wants(t, "one word", search(t, m, SearchOptions{Words: "lunch"}), "Lunch on Tuesday", "Report", "Lunch on Monday")
	wants(t, "two words", search(t, m, SearchOptions{Words: "lunch harbour "}), "Lunch on Tuesday", "Report", "Lunch on Monday")
	wants(t, "whole word before the last", search(t, m, SearchOptions{Words: "harbour lunch"}), "Lunch on Tuesday", "Lunch on Monday")
	wants(t, "a star makes it a beginning", search(t, m, SearchOptions{Words: "harb* lunch"}), "Lunch on Tuesday", "Report", "Lunch on Monday")
	wants(t, "case and diacritics", search(t, m, SearchOptions{Words: "ZURICH cafe"}), "Lunch on Tuesday")
	wants(t, "sender", search(t, m, SearchOptions{Words: "ben@example.org monday"}), "Lunch on Monday")
	wants(t, "phrase", search(t, m, SearchOptions{Words: `"at the harbour"`}), "Lunch on Tuesday", "Lunch on Monday")
	wants(t, "phrase that is not there", search(t, m, SearchOptions{Words: `"harbour at"`}))
	wants(t, "nothing", search(t, m, SearchOptions{Words: "dinner"}))
	wants(t, "no word at all", search(t, m, SearchOptions{Words: " ... "}))
	wants(t, "second page", search(t, m, SearchOptions{Words: "lunch", Offset: 1, Limit: 1}), "Report")

	update(t, m, func(tx *Tx) error {
		return tx.SetContent(lunch2, Prepare(groupware.MediaMessage, mail("Dinner", 3, "at seven")))
	})
	wants(t, "an edit is found", search(t, m, SearchOptions{Words: "dinner"}), "Dinner")
	wants(t, "what was edited away is not", search(t, m, SearchOptions{Words: "tuesday"}))
	update(t, m, func(tx *Tx) error { return tx.Delete(lunch2) })
	wants(t, "nor what was deleted", search(t, m, SearchOptions{Words: "dinner"}))
}

func TestSearchLooksInFoldersAndBelow(t *testing.T) {
	m := open(t)
	top := addFolder(t, m, "Projects", "p")
	var below, deleted groupware.FolderID
	update(t, m, func(tx *Tx) (err error) {
		if below, err = tx.AddFolder(Folder{Parent: top, Name: "Bridge", Kind: groupware.FolderMail, Service: "imap"}); err == nil {
			deleted, err = tx.AddFolder(Folder{Name: "Old", Kind: groupware.FolderMail, Service: "imap"})
		}
		return err
	})
	add(t, m, top, mail("plan one", 1, ""))
	moved := add(t, m, below, mail("plan two", 2, ""))
	add(t, m, deleted, mail("plan three", 3, ""))
	update(t, m, func(tx *Tx) error {
		f := must(tx.Folder(deleted))(t)
		f.Deleted = true
		return tx.PutFolder(f)
	})
	wants(t, "everywhere", search(t, m, SearchOptions{Words: "plan"}), "plan two", "plan one")
	wants(t, "in one", search(t, m, SearchOptions{Words: "plan", Folder: top}), "plan one")
	wants(t, "and below", search(t, m, SearchOptions{Words: "plan", Folder: top, Recursive: true}), "plan two", "plan one")
	update(t, m, func(tx *Tx) error { return tx.SetFolder(moved, top) })
	wants(t, "after a move", search(t, m, SearchOptions{Words: "plan", Folder: top}), "plan two", "plan one")
}

func TestASmallFolderIsSearchedBesideManyFindsElsewhere(t *testing.T) {
	m := open(t)
	big, small := addFolder(t, m, "Big", "b"), addFolder(t, m, "Small", "s")
	add(t, m, small, mail("wanted", 1, "common"))
	update(t, m, func(tx *Tx) error {
		for i := range 2 * foldersAfter {
			if _, err := tx.Add(big, Prepare(groupware.MediaMessage, mail("other", 10+i, "common")), groupware.Flags{}, time.Time{}); err != nil {
				return err
			}
		}
		return nil
	})
	wants(t, "in the small folder", search(t, m, SearchOptions{Words: "common", Folder: small}), "wanted")
}

func TestAnIndexThatIsLostIsBuiltAgain(t *testing.T) {
	for _, how := range []string{"deleted", "damaged", "behind a trimmed feed"} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			p := must(OpenProfile(t.Context(), dir, Options{}))(t)
			a := must(p.PutAccount(t.Context(), Account{Email: "anna@example.org"}))(t)
			m := must(p.OpenMailbox(t.Context(), a.Mailbox))(t)
			inbox := addFolder(t, m, "INBOX", "inbox")
			for i := range 20 {
				add(t, m, inbox, mail(fmt.Sprint("subject ", i), i, "body"))
			}
			if how == "behind a trimmed feed" {
				update(t, m, func(tx *Tx) error {
					_, err := tx.c.exec("DELETE FROM changes WHERE seq < 10")
					return err
				})
			}
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "mailboxes", a.Mailbox+".index.db")
			var err error
			if how == "damaged" {
				err = os.WriteFile(file, []byte("this is not a database, whatever it is, and it is longer than a header of a hundred bytes would be at all"), 0o600)
			} else {
				err = os.Remove(file)
			}
			if err != nil {
				t.Fatal(err)
			}
			m = openIn(t, dir, Options{})
			if err := m.WaitIndexed(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := search(t, m, SearchOptions{Words: "body"}); len(got) != 20 || got[0] != "subject 19" {
				t.Errorf("found %q", got)
			}
		})
	}
}

// The index finds what reading every item would find, whatever was written, merged and left out before.
func TestSegmentsFindWhatIsInThem(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp("", "index")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		c, err := openConn(context.Background(), filepath.Join(dir, "index.db"), connOptions{cacheKiB: 512})
		if err != nil {
			rt.Fatal(err)
		}
		defer c.close()
		if err := migrate(c, "index", indexApplication); err != nil {
			rt.Fatal(err)
		}
		words := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("abcé")), 1, 3, -1), 1, 12).Draw(rt, "words")
		var all []indexDoc
		held := map[groupware.ItemID][]string{}
		for range rapid.IntRange(1, 12).Draw(rt, "segments") {
			buf := newBuffer()
			for range rapid.IntRange(0, 30).Draw(rt, "items") {
				w := rapid.SliceOfN(rapid.SampledFrom(words), 0, 5).Draw(rt, "held")
				d := indexDoc{item: groupware.ItemID(len(all) + 1), content: int64(len(all)) * 3, date: rapid.Int64Range(-5, 1<<33).Draw(rt, "date"), tokens: appendTokens(nil, w)}
				held[d.item] = w
				all = append(all, d)
				buf.add(d)
			}
			if err := buf.write(c); err != nil {
				rt.Fatal(err)
			}
		}
		gone := map[groupware.ItemID]bool{}
		if rapid.Bool().Draw(rt, "merge") {
			segments, err := listSegments(c)
			if err != nil {
				rt.Fatal(err)
			}
			segments = segments[:rapid.IntRange(0, len(segments)).Draw(rt, "merged")]
			divisor := rapid.IntRange(2, 9).Draw(rt, "leave out")
			if err := merge(c, segments, func(e entry) (bool, error) {
				gone[e.item] = int(e.item)%divisor == 0
				return !gone[e.item], nil
			}); err != nil {
				rt.Fatal(err)
			}
		}
		q := query{words: []queryWord{{rapid.SampledFrom(words).Draw(rt, "first"), rapid.Bool().Draw(rt, "prefix")}, {rapid.SampledFrom(words).Draw(rt, "second"), true}}}
		var want []entry
		for _, d := range all {
			match := !gone[d.item]
			for _, w := range q.words {
				match = match && slices.ContainsFunc(held[d.item], func(h string) bool {
					return h == w.word || w.prefix && len(h) > len(w.word) && h[:len(w.word)] == w.word
				})
			}
			if match {
				want = append(want, entry{d.item, d.content, d.date})
			}
		}
		slices.SortFunc(want, newestFirst)
		f, err := findAll(c, q)
		if err != nil {
			rt.Fatal(err)
		}
		var got []entry
		for {
			e, ok, err := f.next()
			if err != nil {
				rt.Fatal(err)
			}
			if !ok {
				break
			}
			got = append(got, e)
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestASearchThatIsCancelledLeavesNothingBehind(t *testing.T) {
	m := open(t)
	inbox := addFolder(t, m, "INBOX", "inbox")
	add(t, m, inbox, mail("one", 1, "word"))
	wants(t, "before", search(t, m, SearchOptions{Words: "word"}), "one")
	for range 5 { // more often than there are connections
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := m.Search(ctx, SearchOptions{Words: "word", Limit: 5}); err == nil {
			t.Error("a cancelled search found something")
		}
	}
	wants(t, "afterwards", search(t, m, SearchOptions{Words: "word"}), "one")
}

func TestAMailboxIsClosedWithoutComplaintAfterMuchWasDeleted(t *testing.T) {
	p, m := openProfile(t, t.TempDir(), Options{})
	inbox := addFolder(t, m, "INBOX", "inbox")
	update(t, m, func(tx *Tx) error {
		for i := range 1200 {
			if _, err := tx.Add(inbox, Prepare(groupware.MediaMessage, mail("needle", i, "")), groupware.Flags{}, testTime); err != nil {
				return err
			}
		}
		return nil
	})
	if err := m.WaitIndexed(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.index.stop()
	<-m.index.ended
	m.index.dead = 1200 // as when it had just seen that all of them went
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
