package backend

import (
	"bufio"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"outpost/internal/engine"
	"outpost/internal/store"
)

// stalled is a server that takes connections, says its lines, one at the beginning and one after each line that it hears, and then
// nothing any more.
func stalled(t *testing.T, lines ...string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for i, line := range lines {
					if i > 0 {
						heard, err := r.ReadString('\n')
						if err != nil {
							return
						}
						tag, _, _ := strings.Cut(heard, " ")
						line = strings.ReplaceAll(line, "TAG", tag)
					}
					io.WriteString(c, line)
				}
				io.Copy(io.Discard, r) // until the other side has had enough
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

func TestAServerThatFallsSilent(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	id := h.add("Inbox", "", message("Kept"))
	if _, err := h.Send(h.ctx, []byte(strings.Replace(message("Waits"), "ben@example.net", anna, 1))); err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]NewAccount{
		"imap, at once":        {IMAP: "imap://" + stalled(t) + "?tls=none"},
		"imap, after greeting": {IMAP: "imap://" + stalled(t, "* OK hello\r\n") + "?tls=none"},
		"imap, after signing in": {IMAP: "imap://" + stalled(t, "* OK [CAPABILITY IMAP4rev1] hello\r\n", "TAG OK [CAPABILITY IMAP4rev1] in\r\n") +
			"?tls=none"},
		"imap, TLS": {IMAP: "imaps://" + stalled(t)},
		"smtp":      {SMTP: "smtp://" + stalled(t) + "?tls=none"},
		"smtp, TLS": {SMTP: "smtps://" + stalled(t)},
		"caldav":    {CalDAV: "http://" + stalled(t) + "/"},
		"carddav":   {CardDAV: "https://" + stalled(t) + "/"},
	} {
		t.Run(name, func(t *testing.T) {
			h.Server.o.Connect = func(_ store.Account, password string) engine.Connector {
				return drivers{store.Account{Email: anna, Login: anna, IMAP: a.IMAP, SMTP: a.SMTP, CalDAV: a.CalDAV, CardDAV: a.CardDAV}, password, 50 * time.Millisecond, 0}
			}
			_, err := h.AddAccount(h.ctx, NewAccount{Email: anna, Password: password})
			wantError(t, err, CodeOffline, anna, "cannot be reached", "did not answer")
			r, err := h.Sync(h.ctx, "")
			if err != nil || !slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Code == CodeOffline && strings.Contains(p.Error, "kept") }) {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	if _, err := h.Show(h.ctx, id); err != nil {
		t.Error(err)
	}
}
