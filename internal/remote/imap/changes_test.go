package imap

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"outpost/internal/remote"
)

// told shows changes as "7 seen", "8 gone", "9 same", sorted.
func told(t *testing.T, d *Driver, since string) (string, remote.Listing, error) {
	t.Helper()
	var out []string
	l, err := d.Changes(t.Context(), "INBOX", since, func(c remote.Change) error {
		s := c.ID + " " + strings.Join(c.Flags.Names(), " ")
		if c.Gone {
			s = c.ID + " gone"
		}
		if c.Same {
			s = c.ID + " same"
		}
		out = append(out, strings.TrimSpace(s))
		return nil
	})
	slices.Sort(out)
	return strings.Join(out, ", "), l, err
}

// opened is what SELECT tells.
func opened(tag string, exists, uidValidity, uidNext, modSeq int) string {
	return fmt.Sprintf("\nS: * %d EXISTS\nS: * FLAGS (\\Seen work)\nS: * OK [UIDVALIDITY %d] ok\nS: * OK [UIDNEXT %d] ok\nS: * OK [HIGHESTMODSEQ %d] ok\nS: %s OK [READ-WRITE] done\n", exists, uidValidity, uidNext, modSeq, tag)
}

const qresync = `
	C: A1 ENABLE QRESYNC
	S: * ENABLED QRESYNC
	S: A1 OK done
`

func TestChangesAreToldAsTheServerCanTellThem(t *testing.T) {
	for name, c := range map[string]struct {
		caps, transcript, since string
		want, token             string
		full                    bool
	}{
		"with QRESYNC, in one round trip, and one more where something came and went": {"ENABLE QRESYNC", qresync + `
			C: A2 SELECT "INBOX"
			C: A3 UID FETCH 1:9,10:* (UID FLAGS RFC822.SIZE) (CHANGEDSINCE 50 VANISHED)` + opened("A2", 4, 5, 12, 60) + `
			S: * VANISHED (EARLIER) 3,8:11
			S: * 2 FETCH (UID 7 FLAGS (\Seen \Recent) MODSEQ (60))
			S: * 3 FETCH (FLAGS (\Deleted) UID 10 RFC822.SIZE 5 MODSEQ (55))
			S: * 3 FETCH (FLAGS (\Deleted) MODSEQ (55))
			S: A3 OK done
			C: A4 UID SEARCH UID 10:11
			S: * SEARCH 10
			S: A4 OK done`, "5.50.10.6", "5.10 deleted, 5.11 gone, 5.3 gone, 5.7 seen, 5.8 gone, 5.9 gone", "5.60.12.4", false},
		"with QRESYNC, where nothing went, in one round trip": {"ENABLE QRESYNC", qresync + `
			C: A2 SELECT "INBOX"
			C: A3 UID FETCH 1:9,10:* (UID FLAGS RFC822.SIZE) (CHANGEDSINCE 50 VANISHED)` + opened("A2", 7, 5, 11, 60) + `
			S: * 7 FETCH (UID 10 FLAGS () MODSEQ (60))
			S: A3 OK done`, "5.50.10.6", "5.10", "5.60.11.7", false},
		"with QRESYNC, from a server that has forgotten its history": {"ENABLE QRESYNC", qresync + `
			C: A2 SELECT "INBOX"
			C: A3 UID FETCH 1:89999999,90000000:* (UID FLAGS RFC822.SIZE) (CHANGEDSINCE 50 VANISHED)` + opened("A2", 1, 5, 90000000, 60) + `
			S: * VANISHED (EARLIER) 1:4294967295
			S: A3 OK done
			C: A4 UID FETCH 1:* (UID FLAGS RFC822.SIZE)
			S: * 1 FETCH (UID 7 FLAGS ())
			S: A4 OK done`, "5.50.90000000.2", "5.7", "5.60.90000000.1", true},
		"with QRESYNC, where the numbers do not fit": {"ENABLE QRESYNC", qresync + `
			C: A2 SELECT "INBOX"
			C: A3 UID FETCH 1:9,10:* (UID FLAGS RFC822.SIZE) (CHANGEDSINCE 50 VANISHED)` + opened("A2", 1, 5, 10, 60) + `
			S: A3 OK done
			C: A4 UID FETCH 1:* (UID FLAGS RFC822.SIZE)
			S: * 1 FETCH (UID 7 FLAGS ())
			S: A4 OK done`, "5.50.10.2", "5.7", "5.60.10.1", true},
		"with another UIDVALIDITY": {"ENABLE QRESYNC", qresync + `
			C: A2 SELECT "INBOX"
			C: A3 UID FETCH 1:9,10:* (UID FLAGS RFC822.SIZE) (CHANGEDSINCE 50 VANISHED)` + opened("A2", 1, 6, 2, 60) + `
			S: * VANISHED (EARLIER) 1:9
			S: * 1 FETCH (UID 1 FLAGS (\Seen))
			S: A3 OK done
			C: A4 SELECT "INBOX"` + opened("A4", 1, 6, 2, 60) + `
			C: A5 UID FETCH 1:* (UID FLAGS RFC822.SIZE)
			S: * 1 FETCH (UID 1 FLAGS ())
			S: A5 OK done`, "5.50.10.2", "6.1", "6.60.2.1", true},
		"from a server that went back in time": {"ENABLE QRESYNC", qresync + `
			C: A2 SELECT "INBOX"
			C: A3 UID FETCH 1:9,10:* (UID FLAGS RFC822.SIZE) (CHANGEDSINCE 50 VANISHED)` + opened("A2", 0, 5, 10, 40) + `
			S: A3 OK done`, "5.50.10.2", "", "5.40.10.0", true},
		"from a server that was restored from an old copy": {"ENABLE QRESYNC", qresync + `
			C: A2 SELECT "INBOX"
			C: A3 UID FETCH 1:9,10:* (UID FLAGS RFC822.SIZE) (CHANGEDSINCE 50 VANISHED)` + opened("A2", 2, 5, 8, 60) + `
			S: A3 OK done
			C: A4 UID FETCH 1:* (UID FLAGS RFC822.SIZE)
			S: * 1 FETCH (UID 6 FLAGS ())
			S: * 2 FETCH (UID 7 FLAGS ())
			S: A4 OK done`, "5.50.10.2", "5.6, 5.7", "5.60.8.2", true},
		"with CONDSTORE, from a server whose mod-sequences begin anew": {"CONDSTORE", `
			C: A1 SELECT "INBOX" (CONDSTORE)
			C: A2 UID FETCH 1:9,10:* (UID FLAGS RFC822.SIZE) (CHANGEDSINCE 50)` + opened("A1", 2, 5, 10, 3) + `
			S: A2 OK done
			C: A3 UID FETCH 1:* (UID FLAGS RFC822.SIZE)
			S: * 1 FETCH (UID 6 FLAGS (\Seen))
			S: * 2 FETCH (UID 7 FLAGS ())
			S: A3 OK done`, "5.50.10.2", "5.6 seen, 5.7", "5.3.10.2", true},
		"with CONDSTORE, where counting proves that nothing went": {"CONDSTORE", `
			C: A1 SELECT "INBOX" (CONDSTORE)
			C: A2 UID FETCH 1:9,10:* (UID FLAGS RFC822.SIZE) (CHANGEDSINCE 50)` + opened("A1", 4, 5, 12, 60) + `
			S: * 2 FETCH (UID 7 FLAGS (work) MODSEQ (60))
			S: * 4 FETCH (UID 11 FLAGS () MODSEQ (60))
			S: * 4 FETCH (UID 11 FLAGS (\Seen) MODSEQ (60))
			S: A2 OK done
			C: A3 UID SEARCH UID 10:11
			S: * SEARCH 11
			S: A3 OK done`, "5.50.10.3", "5.10 gone, 5.11, 5.11 seen, 5.7 work", "5.60.12.4", false},
		"with CONDSTORE, where something went": {"CONDSTORE", `
			C: A1 SELECT "INBOX" (CONDSTORE)
			C: A2 UID FETCH 1:9,10:* (UID FLAGS RFC822.SIZE) (CHANGEDSINCE 50)` + opened("A1", 3, 5, 12, 60) + `
			S: * 2 FETCH (UID 7 FLAGS (\Seen) MODSEQ (60))
			S: * 3 FETCH (UID 11 FLAGS () MODSEQ (60))
			S: A2 OK done
			C: A3 UID SEARCH ALL
			S: * 4 EXISTS
			S: * SEARCH 4 7 11 12
			S: A3 OK done`, "5.50.10.3", "5.11, 5.4 same, 5.7 seen", "5.60.12.3", true},
		"with CONDSTORE and ESEARCH": {"CONDSTORE ESEARCH", `
			C: A1 SELECT "INBOX" (CONDSTORE)
			C: A2 UID FETCH 1:9,10:* (UID FLAGS RFC822.SIZE) (CHANGEDSINCE 50)` + opened("A1", 3, 5, 10, 60) + `
			S: A2 OK done
			C: A3 UID SEARCH RETURN (ALL) ALL
			S: * ESEARCH (TAG "A3") UID MIN 1 ALL 1:2,9 MODSEQ 60
			S: A3 OK done`, "5.50.10.4", "5.1 same, 5.2 same, 5.9 same", "5.60.10.3", true},
		"with CONDSTORE, in a folder that has none": {"CONDSTORE", `
			C: A1 SELECT "INBOX" (CONDSTORE)
			C: A2 UID FETCH 1:9,10:* (UID FLAGS RFC822.SIZE) (CHANGEDSINCE 50)
			S: * 1 EXISTS
			S: * OK [UIDVALIDITY 5] ok
			S: * OK [UIDNEXT 10] ok
			S: * OK [NOMODSEQ] never
			S: A1 OK done
			S: A2 BAD no mod-sequences here
			C: A3 UID FETCH 1:* (UID FLAGS RFC822.SIZE)
			S: * 1 FETCH (UID 9 FLAGS (\Answered))
			S: A3 OK done`, "5.50.10.1", "5.9 answered", "5.0.10.1", true},
		"without anything": {"", `
			C: A1 SELECT "INBOX"` + opened("A1", 2, 5, 10, 60) + `
			C: A2 UID FETCH 1:* (UID FLAGS RFC822.SIZE)
			S: * 1 FETCH (UID 8 FLAGS (\Draft $Forwarded \Unknown "odd") X-NEW (1 2 "3") RFC822.SIZE 5)
			S: * X-UNKNOWN {3}\r\nabc (
			S: * 2 RECENT
			S: * 2 FETCH (RFC822.SIZE 7 FLAGS (\Flagged) UID 9)
			S: A2 OK done`, "5.50.10.1", "5.8 draft $forwarded, 5.9 flagged", "5.0.10.2", true},
		"of an empty folder": {"", `
			C: A1 SELECT "INBOX"` + opened("A1", 0, 5, 10, 60), "", "", "5.0.10.0", true},
	} {
		t.Run(name, func(t *testing.T) {
			got, l, err := told(t, scripted(t, c.caps, c.transcript), c.since)
			if err != nil || got != c.want || l.Token != c.token || l.Full != c.full {
				t.Errorf("got %q, %+v, %v\nwant %q, %q, full %v", got, l, err, c.want, c.token, c.full)
			}
		})
	}
}

func TestAFolderWithoutUIDVALIDITYIsNotTrusted(t *testing.T) {
	for _, told := range []string{"S: * OK [UIDVALIDITY 0] ok\n", "", "S: * OK [UIDVALIDITY x] ok\n"} {
		d := scripted(t, "", `
			C: A1 SELECT "Work"
			S: * 1 EXISTS
			`+told+`S: A1 OK done`)
		_, err := d.Changes(t.Context(), "Work", "", func(remote.Change) error { return nil })
		wantKind(t, err, remote.Other, "Work no valid UIDVALIDITY")
	}
}

func TestAFolderThatCannotBeOpenedSaysWhy(t *testing.T) {
	for answer, kind := range map[string]remote.ErrorKind{
		"NO [NONEXISTENT] no such thing":   remote.NotFound,
		"NO [NOPERM] not yours":            remote.Forbidden,
		"NO [INUSE] busy":                  remote.Unavailable,
		"NO [SERVERBUG] oops":              remote.Unavailable,
		"NO Mailbox does not exist":        remote.NotFound,
		"NO Permission denied":             remote.Forbidden,
		"BAD what":                         remote.Other,
		"NO [UNKNOWN-CODE (a b)] whatever": remote.Other,
	} {
		d := scripted(t, "", "C: A1 SELECT \"Work\"\nS: A1 "+answer)
		_, err := d.Changes(t.Context(), "Work", "", func(remote.Change) error { return nil })
		wantKind(t, err, kind, "open Work: ")
	}
}

func TestAnErrorOfTheCallbackLeavesTheConnectionInOrder(t *testing.T) {
	d := scripted(t, "", `
		C: A1 SELECT "INBOX"`+opened("A1", 2, 5, 10, 60)+`
		C: A2 UID FETCH 1:* (UID FLAGS RFC822.SIZE)
		S: * 1 FETCH (UID 8 FLAGS ())
		S: * 2 FETCH (UID 9 FLAGS ())
		S: A2 OK done
		C: A3 SELECT "INBOX"`+opened("A3", 2, 5, 10, 60))
	n := 0
	if _, err := d.Changes(t.Context(), "INBOX", "", func(remote.Change) error { n++; return errEnough }); err != errEnough || n != 1 {
		t.Errorf("got %v after %d", err, n)
	}
	if mark, err := d.Mark(t.Context(), "INBOX"); err != nil || mark != "5.10" {
		t.Errorf("got %q, %v", mark, err)
	}
}

func TestHostileAnswersEndInAnError(t *testing.T) {
	for name, c := range map[string]struct {
		line  string
		kind  remote.ErrorKind
		words string
	}{
		"a line without end":             {"* OK " + strings.Repeat("x", 300) + "\nS: * SEARCH " + strings.Repeat("1", 30), remote.Protocol, "too large"},
		"a number that is none":          {"* 1 FETCH (UID x FLAGS ())", remote.Protocol, "number"},
		"an open list":                   {"* 1 FETCH (UID 1 FLAGS (", remote.Protocol, "missing"},
		"a UID out of range":             {"* 1 FETCH (UID 4294967296)", remote.Protocol, "too large"},
		"a farewell":                     {"* BYE [UNAVAILABLE] going down", remote.Unavailable, "going down"},
		"a farewell without reason":      {"* BYE autologout", remote.Offline, "autologout"},
		"an end in the middle":           {"* 1 FETCH (UID 1 X {100}\\r\\nabc", remote.Offline, "closed the connection"},
		"an atom of two megabytes":       {"* 1 FETCH (UID 1 INTERNALDATE " + strings.Repeat("x", 2<<20), remote.Protocol, "longer than"},
		"a completion of nothing at all": {"A99 OK done", remote.Offline, "closed the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			e := script(t, preauth+"] hi\nC: A1 SELECT \"INBOX\""+opened("A1", 2, 5, 10, 60)+"C: A2 UID FETCH 1:* (UID FLAGS RFC822.SIZE)\nS: "+c.line+"\nCLOSE")
			d := connect(t, e, Options{})
			d.boxes = map[string]mailbox{"INBOX": {id: "INBOX", wire: "INBOX", path: "INBOX"}}
			_, _, err := told(t, d, "")
			wantKind(t, err, c.kind, c.words)
			if _, again := d.Folders(t.Context()); again == nil {
				t.Error("the connection goes on")
			}
		})
	}
}
