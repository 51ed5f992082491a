package imap

import (
	"maps"
	"slices"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

func deletions(t *testing.T, d *Driver, ids ...string) (map[string]error, error) {
	t.Helper()
	var items []remote.Ref
	for _, id := range ids {
		items = append(items, remote.Ref{ID: id})
	}
	told := map[string]error{}
	err := d.Delete(t.Context(), "Work", items, func(id string, err error) error { told[id] = err; return nil })
	return told, err
}

func TestFlagsAreSetWhereTheFolderKeepsThem(t *testing.T) {
	d := scripted(t, "", `
		C: A1 SELECT "Work"
		S: * 3 EXISTS
		S: * FLAGS (\Seen Projekt)
		S: * OK [UIDVALIDITY 5] ok
		S: * OK [UIDNEXT 20] ok
		S: * OK [PERMANENTFLAGS (\Seen \Flagged \*)] all
		S: A1 OK done
		C: A2 UID STORE 7,9:10 +FLAGS.SILENT (\Seen $Forwarded new Projekt)
		S: * 1 FETCH (UID 7 MODSEQ (5))
		S: A2 OK done
		C: A3 UID STORE 7,9:10 -FLAGS.SILENT (\Flagged)
		S: A3 OK done`)
	add := groupware.NewFlags(groupware.Seen|groupware.Draft, "new", "projekt", "$forwarded")
	err := d.SetFlags(t.Context(), "Work", []string{"5.9", "5.7", "5.10"}, add, groupware.Flags{System: groupware.Flagged})
	if err != nil {
		t.Error(err)
	}
}

func TestAFlagThatIsNoAtomIsNeverSent(t *testing.T) {
	d := scripted(t, "", openWork)
	if err := d.SetFlags(t.Context(), "Work", []string{"5.7"}, groupware.Flags{Keywords: "a(b"}, groupware.Flags{}); err != nil {
		t.Error(err)
	}
	if names := flagNames(nil, groupware.Flags{Keywords: "a)\r\nA9 ok"}); !slices.Equal(names, []string{"A9", "ok"}) {
		t.Errorf("got %q", names)
	}
}

func TestAReadOnlyFolderIsLeftAlone(t *testing.T) {
	d := scripted(t, "UIDPLUS MOVE", `
		C: A1 SELECT "Work"
		S: * OK [UIDVALIDITY 5] ok
		S: * OK [UIDNEXT 20] ok
		S: A1 OK [READ-ONLY] only to look at`)
	if _, err := d.open("Work", true); err != nil {
		t.Fatal(err)
	}
	wantKind(t, d.SetFlags(t.Context(), "Work", []string{"5.7"}, groupware.Flags{System: groupware.Seen}, groupware.Flags{}), remote.Forbidden, "only be read")
	d.c.sel.fresh = true
	told, err := deletions(t, d, "5.7")
	if err != nil {
		t.Error(err)
	}
	wantKind(t, told["5.7"], remote.Forbidden, "only be read")
	d.c.sel.fresh = true
	_, err = d.Move(t.Context(), "Work", []string{"5.7"}, "INBOX")
	wantKind(t, err, remote.Forbidden, "only be read")
}

func TestDeletingWithUIDPLUSExpungesOnlyThat(t *testing.T) {
	d := scripted(t, "UIDPLUS", openWork+`
		C: A2 UID STORE 7:8 +FLAGS.SILENT (\Deleted)
		S: A2 OK done
		C: A3 UID EXPUNGE 7:8
		S: * 1 EXPUNGE
		S: A3 OK done`)
	told, err := deletions(t, d, "5.8", "4.1", "5.7", "junk")
	if err != nil || len(told) != 4 || told["5.8"] != nil || told["5.7"] != nil {
		t.Errorf("got %v, %v", told, err)
	}
	wantKind(t, told["4.1"], remote.Precondition, "numbered anew")
	wantKind(t, told["junk"], remote.Precondition, "numbered anew")
}

func TestDeletingWithoutUIDPLUSSparesWhatOthersHaveMarked(t *testing.T) {
	d := scripted(t, "", openWork+`
		C: A2 UID STORE 7:8 +FLAGS.SILENT (\Deleted)
		S: A2 OK done
		C: A3 UID SEARCH DELETED
		S: * SEARCH 7 8 3
		S: A3 OK done
		C: A4 UID STORE 3 -FLAGS.SILENT (\Deleted)
		S: A4 OK done
		C: A5 EXPUNGE
		S: A5 OK done
		C: A6 UID STORE 3 +FLAGS.SILENT (\Deleted)
		S: A6 OK done`)
	if told, err := deletions(t, d, "5.8", "5.7"); err != nil || len(told) != 2 {
		t.Errorf("got %v, %v", told, err)
	}
}

func TestNothingIsExpungedWhenTheOthersCannotBeSpared(t *testing.T) {
	d := scripted(t, "", openWork+`
		C: A2 UID STORE 7 +FLAGS.SILENT (\Deleted)
		S: A2 OK done
		C: A3 UID SEARCH DELETED
		S: * SEARCH 7 3
		S: A3 OK done
		C: A4 UID STORE 3 -FLAGS.SILENT (\Deleted)
		S: A4 NO [NOPERM] not that one`)
	told, err := deletions(t, d, "5.7")
	if err != nil {
		t.Error(err)
	}
	wantKind(t, told["5.7"], remote.Forbidden, "not that one")
}

func TestMovingTellsTheNewIDs(t *testing.T) {
	for name, c := range map[string]struct {
		caps, transcript string
		want             map[string]string
	}{
		"MOVE with COPYUID before the expunges": {"MOVE UIDPLUS", `
			C: A2 UID MOVE 7:9 "INBOX"
			S: * OK [COPYUID 6 9,7 100:101] moved
			S: * 1 EXPUNGE
			S: A2 OK done`, map[string]string{"5.9": "6.100", "5.7": "6.101"}},
		"MOVE with COPYUID at the end": {"MOVE UIDPLUS", `
			C: A2 UID MOVE 7:9 "INBOX"
			S: A2 OK [COPYUID 6 7:9 100:102] moved`, map[string]string{"5.7": "6.100", "5.8": "6.101", "5.9": "6.102"}},
		"MOVE of nothing": {"MOVE UIDPLUS", `
			C: A2 UID MOVE 7:9 "INBOX"
			S: A2 OK nothing there`, map[string]string{}},
		"MOVE with a COPYUID that makes no sense": {"MOVE UIDPLUS", `
			C: A2 UID MOVE 7:9 "INBOX"
			S: A2 OK [COPYUID 6 7:9 1:4000000000] moved`, map[string]string{}},
		"MOVE without UIDPLUS": {"MOVE", `
			C: A2 UID FETCH 7:9 (UID)
			S: * 1 FETCH (UID 8)
			S: * 9 FETCH (UID 99 FLAGS ())
			S: A2 OK done
			C: A3 UID MOVE 8 "INBOX"
			S: A3 OK done`, map[string]string{"5.8": ""}},
		"COPY and UID EXPUNGE of what was copied": {"UIDPLUS", `
			C: A2 UID COPY 7:9 "INBOX"
			S: A2 OK [COPYUID 6 7,9 100:101] copied
			C: A3 UID STORE 7,9 +FLAGS.SILENT (\Deleted)
			S: A3 OK done
			C: A4 UID EXPUNGE 7,9
			S: A4 OK done`, map[string]string{"5.7": "6.100", "5.9": "6.101"}},
		"COPY without UIDPLUS": {"", `
			C: A2 UID FETCH 7:9 (UID)
			S: * 1 FETCH (UID 8)
			S: A2 OK done
			C: A3 UID COPY 8 "INBOX"
			S: A3 OK done
			C: A4 UID STORE 8 +FLAGS.SILENT (\Deleted)
			S: A4 OK done
			C: A5 UID SEARCH DELETED
			S: * SEARCH 8
			S: A5 OK done
			C: A6 EXPUNGE
			S: A6 OK done`, map[string]string{"5.8": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			d := scripted(t, c.caps, openWork+c.transcript)
			got, err := d.Move(t.Context(), "Work", []string{"5.9", "5.8", "5.7"}, "INBOX")
			if err != nil || !maps.Equal(got, c.want) {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestARefusedCopyRemovesNothing(t *testing.T) {
	d := scripted(t, "UIDPLUS", openWork+`
		C: A2 UID COPY 7 "INBOX"
		S: A2 NO [TRYCREATE] it is gone`)
	_, err := d.Move(t.Context(), "Work", []string{"5.7"}, "INBOX")
	wantKind(t, err, remote.NotFound, "move messages from Work to INBOX")
}
