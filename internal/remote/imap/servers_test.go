package imap

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/internal/remote"
	"outpost/test/servers"
)

var pool servers.Pool

func TestMain(m *testing.M) { os.Exit(pool.Run(m)) }

// onServers runs a test against each real IMAP server.
func onServers(t *testing.T, f func(t *testing.T, s *servers.Server)) {
	for _, k := range []servers.Kind{servers.CyrusIMAP, servers.DovecotIMAP} {
		t.Run(string(k), func(t *testing.T) { f(t, pool.Get(t, k)) })
	}
}

func endpoint(s *servers.Server, u servers.User) remote.Endpoint {
	return remote.Endpoint{URL: s.IMAP, User: u.Name, Password: u.Password, Roots: s.Roots, Timeout: 30 * time.Second}
}

func connect(t testing.TB, e remote.Endpoint, o Options) *Driver {
	t.Helper()
	d, err := Connect(t.Context(), e, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// sample makes a message of which n is a part.
func sample(n int) servers.Mail {
	body := strings.Repeat(fmt.Sprintf("Line of message %d.\r\n", n), 20)
	return servers.Mail{
		Raw:   []byte(fmt.Sprintf("From: a@example.org\r\nTo: b@example.org\r\nSubject: Message %d\r\nMessage-ID: <%d@sample.example.org>\r\nDate: Mon, 2 Mar 2026 09:30:00 +0100\r\n\r\n%s", n, n, body)),
		Flags: `\Seen`,
		Date:  time.Date(2026, 3, 2, 9, 30, n%60, 0, time.FixedZone("", 3600)),
	}
}

func samples(n int) func(func(servers.Mail) bool) {
	return func(yield func(servers.Mail) bool) {
		for i := range n {
			if !yield(sample(i)) {
				return
			}
		}
	}
}

// load fills a user's folder.
func load(t testing.TB, s *servers.Server, u servers.User, folder string, n int) {
	t.Helper()
	c, err := s.DialIMAP(u)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Append(folder, samples(n)); err != nil {
		t.Fatal(err)
	}
}

// folderAt finds a folder by its path.
func folderAt(t testing.TB, d *Driver, path string) remote.Folder {
	t.Helper()
	all, err := d.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{}
	for _, f := range all {
		paths[f.ID] = strings.TrimPrefix(paths[f.Parent]+"/"+f.Name, "/")
		if paths[f.ID] == path {
			return f
		}
	}
	t.Fatalf("there is no folder %q in %v", path, paths)
	return remote.Folder{}
}

func changes(t testing.TB, d *Driver, folder, since string) ([]remote.Change, remote.Listing) {
	t.Helper()
	var out []remote.Change
	l, err := d.Changes(t.Context(), folder, since, func(c remote.Change) error { out = append(out, c); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return out, l
}

func TestAFolderIsListedObservedAndRead(t *testing.T) {
	onServers(t, func(t *testing.T, s *servers.Server) {
		u := s.NewUser(t)
		load(t, s, u, "INBOX", 1200)
		d := connect(t, endpoint(s, u), Options{})
		inbox := folderAt(t, d, "INBOX")
		if inbox.Items != 1200 || inbox.State == "" || inbox.Identity == "" {
			t.Fatalf("got %+v", inbox)
		}
		all, l := changes(t, d, inbox.ID, "")
		if len(all) != 1200 || !l.Full {
			t.Fatalf("%d changes, %+v", len(all), l)
		}
		if l.Token != inbox.State {
			t.Errorf("token is %q, state was %q", l.Token, inbox.State)
		}
		var ids []string
		for _, c := range all {
			ids = append(ids, c.ID)
		}
		slices.Reverse(ids)
		for _, part := range []remote.Part{remote.PartWhole, remote.PartText} {
			n := 0
			err := d.Fetch(context.Background(), inbox.ID, ids, part, func(f remote.Fetched) error {
				want := sample(int(f.Order) - 1)
				if string(f.Raw) != string(want.Raw) || !f.Received.Equal(want.Date) {
					t.Errorf("item %d: got %d bytes, %v", f.Order, len(f.Raw), f.Received)
				}
				n++
				return nil
			})
			if err != nil || n != len(ids) {
				t.Fatalf("%d read, %v", n, err)
			}
		}
		if more, l2 := changes(t, d, inbox.ID, l.Token); len(more) != 0 || l2.Full || l2.Token != l.Token {
			t.Errorf("%d changes, %+v", len(more), l2)
		}
	})
}
