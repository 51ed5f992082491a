package web

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"outpost/internal/backend"
	"outpost/internal/demo"
)

// served is a data folder with an account on a demo server, and a client of its API over HTTP.
func served(t *testing.T) (*Client, *backend.Server, *demo.Server, demo.Account) {
	t.Helper()
	b, _ := open(t)
	d, err := demo.New(demo.Options{Empty: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := httptest.NewUnstartedServer(nil)
	h.Config.Handler = Handler(Options{Backend: b, Token: "secret", Hosts: []string{h.Listener.Addr().String()}})
	h.Start()
	t.Cleanup(h.Close)
	c := &Client{base: h.URL, token: "secret", http: h.Client()}
	a := d.Account()
	if _, err := c.AddAccount(t.Context(), backend.NewAccount{Email: a.Email, Password: a.Password, IMAP: a.IMAP, SMTP: a.SMTP, CalDAV: a.CalDAV, CardDAV: a.CardDAV}); err != nil {
		t.Fatal(err)
	}
	return c, b, d, a
}

func TestSettingsAreSetAndStatusIsFollowed(t *testing.T) {
	c, _, _, a := served(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	lines, done := make(chan backend.Status, 100), make(chan error, 1)
	go func() {
		done <- c.FollowStatus(ctx, func(s backend.Status) error {
			lines <- s
			return nil
		})
	}()
	if st := <-lines; st.Accounts[0].State != backend.StateSyncing {
		t.Errorf("%+v", st)
	}
	acc, err := c.SetAccount(t.Context(), backend.NewSettings{Email: a.Email, Every: new("15m"), Push: new(false)})
	if err != nil || acc.Every != "15m" || acc.Push || !acc.OnStart {
		t.Errorf("%+v, %v", acc, err)
	}
	if _, err := c.SetAccount(t.Context(), backend.NewSettings{Email: a.Email, Every: new("soon")}); backend.CodeOf(err) != backend.CodeUsage {
		t.Error(err)
	}
	if err := c.SetOffline(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	for st := range lines {
		if st.Accounts[0].Mode == "offline" {
			break
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestWhatIsMissingIsFetchedOrSaysWhyNot(t *testing.T) {
	c, _, d, _ := served(t)
	if err := d.Deliver(d.Account().Email, "Archive", []byte("From: b@example.org\r\nTo: a@example.org\r\nSubject: Big\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nText.\r\n--x\r\n"+
		"Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\n"+strings.Repeat("0123456789abcdef\r\n", 50_000)+"--x--\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.SetFolder(t.Context(), "Archive", "headers", false); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Sync(t.Context(), "Archive", nil); err != nil {
		t.Fatal(err)
	}
	page, err := c.List(t.Context(), "Archive", backend.ListOptions{Limit: 1})
	if err != nil || len(page.Items) != 1 || page.Items[0].Body != "text" {
		t.Fatalf("%+v, %v", page, err)
	}
	id := page.Items[0].ID
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := c.Fetch(t.Context(), id, nil); backend.CodeOf(err) != backend.CodeOffline || !strings.Contains(err.Error(), "not all of this item is here") {
		t.Error(err)
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Fetch(t.Context(), id, func(e backend.Event) {
		if e.Item != id || e.Doing != "fetching" || e.Bytes > e.TotalBytes {
			t.Errorf("%+v", e)
		}
	}); err != nil {
		t.Error(err)
	}
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	if raw, err := c.Raw(t.Context(), id); err != nil || len(raw) < 900_000 { // it is here now
		t.Errorf("%d bytes, %v", len(raw), err)
	}
	if err := c.Fetch(t.Context(), "1.99999", nil); backend.CodeOf(err) != backend.CodeNotFound {
		t.Error(err)
	}
}
