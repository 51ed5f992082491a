package demo

import (
	"bytes"
	"encoding/xml"
	"io"
	"mime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"golang.org/x/text/encoding/htmlindex"

	"outpost/internal/demo/company"
	"outpost/internal/format"
	"outpost/internal/groupware"
)

// go-imap's client, written by somebody else, sees the company's mail as it was written, byte for byte, folder for folder.
func TestAnIndependentClientReadsTheWholeCompany(t *testing.T) {
	now := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	s := start(t, Options{Clock: func() time.Time { return now }})
	written, err := company.New(now)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]company.Message{}
	for _, m := range written.Mail {
		want[m.Folder] = append(want[m.Folder], m)
	}
	c := signIn(t, s, &imapclient.Options{WordDecoder: &mime.WordDecoder{CharsetReader: func(charset string, r io.Reader) (io.Reader, error) {
		e, err := htmlindex.Get(charset)
		if err != nil {
			return nil, err
		}
		return e.NewDecoder().Reader(r), nil
	}}})
	boxes, err := c.List("", "*", &imap.ListOptions{ReturnStatus: &imap.StatusOptions{NumMessages: true, UIDValidity: true, HighestModSeq: true, Size: true}}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	uses := []string{}
	for _, b := range boxes {
		for _, a := range b.Attrs {
			if strings.Contains(`\Sent \Drafts \Trash \Junk \Archive`, string(a)) {
				uses = append(uses, string(a))
			}
		}
		msgs := want[b.Mailbox]
		delete(want, b.Mailbox)
		if b.Status == nil || int(*b.Status.NumMessages) != len(msgs) {
			t.Errorf("%s has %v messages, want %d", b.Mailbox, b.Status, len(msgs))
			continue
		}
		if len(msgs) > 0 {
			checkMailbox(t, c, b.Mailbox, msgs)
		}
	}
	if len(want) > 0 || len(uses) != 5 {
		t.Errorf("not listed: %v; special uses: %v", len(want), uses)
	}
}

func checkMailbox(t *testing.T, c *imapclient.Client, name string, want []company.Message) {
	t.Helper()
	if _, err := c.Select(name, &imap.SelectOptions{ReadOnly: true, CondStore: true}).Wait(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	section := &imap.FetchItemBodySection{}
	all := imap.SeqSet{}
	all.AddRange(1, 0)
	got, err := c.Fetch(all, &imap.FetchOptions{UID: true, Flags: true, InternalDate: true, RFC822Size: true, Envelope: true, ModSeq: true,
		BodyStructure: &imap.FetchItemBodyStructure{Extended: true}, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	if err != nil || len(got) != len(want) {
		t.Fatalf("%s: %d messages, %v", name, len(got), err)
	}
	for i, m := range got {
		raw := m.FindBodySection(section)
		if !bytes.Equal(raw, want[i].Raw) || m.RFC822Size != int64(len(raw)) || !m.InternalDate.Equal(want[i].Received) || m.ModSeq == 0 {
			t.Errorf("%s: message %d is not what was written", name, m.UID)
		}
		d := format.Derive(groupware.MediaMessage, raw)
		if d.Subject != m.Envelope.Subject || len(m.Envelope.From) != 1 || m.Envelope.MessageID == "" {
			t.Errorf("%s: the envelope of %d says %q, the message %q", name, m.UID, m.Envelope.Subject, d.Subject)
		}
		leaves := 0
		m.BodyStructure.Walk(func(path []int, p imap.BodyStructure) bool {
			if single, ok := p.(*imap.BodyStructureSinglePart); ok {
				leaves++
				if single.Size == 0 {
					t.Errorf("%s: part %v of %d is empty", name, path, m.UID)
				}
			}
			return true
		})
		if parts := format.Leaves(raw); leaves != len(parts) {
			t.Errorf("%s: %d has %d leaves here and %d there", name, m.UID, leaves, len(parts))
		}
	}
}

func TestAnIndependentClientWorks(t *testing.T) {
	s := start(t, Options{Empty: true})
	c := signIn(t, s, nil)
	if _, err := c.Enable("IMAP4rev2").Wait(); err != nil {
		t.Fatal(err)
	}
	if err := c.Create("Sörgen/日本", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"one", "two", "three"} {
		m := message(subject)
		w := c.Append("Sörgen/日本", int64(len(m)), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen, "$Work"}})
		if _, err := w.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if d, err := w.Wait(); err != nil || d.UID == 0 {
			t.Fatal(d, err)
		}
	}
	sel, err := c.Select("Sörgen/日本", nil).Wait()
	if err != nil || sel.NumMessages != 3 || !slices.Contains(sel.Flags, "$Work") {
		t.Fatal(sel, err)
	}
	found, err := c.UIDSearch(&imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Subject", Value: "t"}}, Flag: []imap.Flag{imap.FlagSeen}}, nil).Wait()
	if err != nil || len(found.AllUIDs()) != 2 {
		t.Fatalf("%+v %v", found, err)
	}
	st, err := c.Store(imap.UIDSetNum(1), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagFlagged}}, nil).Collect()
	if err != nil || len(st) != 1 || !slices.Contains(st[0].Flags, imap.FlagFlagged) {
		t.Fatal(st, err)
	}
	cp, err := c.Copy(imap.UIDSetNum(1, 2), "Trash").Wait()
	if err != nil || len(cp.DestUIDs) == 0 {
		t.Fatal(cp, err)
	}
	mv, err := c.Move(imap.UIDSetNum(3), "Archive").Wait()
	if err != nil || mv.DestUIDs == nil {
		t.Fatal(mv, err)
	}
	if _, err := c.Store(imap.UIDSetNum(2), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Collect(); err != nil {
		t.Fatal(err)
	}
	if gone, err := c.UIDExpunge(imap.UIDSetNum(2)).Collect(); err != nil || len(gone) != 1 {
		t.Fatal(gone, err)
	}
	status, err := c.Status("Sörgen/日本", &imap.StatusOptions{NumMessages: true, NumUnseen: true, Size: true}).Wait()
	if err != nil || *status.NumMessages != 1 || *status.NumUnseen != 0 || *status.Size != int64(len(message("one"))) {
		t.Fatal(status, err)
	}
}

// What DAV gives in a multiget is what was written too, and every item means something to the program's own reader.
func TestTheCompanysCollectionsAreServedAsTheyWereWritten(t *testing.T) {
	now := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	s := start(t, Options{Clock: func() time.Time { return now }})
	written, err := company.New(now)
	if err != nil {
		t.Fatal(err)
	}
	for _, col := range written.Collections {
		path, report, ns, data, media := "/calendars/", "calendar-query", "urn:ietf:params:xml:ns:caldav", "calendar-data", groupware.MediaCalendar
		filter := `<filter xmlns="urn:ietf:params:xml:ns:caldav"><comp-filter name="VCALENDAR"/></filter>`
		if col.Kind == "addressbook" {
			path, report, ns, data, filter, media = "/addressbooks/", "addressbook-query", "urn:ietf:params:xml:ns:carddav", "address-data", "", groupware.MediaVCard
		}
		code, _, body := request(t, s, "REPORT", path+s.Account().Email+"/"+col.Name+"/",
			`<`+report+` xmlns="`+ns+`"><prop xmlns="DAV:"><`+data+` xmlns="`+ns+`"/></prop>`+filter+`</`+report+`>`)
		var got struct {
			Calendar []string `xml:"response>propstat>prop>calendar-data"`
			Cards    []string `xml:"response>propstat>prop>address-data"`
		}
		if err := xml.Unmarshal([]byte(body), &got); err != nil || code != 207 {
			t.Fatal(code, err)
		}
		items := append(got.Calendar, got.Cards...)
		var want []string
		for _, r := range col.Resources {
			want = append(want, string(r.Raw))
			if err := format.Validate(media, r.Raw); err != nil {
				t.Errorf("%s: %v", r.Name, err)
			}
			if format.Derive(media, r.Raw).Subject == "" {
				t.Errorf("%s has no subject", r.Name)
			}
		}
		slices.Sort(items)
		slices.Sort(want)
		if !slices.Equal(items, want) {
			t.Errorf("%s: %d items are not the %d that were written", col.Name, len(items), len(want))
		}
	}
}

func TestRenumberingIsSeenByEverybody(t *testing.T) {
	s := start(t, Options{Empty: true})
	a := s.Account()
	for _, subject := range []string{"one", "two"} {
		if err := s.Deliver(a.Email, "", []byte(message(subject))); err != nil {
			t.Fatal(err)
		}
	}
	c := signIn(t, s, nil)
	before, err := c.Select("INBOX", nil).Wait()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Renumber(a.Email, "INBOX"); err != nil {
		t.Fatal(err)
	}
	if err := c.Noop().Wait(); err == nil {
		t.Error("a session goes on with the old numbers")
	}
	again := signIn(t, s, nil)
	after, err := again.Select("INBOX", nil).Wait()
	if err != nil || after.UIDValidity <= before.UIDValidity || after.NumMessages != 2 {
		t.Errorf("UIDVALIDITY was %d and is %d, %d messages, %v", before.UIDValidity, after.UIDValidity, after.NumMessages, err)
	}
}

func TestAMaskTakesWhatItNames(t *testing.T) {
	s := start(t, Options{Empty: true})
	s.MaskIMAP("condstore", "MOVE")
	c := signIn(t, s, nil)
	caps, err := c.Capability().Wait()
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []imap.Cap{imap.CapCondStore, imap.CapQResync, imap.CapMove, imap.CapIMAP4rev2} {
		if _, ok := caps[gone]; ok {
			t.Errorf("%s is still offered", gone)
		}
	}
	if _, ok := caps[imap.CapUIDPlus]; !ok {
		t.Error("UIDPLUS is gone too")
	}
}
