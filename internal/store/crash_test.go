package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"outpost/internal/groupware"
)

// TestMain also is what the tests start as another process: OUTPOST_STORE_CHILD says what to do, and where.
func TestMain(m *testing.M) {
	deed, dir, ok := strings.Cut(os.Getenv("OUTPOST_STORE_CHILD"), " ")
	if !ok {
		os.Exit(m.Run())
	}
	p, err := OpenProfile(context.Background(), dir, Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(0)
	}
	fmt.Println("opened")
	if deed == "write" {
		err = writeForEver(p)
		fmt.Println(err)
	}
	p.Close()
	os.Exit(0)
}

// child runs another process to its end and returns what it says.
func child(t *testing.T, deed, dir string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "OUTPOST_STORE_CHILD="+deed+" "+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// writeForEver adds items and says the id of each once it is safe.
func writeForEver(p *Profile) error {
	ctx := context.Background()
	all, err := p.Accounts(ctx)
	if err != nil {
		return err
	}
	m, err := p.OpenMailbox(ctx, all[0].Mailbox)
	if err != nil {
		return err
	}
	var inbox groupware.FolderID
	if err := m.View(ctx, func(tx *Tx) error {
		folders, err := tx.Folders()
		for _, f := range folders {
			if f.Name == "INBOX" {
				inbox = f.ID
			}
		}
		return err
	}); err != nil {
		return err
	}
	for i := 0; ; i++ {
		raw := mail(fmt.Sprintf("crash %d", i), i, strings.Repeat(fmt.Sprintf("line %d\r\n", i), 500))
		write, what := m.Update, "safe"
		if i%3 == 0 {
			write, what = m.Bulk, "bulk"
		}
		var id groupware.ItemID
		err := write(ctx, func(tx *Tx) (err error) {
			if i%3 == 0 {
				r := groupware.Remote{Folder: inbox, RemoteID: fmt.Sprintf("%d.%d", os.Getpid(), i)}
				if _, err := tx.Observe(inbox, []groupware.Remote{r}); err != nil {
					return err
				}
				id, err = tx.Download(r, Prepare(groupware.MediaMessage, raw), testTime)
				return err
			}
			if id, err = tx.Add(inbox, Prepare(groupware.MediaMessage, raw), groupware.Flags{}, time.Time{}); err == nil && i%5 == 0 {
				err = tx.SetContent(id, Prepare(groupware.MediaMessage, append(raw, raw...)))
			}
			if err == nil && i%4 == 0 { // the last ones' bytes go
				err = errors.Join(tx.SetConflict(Conflict{Item: id}, raw[1:]), tx.clearConflicts("item < ?", id),
					tx.SetFailure(Failure{Folder: inbox, RemoteID: fmt.Sprint(i % 3), Text: "no", Raw: raw[2:]}))
			}
			return err
		})
		if err != nil {
			return err
		}
		fmt.Println(what, id)
	}
}

// A process that is killed while it writes loses nothing that it was told is safe.
func TestKillingTheProgramLosesNothingThatWasCommitted(t *testing.T) {
	dir := t.TempDir()
	p, m := openProfile(t, dir, Options{})
	addFolder(t, m, "INBOX", "inbox")
	guid := m.GUID()
	p.Close()
	var safe []groupware.ItemID
	for round := range 4 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "OUTPOST_STORE_CHILD=write "+dir)
		out := must(cmd.StdoutPipe())(t)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); {
			what, id, _ := strings.Cut(lines.Text(), " ")
			if what != "safe" && what != "bulk" {
				if lines.Text() != "opened" {
					t.Errorf("the process says %q", lines.Text())
				}
				continue
			}
			safe = append(safe, groupware.ItemID(must(strconv.ParseInt(id, 10, 64))(t)))
			if n++; n == 20+17*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // it was killed
		p := must(OpenProfile(t.Context(), dir, Options{}))(t)
		m := must(p.OpenMailbox(t.Context(), guid))(t)
		clean(t, m)
		view(t, m, func(tx *Tx) error {
			for _, id := range safe {
				must(tx.Raw(id))(t)
			}
			return nil
		})
		if err := m.WaitIndexed(t.Context()); err != nil {
			t.Error(err)
		}
		var total int64
		view(t, m, func(tx *Tx) (err error) {
			total, err = tx.c.number("SELECT count(*) FROM items")
			return err
		})
		if got := search(t, m, SearchOptions{Words: "crash", Limit: 10_000}); int64(len(got)) != total || total < int64(len(safe)) {
			t.Errorf("%d items found of %d, %d of them safe", len(got), total, len(safe))
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
