package company

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"image/png"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/teambition/rrule-go"
	"golang.org/x/text/encoding/htmlindex"
)

// days are those on which the company could look odd: a working afternoon, an early morning, a weekend, a change of clocks,
// the end of a year.
func days() []time.Time {
	return []time.Time{
		time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC), time.Date(2026, 11, 25, 3, 2, 0, 0, time.UTC), time.Date(2026, 11, 22, 3, 2, 0, 0, time.UTC),
		time.Date(2027, 3, 29, 9, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 30, 0, 0, time.UTC), time.Date(2028, 2, 29, 23, 59, 0, 0, time.UTC),
	}
}

func TestTheCompanyIsTheSameForTheSameDay(t *testing.T) {
	a, err := New(days()[0])
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(days()[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range a.Mail {
		if !bytes.Equal(a.Mail[i].Raw, b.Mail[i].Raw) {
			t.Fatalf("mail %d differs:\n%s\n%s", i, a.Mail[i].Raw, b.Mail[i].Raw)
		}
	}
	for i, c := range a.Collections {
		for k, r := range c.Resources {
			if !bytes.Equal(r.Raw, b.Collections[i].Resources[k].Raw) {
				t.Fatalf("%s differs", r.Name)
			}
		}
	}
}

func TestThereIsEnoughToBrowse(t *testing.T) {
	c, err := New(days()[0])
	if err != nil {
		t.Fatal(err)
	}
	folders, unread := map[string]int{}, 0
	charsets := map[string]int{}
	for _, m := range c.Mail {
		folders[m.Folder]++
		for _, cs := range []string{"iso-8859-1", "windows-1250", "windows-1252", "windows-1256", "iso-2022-jp", "gbk", "utf-8"} {
			if bytes.Contains(m.Raw, []byte("charset="+cs)) {
				charsets[cs]++
			}
		}
		if m.Folder == "INBOX" && !strings.Contains(strings.Join(m.Flags, " "), `\Seen`) {
			unread++
		}
	}
	if len(c.Mail) < 250 || len(c.Mail) > 450 || folders["INBOX"] < 25 || folders["Sent"] < 25 || folders["Drafts"] == 0 || len(folders) < 20 || unread < 5 {
		t.Errorf("%d mails in %v, %d unread", len(c.Mail), folders, unread)
	}
	if len(charsets) != 7 {
		t.Errorf("charsets: %v", charsets)
	}
	items := map[string]int{}
	for _, col := range c.Collections {
		items[col.Name] = len(col.Resources)
	}
	for name, least := range map[string]int{"calendar": 18, "team": 14, "tasks": 14, "notes": 9, "contacts": 25} {
		if items[name] < least {
			t.Errorf("%s has %d items", name, items[name])
		}
	}
}

func TestTheCompanyIsWellFormedOnOddDays(t *testing.T) {
	for _, now := range days() {
		c, err := New(now)
		if err != nil {
			t.Fatal(err)
		}
		checkCollections(t, c)
		ids := map[string]bool{}
		for _, m := range c.Mail {
			if m.Received.After(now) || m.Received.Before(now.AddDate(0, -8, 0)) {
				t.Errorf("%s is received at %v, seen from %v", firstLines(m.Raw), m.Received, now)
			}
			for line := range bytes.Lines(m.Raw) {
				if !bytes.HasSuffix(line, []byte("\r\n")) || len(line) > 1000 || bytes.Count(line, []byte("\r")) != 1 {
					t.Fatalf("bad line %q in\n%s", line, firstLines(m.Raw))
				}
			}
			msg, err := mail.ReadMessage(bytes.NewReader(m.Raw))
			if err != nil {
				t.Fatalf("%v: %s", err, firstLines(m.Raw))
			}
			for _, h := range []string{"From", "To"} {
				if _, err := msg.Header.AddressList(h); err != nil {
					t.Errorf("%s: %v in %s", h, err, firstLines(m.Raw))
				}
			}
			if _, err := msg.Header.Date(); err != nil {
				t.Error(err)
			}
			id := msg.Header.Get("Message-ID")
			if ids[id] || id == "" {
				t.Errorf("Message-ID %q again", id)
			}
			ids[id] = true
			checkPart(t, msg.Header.Get("Content-Type"), msg.Header.Get("Content-Transfer-Encoding"), "", msg.Body)
			if bytes.Contains(m.Raw, []byte("{d ")) || bytes.Contains(m.Raw, []byte("{wd ")) {
				t.Errorf("a date was not filled in: %s", firstLines(m.Raw))
			}
		}
	}
}

func firstLines(raw []byte) string { return string(raw[:min(len(raw), 400)]) }

// checkPart reads a part as a mail program would.
func checkPart(t *testing.T, contentType, encoding, name string, r io.Reader) {
	t.Helper()
	typ, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatalf("%q: %v", contentType, err)
	}
	if strings.HasPrefix(typ, "multipart/") {
		mr := multipart.NewReader(r, params["boundary"])
		n := 0
		for {
			p, err := mr.NextRawPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			n++
			checkPart(t, p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p.FileName(), p)
		}
		if n < 2 {
			t.Errorf("%s with %d parts", typ, n)
		}
		return
	}
	switch encoding {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", typ, err)
	}
	switch {
	case strings.HasPrefix(typ, "text/"):
		e, err := htmlindex.Get(params["charset"])
		if err != nil {
			t.Fatal(err)
		}
		s, err := e.NewDecoder().String(string(b))
		if err != nil || !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) {
			t.Errorf("%s is not in %s: %v %.200q", typ, params["charset"], err, s)
		}
	case typ == "image/png":
		if _, err := png.Decode(bytes.NewReader(b)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	case typ == "application/pdf":
		checkPDF(t, name, string(b))
	default:
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil || z.File[0].Name != "mimetype" || z.File[0].Method != zip.Store {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// checkPDF checks that the cross-reference table points at the objects.
func checkPDF(t *testing.T, name, s string) {
	t.Helper()
	_, after, _ := strings.Cut(s, "startxref\n")
	var xref, objects int
	if _, err := fmt.Sscan(after, &xref); err != nil || !strings.HasPrefix(s[xref:], "xref\n0 ") {
		t.Fatalf("%s: startxref %d", name, xref)
	}
	fmt.Sscanf(s[xref:], "xref\n0 %d", &objects)
	lines := strings.Split(s[xref:], "\n")[3:]
	for i := 1; i < objects; i++ {
		var at int
		fmt.Sscanf(lines[i-1], "%d", &at)
		if !strings.HasPrefix(s[at:], fmt.Sprintf("%d 0 obj\n", i)) {
			t.Errorf("%s: object %d is not at %d", name, i, at)
		}
	}
}

// A rule whose first occurrence is not the event's own start is read differently by every program (RFC 5545 3.8.5.3), and what
// an exception replaces must be an occurrence.
func checkCollections(t *testing.T, c Company) {
	t.Helper()
	for _, col := range c.Collections {
		for _, r := range col.Resources {
			if col.Kind == "calendar" {
				checkSeries(t, r)
			}
			for line := range bytes.Lines(r.Raw) {
				if !bytes.HasSuffix(line, []byte("\r\n")) || len(line) > 77 || !utf8.Valid(line) {
					t.Errorf("%s has the line %q", r.Name, line)
				}
			}
		}
	}
}

func checkSeries(t *testing.T, r Resource) {
	t.Helper()
	var rule, start string
	var replaced []string
	events := 0
	for line := range strings.SplitSeq(string(r.Raw), "\r\n") {
		name, v, _ := strings.Cut(line, ":")
		name, _, _ = strings.Cut(name, ";")
		switch {
		case line == "BEGIN:VEVENT":
			events++
		case name == "RRULE" && events == 1:
			rule = v
		case name == "DTSTART" && events == 1:
			start = v
		case name == "EXDATE" || name == "RECURRENCE-ID":
			replaced = append(replaced, v)
		}
	}
	if rule == "" {
		return
	}
	at := func(s string) time.Time {
		tm, err := time.Parse("20060102T150405", s)
		if err != nil {
			if tm, err = time.Parse("20060102", s); err != nil {
				t.Fatal(err)
			}
		}
		return tm
	}
	o, err := rrule.StrToROption(rule)
	if err != nil {
		t.Fatal(err)
	}
	o.Dtstart = at(start)
	rr, err := rrule.NewRRule(*o)
	if err != nil {
		t.Fatal(err)
	}
	if first := rr.After(at(start), true); !first.Equal(at(start)) {
		t.Errorf("%s begins at %s, its rule %s at %v", r.Name, start, rule, first)
	}
	for _, x := range replaced {
		if d := at(x); !rr.After(d, true).Equal(d) {
			t.Errorf("%s: %s is no occurrence of %s from %s", r.Name, x, rule, start)
		}
	}
}
