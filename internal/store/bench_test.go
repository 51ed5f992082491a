package store_test

import (
	"context"
	"flag"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/store"
	"outpost/internal/store/storebench"
)

// BenchmarkFirstSync stores 20,000 mails of 7 KB until everything is readable, and searchable.
func BenchmarkFirstSync(b *testing.B) {
	n := number("OUTPOST_BENCH_SYNC", 20_000)
	for b.Loop() {
		dir := b.TempDir()
		m, folder, done := mailboxIn(b, dir)
		start, used := time.Now(), cpu()
		if err := storebench.Fill(context.Background(), m, folder, n, 7000); err != nil {
			b.Fatal(err)
		}
		readable := time.Since(start)
		if err := m.WaitIndexed(context.Background()); err != nil {
			b.Fatal(err)
		}
		searchable := time.Since(start)
		done()
		b.ReportMetric(float64((cpu()-used).Microseconds())/float64(n), "cpu-us/mail")
		b.ReportMetric(float64(readable.Microseconds())/float64(n), "us/readable")
		b.ReportMetric(float64(searchable.Microseconds())/float64(n), "us/searchable")
		b.ReportMetric(float64(m.Size(context.Background()))/float64(n)/7000, "size/mail") // the files are still there
		b.ReportMetric(peak(), "MiB-peak")
	}
}

// BenchmarkPrepare is the work on one mail of 7 KB before it is stored.
func BenchmarkPrepare(b *testing.B) {
	g := storebench.NewGenerator(1, 7000)
	var mails [][]byte
	for i := range 200 {
		raw, _ := g.Message(i)
		mails = append(mails, raw)
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		store.Prepare(groupware.MediaMessage, mails[i%len(mails)])
		i++
	}
}

func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

var keep = flag.String("keep", "", "folder to fill once and use again")

// mailboxIn opens a mailbox, and makes one folder where there is none.
func mailboxIn(b *testing.B, dir string) (*store.Mailbox, groupware.FolderID, func()) {
	ctx := context.Background()
	p, err := store.OpenProfile(ctx, dir, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	a, err := p.PutAccount(ctx, store.Account{Email: "anna@example.com"})
	if err != nil {
		b.Fatal(err)
	}
	m, err := p.OpenMailbox(ctx, a.Mailbox)
	if err != nil {
		b.Fatal(err)
	}
	var folder groupware.FolderID
	err = m.Update(ctx, func(tx *store.Tx) error {
		all, err := tx.Folders()
		if err != nil {
			return err
		}
		for _, f := range all {
			if f.RemoteID == "inbox" {
				folder = f.ID
				return nil
			}
		}
		folder, err = tx.AddFolder(store.Folder{Name: "INBOX", Kind: groupware.FolderMail, Service: "imap", RemoteID: "inbox"})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return m, folder, func() {
		if err := p.Close(); err != nil {
			b.Error(err)
		}
	}
}

// cpu is the processor time that the process has used; 0 where the system does not tell.
func cpu() time.Duration {
	b, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, _ := strconv.Atoi(f[11]) // proc_pid_stat(5): utime and stime in hundredths
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// peak is the most memory that the process has had, in MiB; 0 where the system does not tell.
func peak() float64 {
	if runtime.GOOS != "linux" {
		return 0
	}
	b, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return float64(kb) / 1024
		}
	}
	return 0
}

// million fills a mailbox with OUTPOST_BENCH_ITEMS (1,000,000) small mails in one folder, once for every -keep folder, and a
// second folder of 1,000.
func million(b *testing.B) (*store.Mailbox, groupware.FolderID, groupware.FolderID) {
	ctx := context.Background()
	n := max(number("OUTPOST_BENCH_ITEMS", 1_000_000), 10_000)
	dir := *keep
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "storebench"); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { os.RemoveAll(dir) })
	}
	m, folder, done := mailboxIn(b, dir)
	b.Cleanup(done)
	var small groupware.FolderID
	var have int64
	err := m.Update(ctx, func(tx *store.Tx) error {
		all, err := tx.Folders()
		if err != nil {
			return err
		}
		for _, f := range all {
			if f.ID == folder {
				have = f.Items
			}
			if f.Name == "Small" {
				small = f.ID
			}
		}
		if small == 0 {
			small, err = tx.AddFolder(store.Folder{Name: "Small", Kind: groupware.FolderMail, Service: "imap", RemoteID: "small"})
		}
		return err
	})
	if err == nil && have == 0 {
		if err = storebench.Fill(ctx, m, folder, n, 700); err == nil {
			err = storebench.Fill(ctx, m, small, 1000, 700)
		}
	}
	if err == nil {
		err = m.WaitIndexed(ctx)
	}
	if err != nil {
		b.Fatal(err)
	}
	return m, folder, small
}

// BenchmarkMillion reads pages and searches words in a folder of 1,000,000 items.
func BenchmarkMillion(b *testing.B) {
	m, folder, small := million(b)
	ctx := context.Background()
	// The names begin with what they measure: Page, Search.
	page := func(name string, o store.ListOptions, move int) {
		b.Run("Page"+name, func(b *testing.B) {
			o.Limit = 50
			_, total, err := m.List(ctx, folder, o) // makes the view
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				o.Offset = (o.Offset + move) % (int(total) - 50)
				items, _, err := m.List(ctx, folder, o)
				if err != nil || len(items) != 50 {
					b.Fatal(len(items), err)
				}
			}
		})
	}
	page("First", store.ListOptions{}, 0)
	page("Anywhere", store.ListOptions{Offset: 2000}, 77_777)
	page("BySubject", store.ListOptions{Sort: store.SortSubject, Offset: 500}, 77_777)
	find := func(name string, o store.SearchOptions) {
		b.Run("Search"+name, func(b *testing.B) {
			o.Limit = 50
			found := 0
			for b.Loop() {
				items, err := m.Search(ctx, o)
				if err != nil {
					b.Fatal(err)
				}
				found = len(items)
			}
			b.ReportMetric(float64(found), "found")
		})
	}
	find("RareWord", store.SearchOptions{Words: "needle "})
	find("CommonWord", store.SearchOptions{Words: "\"common\""})
	find("TwoWords", store.SearchOptions{Words: "common needle"})
	find("SmallFolder", store.SearchOptions{Words: "\"common\"", Folder: small})
	find("BigFolder", store.SearchOptions{Words: "\"common\"", Folder: folder})
	find("Nothing", store.SearchOptions{Words: "needle nowhereatall"})
	b.Run("PageAfterAChange", func(b *testing.B) {
		g := storebench.NewGenerator(99, 700)
		for b.Loop() {
			raw, received := g.Message(1)
			err := m.Bulk(ctx, func(tx *store.Tx) error {
				_, err := tx.Add(folder, store.Prepare(groupware.MediaMessage, raw), groupware.Flags{}, received)
				return err
			})
			if err == nil {
				_, _, err = m.List(ctx, folder, store.ListOptions{Offset: 5000, Limit: 50})
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(peak(), "MiB-peak")
}
