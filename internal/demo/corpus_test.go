package demo

import (
	"bytes"
	"testing"

	"github.com/emersion/go-imap/v2"

	"outpost/test/testmail"
)

// 6,046 real mails, many of them malformed: every one comes back byte for byte, and the independent client can read the
// envelope and structure that the server makes of it.
func TestRealMailComesBackByteForByte(t *testing.T) {
	path, err := testmail.SpamAssassinPath()
	if err != nil {
		t.Skip(err)
	}
	s := start(t, Options{Empty: true})
	var want [][]byte
	for m, err := range testmail.SpamAssassin(path) {
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Deliver(s.Account().Email, "", m.Raw); err != nil {
			t.Fatal(err)
		}
		want = append(want, m.Raw)
		if testing.Short() && len(want) == 500 {
			break
		}
	}
	c := signIn(t, s, nil)
	if _, err := c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		t.Fatal(err)
	}
	whole, header, body := &imap.FetchItemBodySection{}, &imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader}, &imap.FetchItemBodySection{Specifier: imap.PartSpecifierText}
	all := imap.SeqSet{}
	all.AddRange(1, 0)
	cmd := c.Fetch(all, &imap.FetchOptions{Envelope: true, BodyStructure: &imap.FetchItemBodyStructure{Extended: true},
		BodySection: []*imap.FetchItemBodySection{whole, header, body}})
	n := 0
	for m := cmd.Next(); m != nil; m = cmd.Next() {
		b, err := m.Collect()
		if err != nil {
			t.Fatalf("message %d: %v", m.SeqNum, err)
		}
		n++
		raw := want[m.SeqNum-1]
		if !bytes.Equal(b.FindBodySection(whole), raw) || !bytes.Equal(append(bytes.Clone(b.FindBodySection(header)), b.FindBodySection(body)...), raw) {
			t.Errorf("message %d is not what was stored", m.SeqNum)
		}
		if b.Envelope == nil || b.BodyStructure == nil {
			t.Errorf("message %d has no envelope or structure", m.SeqNum)
		}
	}
	if err := cmd.Close(); err != nil || n != len(want) {
		t.Errorf("%d of %d messages, %v", n, len(want), err)
	}
}
