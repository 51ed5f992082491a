package storebench

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
)

// BenchmarkFirstSync stores 20,000 mails of 7 KB until everything is readable, and searchable.
func BenchmarkFirstSync(b *testing.B) {
	n := number("OUTPOST_BENCH_SYNC", 20_000)
	for b.Loop() {
		m, folder, done := mailbox(b)
		start, used := time.Now(), cpu()
		if err := Fill(context.Background(), m, folder, n, 7000); err != nil {
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
		b.ReportMetric(float64(m.Size(context.Background()))/float64(n)/7000, "size/mail")
		b.ReportMetric(peak(), "MiB-peak")
	}
}

// BenchmarkPrepare is the work on one mail of 7 KB before it is stored.
func BenchmarkPrepare(b *testing.B) {
	g := NewGenerator(1, 7000)
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

// mailbox makes an empty mailbox with one folder.
func mailbox(b *testing.B) (*store.Mailbox, groupware.FolderID, func()) {
	dir, err := os.MkdirTemp("", "storebench")
	if err != nil {
		b.Fatal(err)
	}
	m, folder, done := mailboxIn(b, dir)
	return m, folder, func() {
		done()
		os.RemoveAll(dir)
	}
}

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
