package imap

import (
	"strings"
	"testing"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

func message(s string) remote.NewItem {
	return remote.NewItem{Media: groupware.MediaMessage, Raw: []byte(s)}
}

func TestMessagesAreStoredSeveralAtOnce(t *testing.T) {
	d := scripted(t, "UIDPLUS LITERAL+", `
		C: A1 SELECT "Work"
		S: * FLAGS (\Seen Projekt)
		S: * OK [UIDVALIDITY 5] ok
		S: * OK [PERMANENTFLAGS (\Seen \Answered Projekt)] no others
		S: A1 OK done
		C: A2 APPEND "Work" (\Seen Projekt) " 2-Mar-2026 08:30:00 +0000" {6+}\r\na: 1\r\n
		C: A3 APPEND "Work" {12+}\r\nb: 2\r\n\r\nx\r\n\0
		C: A4 APPEND "Work" {6+}\r\nc: 3\r\n
		S: A3 NO [CANNOT] NUL
		S: A2 OK [APPENDUID 5 17] done
		S: * 3 EXISTS
		S: A4 OK [APPENDUID 0 1] done by hand`)
	items := []remote.NewItem{message("a: 1\n"), message("b: 2\r\n\nx\r"), message("c: 3\r\n"), message("")}
	items[1].Raw = append(items[1].Raw, 0)
	items[0].Flags = groupware.NewFlags(groupware.Seen|groupware.Flagged, "projekt", "other")
	items[0].Received = time.Date(2026, 3, 2, 9, 30, 0, 0, time.FixedZone("", 3600))
	var got []string
	err := d.Create(t.Context(), "Work", items, func(i int, c remote.Created, err error) error {
		s := c.ID
		if err != nil {
			s = remote.KindOf(err).String()
		}
		got = append(got, s)
		return nil
	})
	if want := "5.17,content refused,,content refused"; err != nil || strings.Join(got, ",") != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestWhatAServerSaysToAMessage(t *testing.T) {
	for _, c := range []struct {
		answer string
		kind   remote.ErrorKind
	}{
		{"NO [TRYCREATE] no such folder", remote.NotFound},
		{"NO [TOOBIG] too big", remote.TooLarge},
		{"NO [OVERQUOTA] full", remote.OverQuota},
		{"NO Over quota", remote.OverQuota},
		{"NO [LIMIT] enough for now", remote.Unavailable},
		{"NO [LIMIT] APPEND Rate limit hit.", remote.Unavailable},
		{"NO [LIMIT] at most 32 keywords", remote.Other},
		{"NO [UNAVAILABLE] a disk is away", remote.Unavailable},
		{"NO [INUSE] somebody packs the folder", remote.Unavailable},
		{"NO [NOPERM] not yours", remote.Forbidden},
		{"NO [CANNOT] never", remote.Invalid},
		{"NO [CONTACTADMIN] ask them", remote.Other},
		{"NO [SERVERBUG] oops", remote.Unavailable},
		{"BAD Request is throttled. Suggested Backoff Time: 92415 milliseconds", remote.Unavailable},
		{"NO [READ-ONLY] no", remote.Forbidden},
		{"NO Message contains bare newlines", remote.Invalid},
		{"BAD what", remote.Other},
	} {
		d := scripted(t, "UIDPLUS LITERAL+", `
			C: A1 APPEND "Work" {6+}\r\na: 1\r\n
			S: A1 `+c.answer)
		_, err := create(t, d, "Work", message("a: 1\r\n"))
		wantKind(t, err, c.kind, "store a message in Work")
	}
}

func TestAMessageOverTheServersLimitIsNotEvenSent(t *testing.T) {
	d := scripted(t, "UIDPLUS LITERAL+ APPENDLIMIT=5", "")
	_, err := create(t, d, "Work", message("a: 1\r\n"))
	wantKind(t, err, remote.TooLarge, "up to 5 bytes")
}

func TestSynchronisingLiteralsWaitAndMayBeRefused(t *testing.T) {
	d := scripted(t, "UIDPLUS", `
		C: A1 APPEND "Work" {6}
		S: A1 NO [OVERQUOTA] do not bother
		C: A2 APPEND "Work" {6}
		S: * 1 EXISTS
		S: + go on
		C: b: 2
		C: 
		S: A2 OK [APPENDUID 5 18] done`)
	var got []string
	err := d.Create(t.Context(), "Work", []remote.NewItem{message("a: 1\r\n"), message("b: 2\r\n")}, func(i int, c remote.Created, err error) error {
		if err != nil {
			c.ID = remote.KindOf(err).String()
		}
		got = append(got, c.ID)
		return nil
	})
	if err != nil || strings.Join(got, ",") != "over quota,5.18" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestOnlyShortLiteralsGoAtOnceWhereOnlyTheseMay(t *testing.T) {
	long := strings.Repeat("x", 4095) + "\r\n"
	d := scripted(t, "UIDPLUS LITERAL-", `
		C: A1 APPEND "Work" {6+}\r\na: 1\r\n
		C: A2 APPEND "Work" {4097}
		S: A1 OK [APPENDUID 5 1] done
		S: + go on
		C: `+long[:4095]+`
		C: 
		S: A2 OK [APPENDUID 5 2] done`)
	n := 0
	err := d.Create(t.Context(), "Work", []remote.NewItem{message("a: 1\r\n"), message(long)}, func(i int, c remote.Created, err error) error {
		n++
		return err
	})
	if err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestWithoutUIDPLUSTheNewMessageIsLookedFor(t *testing.T) {
	d := scripted(t, "LITERAL+", `
		C: A1 SELECT "Work"
		S: * 3 EXISTS
		S: * OK [UIDVALIDITY 5] ok
		S: * OK [UIDNEXT 20] ok
		S: A1 OK done
		C: A2 APPEND "Work" {25+}\r\nMessage-ID: <m@x>\r\n\r\nhi\r\n
		S: A2 OK [APPENDUID 5 999] which counts for nothing
		C: A3 NOOP
		S: * 6 EXISTS
		S: A3 OK done
		C: A4 UID FETCH 20:* (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])
		S: * 4 FETCH (UID 20 RFC822.SIZE 25 BODY[HEADER.FIELDS (MESSAGE-ID)] {21}\r\nMessage-ID: <n@x>\r\n\r\n)
		S: * 5 FETCH (UID 21 RFC822.SIZE 25 BODY[HEADER.FIELDS (MESSAGE-ID)] {21}\r\nMessage-ID: <m@x>\r\n\r\n)
		S: * 6 FETCH (UID 22 RFC822.SIZE 25 BODY[HEADER.FIELDS (MESSAGE-ID)] {21}\r\nMessage-ID: <m@x>\r\n\r\n)
		S: * 3 FETCH (UID 19 RFC822.SIZE 25 BODY[HEADER.FIELDS (MESSAGE-ID)] {21}\r\nMessage-ID: <m@x>\r\n\r\n)
		S: A4 OK done
		C: A5 UID FETCH 21 (UID BODY.PEEK[])
		S: * 5 FETCH (UID 21 BODY[] {25}\r\nMessage-ID: <m@x>\r\n\r\nho\r\n)
		S: A5 OK done
		C: A6 UID FETCH 22 (UID BODY.PEEK[])
		S: * 6 FETCH (UID 22 BODY[] {25}\r\nMessage-ID: <m@x>\r\n\r\nhi\r\n)
		S: A6 OK done`)
	if c, err := create(t, d, "Work", message("Message-ID: <m@x>\n\nhi\n")); err != nil || c.ID != "5.22" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestALostConnectionLeavesTheOutcomeOpen(t *testing.T) {
	d := scripted(t, "UIDPLUS LITERAL+", `
		C: A1 APPEND "Work" {6+}\r\na: 1\r\n
		CLOSE`)
	_, err := create(t, d, "Work", message("a: 1\r\n"))
	wantKind(t, err, remote.Offline, "store a message in Work")
}

func TestNetworkLines(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a": "a", "a\r\nb\r\n": "a\r\nb\r\n", "a\nb\n": "a\r\nb\r\n", "\n": "\r\n", "a\r": "a\r\n", "a\r\rb\n\r\n": "a\r\n\r\nb\r\n\r\n", "\r\n\n": "\r\n\r\n",
	} {
		if got := string(networkLines([]byte(in))); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

const openWork = `
	C: A1 SELECT "Work"
	S: * 3 EXISTS
	S: * OK [UIDVALIDITY 5] ok
	S: * OK [UIDNEXT 20] ok
	S: A1 OK done
`

func TestOnlyWhatIsThereIsReplacedAndTheNewOneComesFirst(t *testing.T) {
	d := scripted(t, "UIDPLUS LITERAL+", openWork+`
		C: A2 UID FETCH 7 (UID)
		S: * 1 FETCH (UID 7)
		S: A2 OK done
		C: A3 APPEND "Work" {6+}\r\na: 1\r\n
		S: A3 OK [APPENDUID 5 20] done
		C: A4 UID STORE 7 +FLAGS.SILENT (\Deleted)
		S: A4 OK done
		C: A5 UID EXPUNGE 7
		S: * 1 EXPUNGE
		S: A5 OK done
		C: A6 NOOP
		S: A6 OK done
		C: A7 UID FETCH 7 (UID)
		S: A7 OK done`)
	if c, err := d.Replace(t.Context(), "Work", "5.7", "", message("a: 1\r\n")); err != nil || c.ID != "5.20" {
		t.Errorf("got %+v, %v", c, err)
	}
	for _, id := range []string{"5.7", "4.7", "junk"} {
		_, err := d.Replace(t.Context(), "Work", id, "", message("a: 1\r\n"))
		wantKind(t, err, remote.Precondition, "the message is gone")
		d.c.sel.fresh = true // so that there is no NOOP for those that need not be asked about
	}
}

func TestAReplacementWhoseOldOneStaysIsTakenBack(t *testing.T) {
	d := scripted(t, "UIDPLUS LITERAL+", openWork+`
		C: A2 UID FETCH 7 (UID)
		S: * 1 FETCH (UID 7)
		S: A2 OK done
		C: A3 APPEND "Work" {6+}\r\na: 1\r\n
		S: A3 OK [APPENDUID 5 20] done
		C: A4 UID STORE 7 +FLAGS.SILENT (\Deleted)
		S: A4 NO [NOPERM] you may not delete
		C: A5 UID STORE 20 +FLAGS.SILENT (\Deleted)
		S: A5 OK done
		C: A6 UID EXPUNGE 20
		S: A6 OK done`)
	_, err := d.Replace(t.Context(), "Work", "5.7", "", message("a: 1\r\n"))
	wantKind(t, err, remote.Forbidden, "you may not delete")
}
