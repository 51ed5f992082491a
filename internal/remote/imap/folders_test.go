package imap

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

// tree shows folders as "path role kind flags", by their parents.
func tree(t *testing.T, d *Driver) []string {
	t.Helper()
	all, err := d.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{}
	var out []string
	for _, f := range all {
		parent, known := paths[f.Parent]
		if f.Parent != "" && !known {
			t.Errorf("%q comes before its parent %q", f.Name, f.Parent)
		}
		paths[f.ID] = strings.TrimPrefix(parent+" > "+f.Name, " > ")
		s := paths[f.ID]
		if f.Role != "" {
			s += " [" + string(f.Role) + "]"
		}
		if f.Kind != groupware.FolderMail {
			s += " " + string(f.Kind)
		}
		if f.NoItems {
			s += " noitems"
		}
		if f.Items >= 0 {
			s += fmt.Sprint(" ", f.Items)
		}
		out = append(out, s+" "+f.State)
	}
	return out
}

func wantTree(t *testing.T, d *Driver, want ...string) {
	t.Helper()
	got := tree(t, d)
	for i := range got {
		got[i] = strings.TrimSpace(got[i])
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

const preauth = "S: * PREAUTH [CAPABILITY IMAP4rev1 "

func TestFoldersComeInOneRoundTripWhereThatIsPossible(t *testing.T) {
	d := connect(t, script(t, preauth+`LIST-EXTENDED LIST-STATUS SPECIAL-USE CONDSTORE] hi
		C: A1 LIST "" "*" RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))
		S: * LIST (\HasChildren) "/" inbox
		S: * STATUS INBOX (MESSAGES 3 UIDNEXT 10 UIDVALIDITY 5 HIGHESTMODSEQ 77 UNKNOWN (1 2))
		S: * LIST (\sent) "/" "Gesendet"
		S: * STATUS Gesendet (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 6 HIGHESTMODSEQ 1)
		S: * LIST (\Drafts) "/" {9}\r\nEntw&APw-
		S: * LIST (\JUNK) "/" "inbox/Spam"
		S: * STATUS "inbox/Spam" (UIDVALIDITY 7 UIDNEXT 2 MESSAGES 1)
		S: * LIST () "/" "Notes"
		S: * LIST (\Noselect) "/" "Shelf"
		S: * LIST (\NonExistent) "/" "Ghost"
		S: * LIST () "/" "Attic/Box/Deep"
		S: * LIST (\sent) "/" "Sent"
		S: * LIST (\Marked) "/" "Sent"
		S: A1 OK done
		C: A2 STATUS "Entw&APw-" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)
		C: A3 STATUS "Notes" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)
		C: A4 STATUS "Attic/Box/Deep" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)
		C: A5 STATUS "Sent" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)
		S: * STATUS Entw&APw- (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 8 HIGHESTMODSEQ 9)
		S: A2 OK done
		S: A3 NO no
		S: A5 NO no
		S: A4 NO no`), Options{})
	wantTree(t, d,
		"INBOX [inbox] 3 5.77.10.3",
		"INBOX > Spam [junk] 1",
		"Attic noitems",
		"Attic > Box noitems",
		"Attic > Box > Deep",
		"Entw\u00fc [drafts] 1 8.9.2.1",
		"Gesendet [sent] 0 6.1.1.0",
		"Notes notes",
		"Sent",
		"Shelf noitems")
}

func TestANamespacesPrefixIsNotSeenAndOthersFoldersAreLeftOut(t *testing.T) {
	d := connect(t, script(t, preauth+`NAMESPACE] hi
		C: A1 NAMESPACE
		S: * NAMESPACE (("INBOX." "." "X-PARAM" ("a"))) (("user." ".")) (("shared." ".")("#news." "."))
		S: A1 OK done
		C: A2 LIST "" "*"
		S: * LIST () "." INBOX
		S: * LIST () "." INBOX.Sent
		S: * LIST () "." INBOX.Papierkorb
		S: * LIST () "." INBOX.Work.2026
		S: * LIST () "." "INBOX.Archiv.a/b"
		S: * LIST () "." user
		S: * LIST () "." user.bob
		S: * LIST () "." shared.all
		S: * LIST () "." stray
		S: A2 OK done
		C: A3 STATUS "INBOX" (MESSAGES UIDNEXT UIDVALIDITY)
		C: A4 STATUS "INBOX.Sent" (MESSAGES UIDNEXT UIDVALIDITY)
		C: A5 STATUS "INBOX.Papierkorb" (MESSAGES UIDNEXT UIDVALIDITY)
		C: A6 STATUS "INBOX.Work.2026" (MESSAGES UIDNEXT UIDVALIDITY)
		C: A7 STATUS "INBOX.Archiv.a/b" (MESSAGES UIDNEXT UIDVALIDITY)
		C: A8 STATUS "stray" (MESSAGES UIDNEXT UIDVALIDITY)
		S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)
		S: A3 OK done
		S: A4 OK done
		S: A5 OK done
		S: A6 OK done
		S: A7 OK done
		S: A8 OK done
		C: A9 CREATE "INBOX.Neu &- &APw-"
		S: A9 NO [CANNOT] no more
		C: A10 LIST "" "*"
		S: A10 OK done`), Options{})
	wantTree(t, d, "INBOX [inbox] 1", "Archiv [archive] noitems", "Archiv > a/b", "Papierkorb [trash]", "Sent [sent]", "Work noitems", "Work > 2026", "stray")
	_, err := d.CreateFolder(t.Context(), remote.NewFolder{Name: "Neu & \u00fc"})
	wantKind(t, err, remote.Invalid, "no more")
}

func TestNamesWithoutLevelsAndInUTF8(t *testing.T) {
	d := connect(t, script(t, preauth+`IMAP4rev2 ENABLE] hi
		C: A1 ENABLE IMAP4REV2
		C: A2 NAMESPACE
		S: * ENABLED IMAP4rev2
		S: A1 OK done
		S: A2 OK done
		C: A3 LIST "" "*" RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY))
		S: * LIST () NIL INBOX
		S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)
		S: * LIST (\All) NIL "Grün/e & &-"
		S: * STATUS "Grün/e & &-" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)
		S: A3 OK done`), Options{})
	wantTree(t, d, "INBOX [inbox] 1", "Grün/e & &- [archive] 1")
}

func TestANameThatIsNoUTF7IsShownAsItIsAndStaysUsable(t *testing.T) {
	d := connect(t, script(t, preauth+`LITERAL+] hi
		C: A1 LIST "" "*"
		S: * LIST () "/" "R&D"
		S: * LIST () "/" "Gr`+"\xfc"+`n"
		S: A1 OK done
		C: A2 STATUS "R&D" (MESSAGES UIDNEXT UIDVALIDITY)
		C: A3 STATUS {4+}\r\nGr`+"\xfc"+`n (MESSAGES UIDNEXT UIDVALIDITY)
		S: A2 OK done
		S: A3 OK done`), Options{})
	wantTree(t, d, "Gr\uFFFDn", "R&D")
}

func TestObjectIDsNameFolders(t *testing.T) {
	d := connect(t, script(t, preauth+`OBJECTID LIST-EXTENDED LIST-STATUS] hi
		C: A1 LIST "" "*" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY))
		S: * LIST () "/" INBOX
		S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)
		S: * LIST () "/" Odd
		S: * STATUS Odd (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)
		S: A1 OK done
		C: A2 STATUS "INBOX" (MAILBOXID)
		C: A3 STATUS "Odd" (MAILBOXID)
		S: * STATUS INBOX (MAILBOXID (F-1_x))
		S: A2 OK done
		S: * STATUS Odd (MAILBOXID ("not an id"))
		S: A3 OK done
		C: A4 SELECT "INBOX"
		S: * 1 EXISTS
		S: * OK [UIDVALIDITY 9] ok
		S: * OK [UIDNEXT 2] ok
		S: * OK [MAILBOXID (F-2)] somebody else's now
		S: A4 OK done
		C: A5 UNSELECT
		C: A6 LIST "" "*" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY))
		S: A5 OK done
		S: * LIST () "/" INBOX
		S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 9)
		S: * LIST () "/" Moved
		S: * STATUS Moved (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)
		S: A6 OK done
		C: A7 STATUS "INBOX" (MAILBOXID)
		C: A8 STATUS "Moved" (MAILBOXID)
		S: * STATUS INBOX (MAILBOXID (F-2))
		S: A7 OK done
		S: * STATUS Moved (MAILBOXID (F-1_x))
		S: A8 OK done
		C: A9 SELECT "Moved"
		S: * 1 EXISTS
		S: * OK [UIDVALIDITY 3] ok
		S: * OK [UIDNEXT 2] ok
		S: * OK [MAILBOXID (F-1_x)] ok
		S: A9 OK done`), Options{})
	d.c.caps["UNSELECT"] = true
	all, err := d.Folders(t.Context())
	if err != nil || all[0].ID != "F-1_x" || all[1].ID != "path:Odd" {
		t.Fatalf("got %+v, %v", all, err)
	}
	if mark, err := d.Mark(t.Context(), "F-1_x"); mark != "3.2" || err != nil {
		t.Errorf("got %q, %v", mark, err)
	}
}

func TestAFolderWhoseIDCannotBeAskedForRightNowStopsTheListing(t *testing.T) {
	d := connect(t, script(t, preauth+`OBJECTID] hi
		C: A1 LIST "" "*"
		S: * LIST () "/" INBOX
		S: A1 OK done
		C: A2 STATUS "INBOX" (MESSAGES UIDNEXT UIDVALIDITY)
		C: A3 STATUS "INBOX" (MAILBOXID)
		S: A2 OK done
		S: A3 NO [INUSE] locked`), Options{})
	_, err := d.Folders(t.Context())
	wantKind(t, err, remote.Unavailable, "locked")
}

func TestFolderNamesThatCannotBeAreRefusedHere(t *testing.T) {
	d := scripted(t, "", "")
	for _, name := range []string{"", "  ", "a/b", "a\r\nA1 LOGOUT", "tab\t", "\x00"} {
		_, err := d.CreateFolder(t.Context(), remote.NewFolder{Name: name})
		wantKind(t, err, remote.Invalid, "create the folder")
	}
	_, err := d.RenameFolder(t.Context(), "INBOX", "", "Else")
	wantKind(t, err, remote.Forbidden, "cannot be renamed")
}

func TestARefusedSpecialUseIsNotInsistedOn(t *testing.T) {
	d := scripted(t, "CREATE-SPECIAL-USE", `
		C: A1 CREATE "Old" (USE (\Archive))
		S: A1 NO [USEATTR] taken
		C: A2 CREATE "Old"
		S: A2 OK done
		C: A3 SUBSCRIBE "Old"
		S: A3 NO never mind
		C: A4 LIST "" "*"
		S: * LIST () "/" "Old"
		S: A4 OK done
		C: A5 STATUS "Old" (MESSAGES UIDNEXT UIDVALIDITY)
		S: * STATUS Old (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 2)
		S: A5 OK done`)
	f, err := d.CreateFolder(t.Context(), remote.NewFolder{Name: "Old", Role: groupware.RoleArchive})
	if err != nil || f.ID != "Old" || f.Identity != "2" || f.Items != 0 {
		t.Errorf("got %+v, %v", f, err)
	}
}

func TestWhatExistsAlreadyIsRecognisedWithoutTheServersWord(t *testing.T) {
	d := scripted(t, "", `
		C: A1 CREATE "Work"
		S: A1 NO impossible
		C: A2 LIST "" "*"
		S: * LIST (\Noselect) "/" "Work"
		S: A2 OK done`)
	_, err := d.CreateFolder(t.Context(), remote.NewFolder{Name: "Work"})
	wantKind(t, err, remote.Exists, "impossible")
}

func TestTheSelectedFolderIsLeftBeforeItGoes(t *testing.T) {
	d := scripted(t, "", `
		C: A1 SELECT "Work"
		S: * OK [UIDVALIDITY 3] ok
		S: * OK [UIDNEXT 2] ok
		S: A1 OK [READ-WRITE] done
		C: A2 EXAMINE "Work"
		C: A3 CLOSE
		S: A2 OK done
		S: A3 OK done
		C: A4 LIST "" "*"
		S: * LIST () "/" "Work"
		S: * LIST (\Noselect) "/" "Work/Shelf"
		S: * LIST () "/" "Workshop"
		S: A4 OK done
		C: A5 STATUS "Work" (MESSAGES UIDNEXT UIDVALIDITY)
		C: A6 STATUS "Workshop" (MESSAGES UIDNEXT UIDVALIDITY)
		S: A5 OK done
		S: A6 OK done
		C: A7 DELETE "Work/Shelf"
		S: A7 NO it is nothing
		C: A8 UNSUBSCRIBE "Work/Shelf"
		S: A8 OK done
		C: A9 DELETE "Work"
		S: A9 NO [NOPERM] not yours`)
	if _, err := d.Mark(t.Context(), "Work"); err != nil {
		t.Fatal(err)
	}
	wantKind(t, d.DeleteFolder(t.Context(), "Work"), remote.Forbidden, "not yours")
}

func TestRightsSayWhatMayOnlyBeRead(t *testing.T) {
	readOnly := func(d *Driver) string {
		all, err := d.Folders(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range all {
			if f.ReadOnly {
				out = append(out, f.Name)
			}
		}
		return strings.Join(out, " ")
	}
	for name, transcript := range map[string]string{
		"where LIST tells them, without another question": `LIST-EXTENDED LIST-MYRIGHTS LIST-STATUS ACL RIGHTS=kxte] hi
			C: A1 LIST "" "*" RETURN (MYRIGHTS STATUS (MESSAGES UIDNEXT UIDVALIDITY))
			S: * LIST () "/" INBOX
			S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 5)
			S: * MYRIGHTS inbox lrswipkxtecda
			S: * LIST () "/" Read
			S: * STATUS Read (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 5)
			S: * MYRIGHTS Read "lrskxcad"
			S: * LIST () "/" Drop
			S: * STATUS Drop (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 5)
			S: * MYRIGHTS Drop lrsip
			S: A1 OK done`,
		"where they are asked for, all at once, and not told of each": `LIST-EXTENDED LIST-STATUS ACL] hi
			C: A1 LIST "" "*" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY))
			S: * LIST () "/" INBOX
			S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 5)
			S: * LIST () "/" Old
			S: * STATUS Old (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 5)
			S: * LIST () "/" Read
			S: * STATUS Read (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 5)
			S: A1 OK done
			C: A2 MYRIGHTS "INBOX"
			C: A3 MYRIGHTS "Old"
			C: A4 MYRIGHTS "Read"
			S: A2 NO not yours
			S: * MYRIGHTS Old lrsd
			S: A3 OK done
			S: * MYRIGHTS Read {3}\r\nlrs
			S: A4 OK done`,
	} {
		t.Run(name, func(t *testing.T) {
			if got := readOnly(connect(t, script(t, preauth+transcript), Options{})); got != "Read" {
				t.Errorf("%q may only be read", got)
			}
		})
	}
	t.Run("and so does opening a folder, where there are no rights", func(t *testing.T) {
		list := func(tag string) string {
			return `
			C: ` + tag + ` LIST "" "*"
			S: * LIST () "/" INBOX
			S: ` + tag + ` OK done`
		}
		d := scripted(t, "UNSELECT", `
			C: A1 SELECT "INBOX"
			S: * 0 EXISTS
			S: * OK [UIDVALIDITY 5] ok
			S: * OK [UIDNEXT 1] ok
			S: A1 OK [READ-ONLY] look, do not touch
			C: A2 UNSELECT
			S: A2 OK done`+list("A3")+`
			C: A4 STATUS "INBOX" (MESSAGES UIDNEXT UIDVALIDITY)
			S: A4 OK done`)
		if _, _, err := told(t, d, ""); err != nil {
			t.Fatal(err)
		}
		if got := readOnly(d); got != "INBOX" {
			t.Errorf("%q may only be read", got)
		}
	})
}

// Dovecot says OK to both and does nothing.
func TestADeletionWithoutTheRightToIsNotBelieved(t *testing.T) {
	d := scripted(t, "UIDPLUS", `
		C: A1 SELECT "INBOX"
		S: * OK [PERMANENTFLAGS (\Seen)] limited
		S: * 1 EXISTS
		S: * OK [UIDVALIDITY 5] ok
		S: * OK [UIDNEXT 2] ok
		S: A1 OK [READ-WRITE] done
		C: A2 NOOP
		S: A2 OK done`)
	err := d.Delete(t.Context(), "INBOX", []remote.Ref{{ID: "5.1"}}, func(_ string, err error) error { return err })
	wantKind(t, err, remote.Forbidden, "cannot be removed")
	_, err = d.Move(t.Context(), "INBOX", []string{"5.1"}, "Work")
	wantKind(t, err, remote.Forbidden, "cannot be removed")
}
