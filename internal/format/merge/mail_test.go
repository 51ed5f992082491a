package merge

import (
	"strings"
	"testing"

	"outpost/internal/format"
	gw "outpost/internal/groupware"
	"time"
)

const draftMail = `
From: Anna <anna@example.org>
To: Ben <ben@example.org>
Subject: Report
Date: Mon, 02 Mar 2026 09:00:00 +0100
Message-ID: <1@example.org>
X-Flavour: mild
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Dear Ben,
the report follows.
`

// withFiles is draftMail with attachments of these contents, each named after it.
func withFiles(text string, contents ...string) string {
	s := strings.Replace(strings.Split(draftMail, "Content-Type")[0], "\nFrom", "From", 1) + "Content-Type: multipart/mixed; boundary=\"b\"\n\n--b\nContent-Type: text/plain; charset=utf-8\n\n" + text
	for _, c := range contents {
		s += "\n--b\nContent-Type: application/octet-stream; name=\"" + c + ".bin\"\nContent-Disposition: attachment; filename=\"" + c + ".bin\"\n\n" + c
	}
	return s + "\n--b--\n"
}

func TestADraftMergesItsHeaderFields(t *testing.T) {
	local := edit(t, draftMail, "Subject: Report", "Subject: The report", "Date: Mon, 02", "Date: Wed, 04", "<1@", "<2@")
	remote := edit(t, draftMail, "To: Ben <ben@example.org>", "to:  Ben <BEN@example.org>,\n  cleo@example.org", "Date: Mon, 02", "Date: Tue, 03", "<1@", "<3@", "X-Flavour: mild\n", "")
	merges(t, gw.MediaMessage, draftMail, local, remote, edit(t, remote, "Subject: Report", "Subject: The report", "Date: Tue, 03", "Date: Wed, 04"))
	collides(t, gw.MediaMessage, draftMail, local, edit(t, draftMail, "Subject: Report", "Subject: A report"), "header: Subject")
}

func TestAFieldAddedToADraftIsTakenOver(t *testing.T) {
	local := edit(t, draftMail, "X-Flavour", "Cc: dan@example.org\nX-Flavour")
	remote := edit(t, draftMail, "the report follows", "it follows")
	got, clashes := Merge(gw.MediaMessage, crlf(draftMail), crlf(local), crlf(remote))
	if want := edit(t, remote, "8bit\n", "8bit\nCc: dan@example.org\n"); string(got) != string(crlf(want)) {
		t.Errorf("%+v\n%s", clashes, got)
	}
}

func TestTheTextOfADraftIsOneThing(t *testing.T) {
	local := edit(t, draftMail, "the report follows", "here it is")
	collides(t, gw.MediaMessage, draftMail, local, edit(t, draftMail, "Dear Ben", "Hi Ben"), "text: Text")
	merges(t, gw.MediaMessage, draftMail, local, edit(t, draftMail, "Report", "The report"), edit(t, local, "Report", "The report"))
}

func TestTheSameTextInAnotherEncodingIsNoChange(t *testing.T) {
	remote := strings.Replace(edit(t, draftMail, "8bit", "quoted-printable", "the report", "the=20report"), "\n", "", 1)
	local := edit(t, draftMail, "the report follows", "here it is")
	got, clashes := Merge(gw.MediaMessage, crlf(draftMail), crlf(local), crlf(remote))
	if string(got) != string(crlf(local)) {
		t.Errorf("%+v\n%s", clashes, got)
	}
}

func TestAttachmentsAddedOnBothSidesAreBothThere(t *testing.T) {
	base := withFiles("Hello", "one", "two")
	local := withFiles("Hello", "two", "three")
	remote := withFiles("Hello Ben", "one", "two", "four")
	for _, sides := range [][2]string{{local, remote}, {remote, local}} {
		got, clashes := Merge(gw.MediaMessage, crlf(base), crlf(sides[0]), crlf(sides[1]))
		if len(clashes) > 0 {
			t.Fatalf("%+v", clashes)
		}
		var names []string
		for _, p := range format.Leaves(got) {
			names = append(names, p.Type+" "+p.Name)
			if p.Type == "text/plain" {
				if _, content, err := format.Content(got, p.Path); err != nil || string(content) != "Hello Ben" {
					t.Errorf("the text is %q %v", content, err)
				}
			} else if _, content, err := format.Content(got, p.Path); err != nil || string(content)+".bin" != p.Name {
				t.Errorf("%s holds %q %v", p.Name, content, err)
			}
		}
		a, b := "three", "four"
		if sides[0] == remote {
			a, b = b, a
		}
		if got := strings.Join(names, "\n"); got != "text/plain \napplication/octet-stream two.bin\napplication/octet-stream "+b+".bin\napplication/octet-stream "+a+".bin" {
			t.Errorf("the parts are\n%s", got)
		}
	}
}

func TestAnAttachmentHereAndATextChangedThereAreBothInTheDraft(t *testing.T) {
	local := withFiles("Dear Ben,\nthe report follows.", "report")
	remote := edit(t, draftMail, "Dear Ben", "Hi Ben", "X-Flavour: mild", "X-Flavour: hot")
	for _, sides := range [][2]string{{local, remote}, {remote, local}} {
		got, clashes := Merge(gw.MediaMessage, crlf(draftMail), crlf(sides[0]), crlf(sides[1]))
		if len(clashes) > 0 {
			t.Fatalf("%+v", clashes)
		}
		leaves := format.Leaves(got)
		if len(leaves) != 2 || leaves[1].Name != "report.bin" || !strings.Contains(string(got), "X-Flavour: hot\r\n") {
			t.Fatalf("%+v\n%s", leaves, got)
		}
		if _, text, err := format.Content(got, leaves[0].Path); err != nil || strings.TrimSpace(string(text)) != "Hi Ben,\nthe report follows." {
			t.Errorf("%q %v", text, err)
		}
	}
}

func TestTheLastAttachmentTakenOutLeavesTheTextAsItIsWritten(t *testing.T) {
	base := withFiles("Hello", "one")
	got, clashes := Merge(gw.MediaMessage, crlf(base), crlf(withFiles("Hello")), crlf(withFiles("Hello you", "one")))
	if leaves := format.Leaves(got); len(clashes) > 0 || len(leaves) != 1 || !strings.HasSuffix(string(got), "\r\n\r\nHello you\r\n") {
		t.Errorf("%+v %+v\n%s", clashes, leaves, got)
	}
}

func TestANoteThatIsAMessageMergesTitleAndText(t *testing.T) {
	const journal = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VJOURNAL\nUID:n\nDTSTAMP:20260302T080000Z\nSUMMARY:List\nDESCRIPTION:eggs\nX-PAPER:yellow\nEND:VJOURNAL\nEND:VCALENDAR\n"
	note := func(pairs ...string) []byte {
		raw, err := format.MessageFromNote(crlf(edit(t, journal, pairs...)), "anna@example.org", time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	got, clashes := Merge(gw.MediaMessage, note(), note("List", "Shopping"), note("eggs", "eggs and milk", "yellow", "green"))
	if want := crlf(edit(t, journal, "List", "Shopping", "eggs", "eggs and milk", "yellow", "green")); string(format.NoteFromMessage(got)) != string(want) || len(format.Leaves(got)) != 2 {
		t.Errorf("%+v\n%s\n%s", clashes, format.NoteFromMessage(got), got)
	}
	got, clashes = Merge(gw.MediaMessage, note(), note("List", "Shopping"), note("List", "To buy"))
	if got != nil || len(clashes) != 1 || clashes[0].Property != "Subject" {
		t.Errorf("%+v", clashes)
	}
}

func TestASignedDraftIsTakenAsAWhole(t *testing.T) {
	signed := func(text, sig string) string {
		return strings.Split(draftMail, "Content-Type")[0] + "Content-Type: multipart/signed; boundary=s\n\n--s\n\n" + text + "\n--s\nContent-Type: application/pgp-signature\n\n" + sig + "\n--s--\n"
	}
	base, local := signed("a", "1"), signed("b", "2")
	merges(t, gw.MediaMessage, base, local, edit(t, base, "Report", "The report"), edit(t, local, "Report", "The report"))
	collides(t, gw.MediaMessage, base, local, signed("c", "3"), "text: Text")
}
