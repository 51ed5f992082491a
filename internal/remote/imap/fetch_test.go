package imap

import (
	"strings"
	"testing"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

const openInbox = "C: A1 SELECT \"INBOX\"\nS: * 9 EXISTS\nS: * OK [UIDVALIDITY 5] ok\nS: * OK [UIDNEXT 100] ok\nS: A1 OK done\n"

func TestMessagesAreReadInWhateverFormTheyCome(t *testing.T) {
	d := scripted(t, "", openInbox+`
		C: A2 UID FETCH 1:6 (UID FLAGS INTERNALDATE BODY.PEEK[])
		S: * 1 FETCH (BODY[] {12}\r\nSubject: 1\r\n FLAGS (\Seen) INTERNALDATE " 2-Mar-2026 09:30:05 +0100" UID 1)
		S: * 2 FETCH (UID 2 X-GM-MSGID 12345 FLAGS () BODY[] "quoted" INTERNALDATE "31-dec-1999 23:59:59 -1130")
		S: * 3 FETCH (UID 3 FLAGS (\Flagged))
		S: * 3 FETCH (UID 3 FLAGS () BODY[] ~{4}\r\n\0abc INTERNALDATE "nonsense")
		S: * 4 FETCH (UID 4 BODY[] NIL FLAGS ())
		S: * 77 FETCH (UID 77 FLAGS () BODY[] {3}\r\nabc)
		S: * 5 FETCH (FLAGS (\Seen))
		S: * VANISHED 6
		S: * 5 FETCH (BODY[] {0}\r\n UID 5 FLAGS ())
		S: A2 OK done`)
	got, err := fetch(t, d, "INBOX", remote.PartWhole, "5.6", "5.5", "4.9", "junk", "5.4", "5.3", "5.2", "5.1", "5.0")
	if err != nil || len(got) != 4 {
		t.Fatalf("got %v, %v", got, err)
	}
	if f := got["5.1"]; string(f.Raw) != "Subject: 1\r\n" || f.Flags.System != groupware.Seen || !f.Received.Equal(time.Date(2026, 3, 2, 8, 30, 5, 0, time.UTC)) || f.Order != 1 || f.Media != groupware.MediaMessage {
		t.Errorf("got %+v", f)
	}
	if f := got["5.2"]; string(f.Raw) != "quoted" || !f.Received.Equal(time.Date(2000, 1, 1, 11, 29, 59, 0, time.UTC)) {
		t.Errorf("got %+v", f)
	}
	if f := got["5.3"]; string(f.Raw) != "\x00abc" || !f.Received.IsZero() {
		t.Errorf("got %+v", f)
	}
	if f := got["5.5"]; f.Raw == nil || len(f.Raw) != 0 {
		t.Errorf("got %+v", f)
	}
}

func TestAMessageThatIsTooLargeIsToldAndStopsNoOther(t *testing.T) {
	e := script(t, preauth+"] hi\n"+openInbox+`
		C: A2 UID FETCH 1:2 (UID FLAGS INTERNALDATE BODY.PEEK[])
		S: * 1 FETCH (UID 1 BODY[] {20}\r\n01234567890123456789 FLAGS ())
		S: * 2 FETCH (UID 2 BODY[] {2}\r\nok FLAGS ())
		S: A2 OK done`)
	d := connect(t, e, Options{MaxMessage: 10})
	d.boxes = map[string]mailbox{"INBOX": {id: "INBOX", wire: "INBOX", path: "INBOX"}}
	got, err := fetch(t, d, "INBOX", remote.PartWhole, "5.1", "5.2")
	if err != nil || string(got["5.2"].Raw) != "ok" || got["5.1"].Raw != nil {
		t.Fatalf("got %+v, %v", got, err)
	}
	wantKind(t, got["5.1"].Err, remote.TooLarge, "20 bytes")
}

func TestAMessageThatTheServerCannotReadIsFoundByHalving(t *testing.T) {
	d := scripted(t, "", openInbox+`
		C: A2 UID FETCH 1:4 (UID FLAGS INTERNALDATE BODY.PEEK[])
		S: * 1 FETCH (UID 1 BODY[] {1}\r\na FLAGS ())
		S: A2 NO [CORRUPTION] a message is broken
		C: A3 UID FETCH 2 (UID FLAGS INTERNALDATE BODY.PEEK[])
		C: A4 UID FETCH 3:4 (UID FLAGS INTERNALDATE BODY.PEEK[])
		S: * 2 FETCH (UID 2 BODY[] {1}\r\nb FLAGS ())
		S: A3 OK done
		S: A4 NO [CORRUPTION] a message is broken
		C: A5 UID FETCH 3 (UID FLAGS INTERNALDATE BODY.PEEK[])
		C: A6 UID FETCH 4 (UID FLAGS INTERNALDATE BODY.PEEK[])
		S: A5 NO [CORRUPTION] a message is broken
		S: * 4 FETCH (UID 4 BODY[] {1}\r\nd FLAGS ())
		S: A6 OK done`)
	got, err := fetch(t, d, "INBOX", remote.PartWhole, "5.1", "5.2", "5.3", "5.4")
	if err != nil || len(got) != 4 || string(got["5.4"].Raw) != "d" {
		t.Fatalf("got %+v, %v", got, err)
	}
	wantKind(t, got["5.3"].Err, remote.Other, "a message is broken")
}

func TestAServerThatIsBusyEndsTheReading(t *testing.T) {
	d := scripted(t, "", openInbox+`
		C: A2 UID FETCH 1:2 (UID FLAGS INTERNALDATE BODY.PEEK[])
		S: A2 NO [UNAVAILABLE] later`)
	_, err := fetch(t, d, "INBOX", remote.PartWhole, "5.1", "5.2")
	wantKind(t, err, remote.Unavailable, "read messages of INBOX")
}

func TestALostConnectionEndsTheReading(t *testing.T) {
	d := scripted(t, "", openInbox+`
		C: A2 UID FETCH 1:2 (UID FLAGS INTERNALDATE BODY.PEEK[])
		S: * 1 FETCH (UID 1 BODY[] {1}\r\na FLAGS ())
		S: * 2 FETCH (UID 2 BODY[] {1000}\r\nhalf
		CLOSE`)
	got, err := fetch(t, d, "INBOX", remote.PartWhole, "5.1", "5.2")
	wantKind(t, err, remote.Offline, "read messages of INBOX: offline: the server closed the connection")
	if len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestManyMessagesAreAskedForInChunksNewestFirst(t *testing.T) {
	uids := make([]uint32, 2000)
	for i := range uids {
		uids[i] = uint32(2 * (len(uids) - i))
	}
	k := newChunks(uids)
	seen := 0
	for len(k.rest) > 0 {
		first := k.rest[0]
		part := k.next()
		if part[len(part)-1] != first {
			t.Errorf("the chunk of %d ends in %d", first, part[len(part)-1])
		}
		if len(part) > chunkItems {
			t.Errorf("a chunk of %d", len(part))
		}
		seen += len(part)
	}
	if seen != len(uids) {
		t.Errorf("%d of %d", seen, len(uids))
	}
	scattered := make([]uint32, 600)
	for i := range scattered {
		scattered[i] = uint32(4294967000 - 7*uint32(i)*1000)
	}
	k = &chunks{rest: scattered, size: 500}
	if part := k.next(); len(part)*11 > chunkSet*12/10 {
		t.Errorf("a set of %d", len(part))
	}
}

func TestWhatASessionDoesNotKnowYetIsLookedForFirst(t *testing.T) {
	d := scripted(t, "", openInbox+`
		C: A2 NOOP
		S: * 10 EXISTS
		S: A2 OK done
		C: A3 UID FETCH 100 (UID FLAGS INTERNALDATE BODY.PEEK[])
		S: * 10 FETCH (UID 100 BODY[] {1}\r\na FLAGS ())
		S: A3 OK done`)
	if _, err := d.Mark(t.Context(), "INBOX"); err != nil {
		t.Fatal(err)
	}
	if got, err := fetch(t, d, "INBOX", remote.PartWhole, "5.100"); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestMessagesAreIdentified(t *testing.T) {
	d := scripted(t, "", openInbox+`
		C: A2 UID FETCH 1:3 (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])
		S: * 1 FETCH (UID 1 RFC822.SIZE 1234 BODY[HEADER.FIELDS (MESSAGE-ID)] {35}\r\nMESSAGE-ID:\r\n <a.b@example.org>\r\n\r\n)
		S: * 2 FETCH (UID 2 RFC822.SIZE 7 BODY[HEADER.FIELDS (MESSAGE-ID)] {2}\r\n\r\n)
		S: * 3 FETCH (UID 3 FLAGS (\Seen))
		S: A2 OK done`)
	got, err := d.Identify(t.Context(), "INBOX", []string{"5.1", "5.2", "5.3", "4.1"})
	if want, ok := got["5.2"]; err != nil || len(got) != 2 || got["5.1"] != "<a.b@example.org>/1234" || want != "" || !ok {
		t.Errorf("got %v, %v", got, err)
	}
}

const multipart = `(("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "8BIT" 30 1)("APPLICATION" "PDF" ("NAME" "a.pdf") NIL NIL "BASE64" 4000) "MIXED" ("BOUNDARY" "x"))`

func TestTextIsAskedForByPathAndTheRestWhole(t *testing.T) {
	header := "{14}\\r\\nSubject: x\\r\\n\\r\\n"
	d := scripted(t, "", openInbox+`
		C: A2 UID FETCH 1:7 (UID FLAGS INTERNALDATE RFC822.SIZE BODYSTRUCTURE BODY.PEEK[HEADER])
		S: * 1 FETCH (UID 1 FLAGS () RFC822.SIZE 5000 BODYSTRUCTURE `+multipart+` BODY[HEADER] `+header+`)
		S: * 2 FETCH (UID 2 FLAGS () RFC822.SIZE 20 BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 6 1) BODY[HEADER] `+header+`)
		S: * 3 FETCH (UID 3 FLAGS () RFC822.SIZE 20 BODYSTRUCTURE (NIL "MIXED") BODY[HEADER] `+header+`)
		S: * 4 FETCH (UID 4 FLAGS () RFC822.SIZE 5000 BODYSTRUCTURE ("APPLICATION" "ZIP" ("NAME" "b.zip") NIL NIL "BASE64" 4000) BODY[HEADER] `+header+`)
		S: * 5 FETCH (UID 5 FLAGS () RFC822.SIZE 5000 BODYSTRUCTURE `+strings.Repeat("(", 100)+`"X"`+strings.Repeat(" \"Y\")", 100)+` BODY[HEADER] `+header+`)
		S: * 6 FETCH (UID 6 FLAGS () RFC822.SIZE 5000 BODYSTRUCTURE (`+multipart+`("APPLICATION" "PGP-SIGNATURE" NIL NIL NIL "7BIT" 10) "SIGNED") BODY[HEADER] `+header+`)
		S: A2 OK done
		C: A3 UID FETCH 1 (UID BODY.PEEK[1])
		C: A4 UID FETCH 2:3,5:6 (UID FLAGS INTERNALDATE BODY.PEEK[])
		S: * 1 FETCH (UID 1 BODY[1] {9}\r\nGr`+"\u00fc\u00df"+`e\r\n)
		S: A3 OK done
		S: * 2 FETCH (UID 2 FLAGS () BODY[] {2}\r\nb2)
		S: * 3 FETCH (UID 3 FLAGS () BODY[] {2}\r\nb3)
		S: * 5 FETCH (UID 5 FLAGS () BODY[] {2}\r\nb5)
		S: * 6 FETCH (UID 6 FLAGS () BODY[] {2}\r\nb6)
		S: A4 OK done`)
	got, err := fetch(t, d, "INBOX", remote.PartText, "5.1", "5.2", "5.3", "5.4", "5.5", "5.6", "5.7")
	if err != nil || len(got) != 6 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if p := got["5.1"].Partial; p == nil || p.Text != "Gr\u00fc\u00dfe\n" && p.Text != "Gr\u00fc\u00dfe" || string(p.Header) != "Subject: x\r\n\r\n" || p.Size != 5000 || len(p.Parts) != 2 || p.Parts[1].Name != "a.pdf" {
		t.Errorf("got %+v", p)
	}
	if p := got["5.4"].Partial; p == nil || p.Text != "" || len(p.Parts) != 1 || p.Parts[0].Path != "1" || p.Parts[0].Name != "b.zip" {
		t.Errorf("got %+v", p)
	}
	for _, id := range []string{"2", "3", "5", "6"} {
		if f := got["5."+id]; string(f.Raw) != "b"+id || f.Partial != nil {
			t.Errorf("%s is %+v", id, f)
		}
	}
}

func TestWhatCannotBeDescribedIsReadWhole(t *testing.T) {
	d := scripted(t, "", openInbox+`
		C: A2 UID FETCH 1:3 (UID FLAGS INTERNALDATE RFC822.SIZE BODYSTRUCTURE BODY.PEEK[HEADER])
		S: * 1 FETCH (UID 1 FLAGS () RFC822.SIZE 5000 BODYSTRUCTURE `+multipart+` BODY[HEADER] {2}\r\n\r\n)
		S: A2 NO cannot parse a message
		C: A3 UID FETCH 1 (UID BODY.PEEK[1])
		C: A4 UID FETCH 2:3 (UID FLAGS INTERNALDATE BODY.PEEK[])
		S: A3 NO cannot do that either
		S: * 2 FETCH (UID 2 FLAGS () BODY[] {2}\r\nb2)
		S: A4 OK done
		C: A5 UID FETCH 1 (UID FLAGS INTERNALDATE BODY.PEEK[])
		S: * 1 FETCH (UID 1 FLAGS () BODY[] {2}\r\nb1)
		S: A5 OK done`)
	got, err := fetch(t, d, "INBOX", remote.PartText, "5.1", "5.2", "5.3")
	if err != nil || len(got) != 2 || string(got["5.1"].Raw) != "b1" || string(got["5.2"].Raw) != "b2" {
		t.Errorf("got %+v, %v", got, err)
	}
}
