package imap

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"outpost/internal/format"
	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/imap/wire"
	"outpost/test/servers"
)

func structure(t testing.TB, text string) (*node, bool) {
	t.Helper()
	v, whole := wire.NewDecoder(strings.NewReader(text+"\r\n"), wire.Limits{}).Value()
	if !whole {
		return nil, false
	}
	return parseStructure(v)
}

// RFC 9051 7.5.2, and what servers make of it
func TestStructuresAreRead(t *testing.T) {
	for text, want := range map[string]string{
		`("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 2279 48)`:                                                                         "1 text/plain 7bit 2279",
		`("APPLICATION" "PDF" NIL "<id>" "desc" "BASE64" 100 NIL ("ATTACHMENT" ("FILENAME" "=?utf-8?q?=C3=BC?=.pdf")) NIL "loc" "future" (1 2))`: "1 application/pdf base64 100 \u00fc.pdf",
		`(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)("IMAGE" "PNG" ("NAME" "a.png") "<c@x>" NIL "BASE64" 9) "MIXED" ("BOUNDARY" "x") NIL NIL)`:      "1 text/plain 7bit 1, 2 image/png base64 9 a.png inline",
		`((("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)("TEXT" "HTML" NIL NIL NIL "7BIT" 1 1) "ALTERNATIVE")("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 500 ("d" "s" NIL NIL NIL NIL NIL NIL NIL NIL) (("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1) "MIXED") 9 NIL ("ATTACHMENT" ("filename*0*" "utf-8''a%20" "filename*1" "b.eml"))) "MIXED")`: "1.1 text/plain 7bit 1, 1.2 text/html 7bit 1, 2 message/rfc822 7bit 500 a b.eml",
		`(("TEXT" "HTML" NIL NIL NIL "7BIT" 1 1)("IMAGE" "GIF" NIL NIL NIL "BASE64" 9) "RELATED")`: "1 text/html 7bit 1, 2 image/gif base64 9 inline",
		`("MESSAGE" "RFC822" NIL NIL NIL "BASE64" 500 NIL ("ATTACHMENT" ("FILENAME" "x.eml")))`:    "1 message/rfc822 base64 500 x.eml",
		`NIL`:                           "broken",
		`()`:                            "broken",
		`("TEXT" "PLAIN")`:              "broken",
		`(NIL NIL NIL NIL NIL NIL NIL)`: "broken",
		`("TEXT" "PLAIN" NIL NIL NIL "7BIT" "many" 1)`:                             "broken",
		`(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1))`:                                "broken",
		`(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)(NIL "MIXED") "MIXED")`:           "broken",
		`(` + strings.Repeat(`("A" "B" NIL NIL NIL "7BIT" 1)`, 1001) + ` "MIXED")`: "broken",
	} {
		n, ok := structure(t, text)
		got := "broken"
		if ok {
			var parts []string
			for _, p := range n.parts() {
				s := fmt.Sprint(p.Path, " ", p.Type, " ", p.Encoding, " ", p.Size)
				if p.Name != "" {
					s += " " + p.Name
				}
				if p.Inline {
					s += " inline"
				}
				parts = append(parts, s)
			}
			got = strings.Join(parts, ", ")
		}
		if got != want {
			t.Errorf("%.200s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestTheTextIsThatOfTheWholeMessage(t *testing.T) {
	n, ok := structure(t, `((("TEXT" "PLAIN" ("CHARSET" "iso-8859-1" "FORMAT" "flowed") NIL NIL "QUOTED-PRINTABLE" 30 1)("TEXT" "HTML" NIL NIL NIL "7BIT" 9 1) "ALTERNATIVE")("TEXT" "PLAIN" ("NAME" "a\"b\\c.txt") NIL NIL "7BIT" 3 1)("TEXT" "HTML" ("CHARSET" "utf-8") NIL NIL "BASE64" 20 1) "MIXED")`)
	if !ok {
		t.Fatal("broken")
	}
	var paths []string
	for _, x := range n.texts() {
		paths = append(paths, x.path)
	}
	if got := strings.Join(paths, " "); got != "1.1 3" {
		t.Fatalf("to be read: %s", got)
	}
	got := n.text(map[string][]byte{"1.1": []byte("Gr=FC=DFe --outpost=x \r\nweiter"), "3": []byte("PGI+ZmV0dDwvYj4=")})
	if want := "Gr\u00fc\u00dfe --outpost=x weiter\n\nfett"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// corpus finds the folder of sample items beside the checkout, or where OUTPOST_CORPUS says.
func corpus(t *testing.T, kind string) []string {
	t.Helper()
	dir := os.Getenv("OUTPOST_CORPUS")
	if dir == "" {
		at, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for ; at != filepath.Dir(at); at = filepath.Dir(at) {
			if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
				break
			}
		}
		dir = filepath.Join(filepath.Dir(at), "shared", "corpus")
	}
	files, err := filepath.Glob(filepath.Join(dir, kind, "*"))
	if err != nil || len(files) == 0 {
		t.Skipf("no sample items in %s: set OUTPOST_CORPUS to their folder", filepath.Join(dir, kind))
	}
	return files
}

// Whatever mail it is, a real server gives it back as it was, and the text read in parts is the text of the whole.
func TestSampleMailComesBackWholeAndInParts(t *testing.T) {
	files := corpus(t, "mime")
	onServers(t, func(t *testing.T, s *servers.Server) {
		d := connect(t, endpoint(s, s.NewUser(t)), Options{})
		inbox := folderAt(t, d, "INBOX")
		var items []remote.NewItem
		for _, f := range files {
			if raw, err := os.ReadFile(f); err == nil && len(raw) > 0 && len(raw) < 5<<20 {
				items = append(items, remote.NewItem{Media: groupware.MediaMessage, Raw: raw})
			}
		}
		byID := map[string][]byte{}
		var ids []string
		refused := 0
		if err := d.Create(t.Context(), inbox.ID, items, func(i int, c remote.Created, err error) error {
			if err != nil {
				refused++
				return nil
			}
			byID[c.ID] = networkLines(items[i].Raw)
			ids = append(ids, c.ID)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		whole, err := fetch(t, d, inbox.ID, remote.PartWhole, ids...)
		if err != nil {
			t.Fatal(err)
		}
		partly, err := fetch(t, d, inbox.ID, remote.PartText, ids...)
		if err != nil {
			t.Fatal(err)
		}
		partial, same := 0, 0
		for _, id := range ids {
			w, p := whole[id], partly[id]
			if !bytes.Equal(w.Raw, byID[id]) {
				t.Errorf("%s: %d bytes of %d came back", id, len(w.Raw), len(byID[id]))
			}
			if p.Partial == nil {
				if !bytes.Equal(p.Raw, w.Raw) {
					t.Errorf("%s: read by text it has %d bytes, whole %d (%v)", id, len(p.Raw), len(w.Raw), p.Err)
				}
				continue
			}
			partial++
			if !bytes.HasPrefix(w.Raw, bytes.TrimSuffix(p.Partial.Header, []byte("\r\n"))) {
				t.Errorf("%s: the header is not the message's beginning", id)
			}
			if want := format.Derive(groupware.MediaMessage, w.Raw).Text; strings.TrimSpace(p.Partial.Text) == strings.TrimSpace(want) {
				same++
			} else {
				t.Logf("%s: text is %.300q\nwhole %.300q", id, p.Partial.Text, want)
			}
		}
		t.Logf("%d stored, %d refused, %d read in parts, %d of them with the same text", len(ids), refused, partial, same)
		if same < partial*9/10 {
			t.Errorf("only %d of %d have the same text", same, partial)
		}
	})
}

func FuzzStructure(f *testing.F) {
	f.Add(`(("TEXT" "PLAIN" ("CHARSET" "x") NIL NIL "7BIT" 1 1)("IMAGE" "PNG" NIL "<c@x>" NIL "BASE64" 9 NIL ("INLINE" NIL)) "MIXED" ("BOUNDARY" "x"))`, []byte("text"))
	f.Add(`("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 500 (NIL) (NIL) 9)`, []byte("--outpost"))
	f.Fuzz(func(t *testing.T, s string, body []byte) {
		n, ok := structure(t, s)
		if !ok {
			return
		}
		n.readWhole()
		paths := map[string]bool{}
		for _, p := range n.parts() {
			if paths[p.Path] || p.Path == "" {
				t.Errorf("path %q twice", p.Path)
			}
			paths[p.Path] = true
		}
		bodies := map[string][]byte{}
		for _, x := range n.texts() {
			bodies[x.path] = body
			if !paths[x.path] {
				t.Errorf("text %q is no part", x.path)
			}
		}
		n.text(bodies)
	})
}

// FuzzAnswers feeds what a server might say to everything that reads answers.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte("* 1 FETCH (UID 1 FLAGS (\\Seen x) INTERNALDATE \" 2-Mar-2026 09:30:05 +0100\" BODY[] {3}\r\nabc)\r\n* VANISHED (EARLIER) 1:3\r\nA1 OK [COPYUID 1 2 3] done\r\n"))
	f.Add([]byte("* LIST (\\Sent) \"/\" \"a\"\r\n* STATUS a (MESSAGES 1 MAILBOXID (x))\r\n* ESEARCH (TAG \"A1\") UID ALL 1:5\r\n* SEARCH 1 2\r\n* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n+ go\r\n"))
	f.Add([]byte("* 3 EXISTS\r\n* 1 EXPUNGE\r\n* MYRIGHTS a lrs\r\n* STATUS a (HIGHESTMODSEQ 3)\r\n* LIST () \"/\" b (\"OLDNAME\" (c))\r\n* OK [NOTIFICATIONOVERFLOW] x\r\n* BYE Suggested Backoff Time: 1 milliseconds\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		near := newMemoryConn(data)
		c := &client{timeout: 1e9, limits: wire.Limits{Line: 10000, Literal: 10000}, mask: map[string]bool{}, enabled: map[string]bool{}, flags: map[string]groupware.Flags{}}
		c.raw = near
		c.attach(near)
		c.sel = &selection{spelling: map[string]string{}}
		d := &Driver{c: c}
		defer c.with(&handler{
			fetch: func(f *fetchData) error {
				if n, ok := parseStructure(f.Structure); ok {
					n.parts()
				}
				return nil
			},
			vanished:  func(r wire.Range) error { return nil },
			search:    func(wire.Range) {},
			list:      func(l listed) { d.place(l) },
			status:    func(string, status) {},
			namespace: d.setNamespaces,
			rights:    func(_, r string) { mailbox{rights: r}.readOnly() },
			code:      func(co code) { copyUID(co.arg); appendUID(co) },
		})()
		read := func(c *client) {
			c.pending = append(c.pending, &command{tag: "A1", doing: "fuzz"})
			for range 1000 {
				if _, _, err := c.step(); err != nil {
					return
				}
			}
		}
		read(c)
		// The same as news, of a folder that is selected and of all.
		for _, sel := range []*selection{{folder: "x", spelling: map[string]string{}}, nil} {
			near := newMemoryConn(data)
			c := &client{timeout: 1e9, limits: wire.Limits{Line: 10000, Literal: 10000}, enabled: map[string]bool{}, flags: map[string]groupware.Flags{}, sel: sel, raw: near}
			c.attach(near)
			n := (&Driver{c: c, boxes: map[string]mailbox{"a": {wire: "a"}}}).newsOf([]string{"a"}, func(string) {})
			defer c.with(&n.handler)()
			read(c)
			n.tell()
		}
	})
}
