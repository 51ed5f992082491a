package backend

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"outpost/internal/engine"
	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/discover"
	"outpost/internal/remote/fake"
	"outpost/internal/store"
)

const anna = "anna@example.org"

func TestAddAccountTriesEveryService(t *testing.T) {
	h := newHouse(t)
	h.server(anna)
	check, err := h.AddAccount(h.ctx, account(anna))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range check.Services {
		if !s.OK || s.URL == "" || s.Found == "" {
			t.Errorf("%+v", s)
		}
		names = append(names, s.Service)
	}
	if got := strings.Join(names, " "); got != "imap smtp caldav carddav" {
		t.Errorf("tried %s", got)
	}
	accounts, err := h.Accounts(h.ctx)
	if err != nil || len(accounts) != 1 || accounts[0].Email != anna || accounts[0].Number != 1 || accounts[0].Mode != "online" || accounts[0].Login != anna {
		t.Fatalf("got %+v, %v", accounts, err)
	}
}

func TestWrongPasswordStoresNothing(t *testing.T) {
	h := newHouse(t)
	h.server(anna)
	n := account(anna)
	n.Password = "sardine"
	_, err := h.AddAccount(h.ctx, n)
	wantError(t, err, CodeSignIn, anna, "refused the user name or password", "outpost account add", "nothing is lost")
	if strings.Contains(err.Error(), "sardine") {
		t.Error("the error tells the password")
	}
	if accounts, _ := h.Accounts(h.ctx); len(accounts) != 0 {
		t.Errorf("stored %+v", accounts)
	}
}

func TestNewPasswordKeepsTheMailbox(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	id := h.add("Inbox", "", message("Hello"))
	n := NewAccount{Email: "ANNA@example.org", Password: "sardine"} // without URLs: the servers stay
	_, err := h.AddAccount(h.ctx, n)
	wantError(t, err, CodeSignIn)
	h.sync() // the old password is still there
	n.Password = password
	check, err := h.AddAccount(h.ctx, n)
	if err != nil || check.Account.IMAP != "imaps://mail.example.org" || check.Account.Number != 1 {
		t.Fatalf("got %+v, %v", check, err)
	}
	if _, err := h.Show(h.ctx, id); err != nil {
		t.Fatal(err)
	}
	n.SMTP = "smtps://out.example.org" // the other servers stay
	if check, err = h.AddAccount(h.ctx, n); err != nil || check.Account.IMAP != "imaps://mail.example.org" || check.Account.SMTP != n.SMTP {
		t.Fatalf("got %+v, %v", check, err)
	}
}

func TestServersThatCannotBeUsed(t *testing.T) {
	h := newHouse(t)
	s := h.server(anna)
	s.Faults().Order(fake.Fault{Call: "Connect", Kind: remote.Offline})
	_, err := h.AddAccount(h.ctx, account(anna))
	wantError(t, err, CodeOffline, anna, "cannot be reached", "nothing was stored")
	s.Faults().Stop()

	h.o.Connect = func(store.Account, string) engine.Connector { return broken{s, errUntrusted} }
	h.Server.o.Connect = h.o.Connect
	_, err = h.AddAccount(h.ctx, account(anna))
	wantError(t, err, CodeCertificate, "not trusted", "CN=mail.example.org", "--trust-certificate "+errUntrusted.Fingerprint)
}

type broken struct {
	*fake.Server
	err error
}

func (b broken) Connect(context.Context, string) (remote.Service, error) { return nil, b.err }

func TestAccountsThatMakeNoSense(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		change func(*NewAccount)
		word   string
	}{
		{func(n *NewAccount) { n.Email = "anna" }, "not an e-mail address"},
		{func(n *NewAccount) { n.Password = "" }, "--password-stdin"},
		{func(n *NewAccount) { n.Password = "a\nb" }, "one line"},
		{func(n *NewAccount) { n.IMAP = "mail.example.org" }, "imaps://"},
		{func(n *NewAccount) { n.IMAP = "imap://mail.example.org?tls=none" }, "--allow-plaintext"},
		{func(n *NewAccount) { n.CalDAV = "http://dav.example.org" }, "--allow-plaintext"},
		{func(n *NewAccount) { n.IMAP = "imaps://anna:secret@mail.example.org" }, "--user"},
		{func(n *NewAccount) { n.TrustCertificate = "1234" }, "64 hexadecimal"},
		{func(n *NewAccount) { n.IMAP, n.CalDAV, n.CardDAV = "", "", "" }, "--imap"},
	} {
		n := account(anna)
		c.change(&n)
		_, err := h.AddAccount(h.ctx, n)
		wantError(t, err, CodeUsage, c.word)
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q tells the password", err)
		}
	}
}

func TestServersAreFoundByTheAddress(t *testing.T) {
	h := newHouse(t)
	h.server(anna)
	found := discover.Found{IMAP: "imaps://mail.example.org", CalDAV: "https://dav.example.org/", Login: "anna.b", Lines: []string{"IMAP: found by autoconfig."}}
	var err error
	h.Server.o.Discover = func(_ context.Context, email string) (discover.Found, error) {
		if email != anna {
			t.Errorf("looked for %s", email)
		}
		return found, err
	}
	err = &remote.Error{Kind: remote.NotFound, Doing: "look for the servers of example.org", Text: "there are none"}
	_, e := h.AddAccount(h.ctx, NewAccount{Email: anna, Password: password})
	wantError(t, e, CodeNotFound, "no servers were found", anna, "there are none", "--imap")
	err = nil
	check, e := h.AddAccount(h.ctx, NewAccount{Email: anna, Password: password})
	if e != nil || check.Account.IMAP != found.IMAP || check.Account.SMTP != "" || check.Account.Login != "anna.b" || len(check.Discovered) != 1 {
		t.Fatalf("%+v, %v", check, e)
	}
}

func TestCheckAccountTellsEachService(t *testing.T) {
	h := newHouse(t, anna)
	h.servers[anna].Faults().Order(fake.Fault{Call: "Connect", Service: "carddav", Kind: remote.Offline})
	check, err := h.CheckAccount(h.ctx, anna)
	wantError(t, err, CodeOffline)
	for _, s := range check.Services {
		if s.OK != (s.Service != "carddav") || s.OK != (s.Error == "") {
			t.Errorf("%+v", s)
		}
	}
	_, err = h.CheckAccount(h.ctx, "ben@example.org")
	wantError(t, err, CodeNotFound, "ben@example.org", anna)
}

func TestRemoveAccountForgetsEverythingHere(t *testing.T) {
	h := newHouse(t, anna)
	h.sync()
	if err := h.RemoveAccount(h.ctx, anna); err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(filepath.Join(h.o.Data, "mailboxes", "*"))
	if accounts, _ := h.Accounts(h.ctx); len(accounts) != 0 || len(left) != 0 {
		t.Errorf("left: %v, %v", accounts, left)
	}
	if len(h.servers[anna].Folders()) == 0 {
		t.Error("something was deleted at the server")
	}
	_, err := h.List(h.ctx, "INBOX", ListOptions{})
	wantError(t, err, CodeNotFound, "no account yet")
}

func TestASecondProgramIsToldWhoHasTheFolder(t *testing.T) {
	h := newHouse(t, anna)
	_, err := Open(h.ctx, h.o)
	wantError(t, err, CodeLocked, h.o.Data, "in use", "end that first")
}

func TestNetworkFileSystemIsRefusedUnlessForced(t *testing.T) {
	h := newHouse(t)
	o := h.o
	o.Data = filepath.Join(t.TempDir(), "far")
	o.FileSystem = func(string) (string, bool, error) { return "nfs", true, nil }
	_, err := Open(h.ctx, o)
	wantError(t, err, CodeDataFolder, o.Data, "network file system", "nfs", "--allow-network-folder")
	o.Force = true
	s, err := Open(h.ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

func TestEncryptedFolderNeedsItsKey(t *testing.T) {
	h := newHouse(t)
	o := h.o
	o.Data, o.Encrypt = filepath.Join(t.TempDir(), "safe"), true
	s, err := Open(h.ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	o.Encrypt = false // it is found out
	if s, err = Open(h.ctx, o); err != nil {
		t.Fatal(err)
	}
	s.Close()
	key := os.Getenv("OUTPOST_KEY_FILE")
	if err := os.Rename(key, key+".away"); err != nil {
		t.Fatal(err)
	}
	_, err = Open(h.ctx, o)
	wantError(t, err, CodeDataFolder, "encrypted", key, "OUTPOST_KEY_FILE")
	if err := os.Rename(key+".away", key); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(h.ctx, o); err != nil {
		t.Fatal(err)
	}
	s.Close()
	o = h.o
	h.Server.Close()
	o.Encrypt = true
	_, err = Open(h.ctx, o)
	wantError(t, err, CodeDataFolder, "not encrypted", "choose a new folder")
	h.open()
}

func TestLostKeyOfThePasswordsSaysWhatToDo(t *testing.T) {
	h := newHouse(t, anna)
	if err := os.Remove(os.Getenv("OUTPOST_KEY_FILE")); err != nil {
		t.Fatal(err)
	}
	r, err := h.Sync(h.ctx, "")
	if err != nil || len(r.Problems) != 1 || r.Problems[0].Code != CodeSignIn || !strings.Contains(r.Problems[0].Error, "OUTPOST_KEY_FILE") {
		t.Fatalf("got %+v, %v", r, err)
	}
}

func TestTwoAccountsKeepApart(t *testing.T) {
	const ben = "ben@example.org"
	h := newHouse(t, anna, ben)
	h.servers[ben].AddFolder(remote.NewFolder{Name: "Boats", Kind: groupware.FolderMail})
	h.sync()
	folders, err := h.Folders(h.ctx)
	if err != nil {
		t.Fatal(err)
	}
	accounts, _ := h.Accounts(h.ctx)
	want := map[string]string{}
	for _, a := range accounts {
		want[a.Email] = strconv.FormatInt(a.Number, 10) + "."
	}
	for _, f := range folders {
		account, _, _ := strings.Cut(f.Path, "/")
		if want[account] == "" || !strings.HasPrefix(f.ID, want[account]) {
			t.Errorf("folder %+v", f)
		}
	}
	_, err = h.List(h.ctx, "INBOX", ListOptions{})
	wantError(t, err, CodeUsage, "several", anna+"/Inbox", ben+"/Inbox")
	if _, err := h.List(h.ctx, ben+"/INBOX", ListOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := h.List(h.ctx, "Boats", ListOptions{}); err != nil { // only one has it
		t.Error(err)
	}
	_, err = h.CreateFolder(h.ctx, "Cars", groupware.FolderMail)
	wantError(t, err, CodeUsage, anna+"/Cars")
	if f, err := h.CreateFolder(h.ctx, ben+"/Boats/Small", groupware.FolderMail); err != nil || f.Path != ben+"/Boats/Small" {
		t.Errorf("%+v, %v", f, err)
	}
	id := h.add(anna+"/Inbox", "", message("Hello"))
	err = h.Move(h.ctx, id, "Boats")
	wantError(t, err, CodeRefused, "another account")
	_, err = h.Send(h.ctx, []byte("From: zoe@example.org\r\nTo: x@example.net\r\n\r\nHi\r\n"))
	wantError(t, err, CodeInvalid, "zoe@example.org", anna)
	sent, err := h.Send(h.ctx, []byte("From: Ben <BEN@example.org>\r\nTo: x@example.net\r\n\r\nHi\r\n"))
	if err != nil || !strings.HasPrefix(sent.ID, want[ben]) {
		t.Errorf("%+v, %v", sent, err)
	}
	page, err := h.Search(h.ctx, SearchOptions{Words: "hello"})
	if err != nil || len(page.Items) != 1 || page.Items[0].Folder != anna+"/Inbox" {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestCodeOfAnythingElseIsInternal(t *testing.T) {
	if c := CodeOf(errors.New("x")); c != CodeInternal {
		t.Errorf("got %s", c)
	}
}
