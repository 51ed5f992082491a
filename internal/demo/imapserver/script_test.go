package imapserver

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"outpost/internal/demo/mailstore"
)

func newStore(t testing.TB) *mailstore.Store {
	t.Helper()
	s := mailstore.New(func() time.Time { return time.Unix(1700000000, 0).UTC() }, nil)
	s.AddUser("mara@x.example", "Mara", "secret")
	return s
}

// conversations are the connections of one script, by letter.
type conversations struct {
	t     *testing.T
	l     net.Listener
	conns map[byte]*conversation
}

type conversation struct {
	net.Conn
	r *bufio.Reader
}

func (c *conversations) get(who byte) *conversation {
	if c.conns[who] == nil {
		conn, err := net.Dial("tcp", c.l.Addr().String())
		if err != nil {
			c.t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		c.conns[who] = &conversation{conn, bufio.NewReader(conn)}
	}
	return c.conns[who]
}

// TestScripts plays the sessions in testdata/*.imap. "A> " is what client A sends, "A< " what it must be answered, "#" a
// comment, "!mask X" takes a capability away from connections made later. A line that ends in "..." must only begin so; "A> " text
// that ends in "{" + "}" announces a literal whose bytes are the following lines.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.imap")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".imap"), func(t *testing.T) {
			script, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			play(t, string(script))
		})
	}
}

func play(t *testing.T, script string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := New(Options{Store: newStore(t)})
	go srv.Serve(l)
	defer srv.CloseConns()
	defer l.Close()
	c := &conversations{t, l, map[byte]*conversation{}}
	for n, line := range strings.Split(script, "\n") {
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "!mask "):
			srv.Mask(strings.Fields(line)[1:]...)
		case len(line) > 2 && line[1] == '>':
			if _, err := io.WriteString(c.get(line[0]), line[3:]+"\r\n"); err != nil {
				t.Fatal(err)
			}
		case len(line) > 2 && line[1] == '<':
			got, err := c.get(line[0]).r.ReadString('\n')
			if err != nil {
				t.Fatalf("line %d: %q expected, but %v", n+1, line[3:], err)
			}
			got = strings.TrimSuffix(got, "\r\n")
			want, prefix := strings.CutSuffix(line[3:], "...")
			if got != want && !(prefix && strings.HasPrefix(got, want)) {
				t.Fatalf("line %d:\n got %s\nwant %s", n+1, got, line[3:])
			}
		default:
			t.Fatalf("line %d is no script: %s", n+1, line)
		}
	}
}

func TestSearchMatchesPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "A/B", true}, {"%", "A/B", false}, {"%", "A", true}, {"A/%", "A/B", true}, {"A/%", "A/B/C", false}, {"A*C", "A/B/C", true},
		{"inbox", "INBOX", true}, {"", "A", false}, {"A%", "A/B", false}, {"%/%", "A/B", true},
	} {
		if got := matches(c.pattern, c.name); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.name, got)
		}
	}
}

func TestMailboxNamesSurviveModifiedUTF7(t *testing.T) {
	for name, enc := range map[string]string{"Entwürfe": "Entw&APw-rfe", "A&B": "A&-B", "日本語": "&ZeVnLIqe-", "📁 x": "&2D3cwQ- x"} {
		if got := encodeUTF7(name); got != enc {
			t.Errorf("%s is %s", name, got)
		}
		if got, ok := decodeUTF7(enc); !ok || got != name {
			t.Errorf("%s is %s", enc, got)
		}
	}
	for _, bad := range []string{"&", "&AA-", "&!!-"} {
		if got, ok := decodeUTF7(bad); ok {
			t.Errorf("%q was taken as %q", bad, got)
		}
	}
}

func TestAddressesAreReadAsTheyAreWritten(t *testing.T) {
	for in, want := range map[string]string{
		`Ann <a@b.example>`:                        `(("Ann" NIL "a" "b.example"))`,
		`"Doe, Ann" <a@b.example>, c@d.example`:    `(("Doe, Ann" NIL "a" "b.example")(NIL NIL "c" "d.example"))`,
		`=?utf-8?q?J=C3=B6rg?= <j@b.example> (hi)`: `(("=?utf-8?q?J=C3=B6rg?=" NIL "j" "b.example"))`,
		`undisclosed-recipients:;`:                 `((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL))`,
		`Team: a@x.example, "B" <b@x.example>;`:    `((NIL NIL "Team" NIL)(NIL NIL "a" "x.example")("B" NIL "b" "x.example")(NIL NIL NIL NIL))`,
		``:                                         `NIL`,
		`<@relay.example:a@b.example>`:             `((NIL NIL "a" "b.example"))`,
	} {
		var o out
		o.addresses(parseAddresses(in))
		if o.String() != want {
			t.Errorf("%s\n got %s\nwant %s", in, o.String(), want)
		}
	}
}

// Whatever a client sends: no panic, and what is sent back is bounded.
func FuzzSession(f *testing.F) {
	for _, s := range []string{
		"a SELECT INBOX\r\nb FETCH 1:* (FLAGS BODY.PEEK[1.2.HEADER.FIELDS (From \"To\")]<1.2> ENVELOPE BODYSTRUCTURE)\r\n",
		"a SELECT INBOX (QRESYNC (1700000001 1 1:9 (1,2 3:4)))\r\nb UID SEARCH RETURN (ALL COUNT) OR (SEEN NOT TO x) 2:* SINCE 1-Jan-2020\r\n",
		"a APPEND INBOX (\\Seen k) \" 1-Jan-2020 00:00:00 +0000\" {3+}\r\nabc\r\nb LIST (SUBSCRIBED) \"\" (a \"%\") RETURN (STATUS (MESSAGES))\r\n",
		"a SELECT INBOX\r\nb UID STORE 1,5:* (UNCHANGEDSINCE 3) -FLAGS.SILENT \\Seen\r\nc MOVE 1 Trash\r\nd IDLE\r\nDONE\r\n",
		"a CREATE \"a/b\" (USE (\\Sent))\r\nb RENAME a INBOX/c\r\nc STATUS INBOX/c (SIZE)\r\nd ENABLE QRESYNC IMAP4rev2\r\n",
		"a NOTIFY SET STATUS (selected (MessageNew (UID BODY.PEEK[]) MessageExpunge)) (subtree (a \"b\") (MailboxName)) (personal NONE)\r\nb SELECT INBOX\r\n",
	} {
		f.Add([]byte(s), []byte("From: a\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: message/rfc822\r\n\r\nTo: b\r\n\r\nc\r\n--x--\r\n"))
	}
	f.Fuzz(func(t *testing.T, in, body []byte) {
		store := newStore(t)
		u := store.User("mara@x.example")
		b, err := u.Mailbox("INBOX")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.Append([]string{`\Seen`}, time.Time{}, body); err != nil {
			t.Fatal(err)
		}
		srv := New(Options{Store: store})
		client, server := net.Pipe()
		go func() {
			client.Write(append([]byte("x LOGIN mara@x.example secret\r\n"), in...))
			client.Write([]byte("\r\ny LOGOUT\r\n"))
			client.Close()
		}()
		go io.Copy(io.Discard, client)
		srv.serveConn(server)
	})
}

func FuzzStructure(f *testing.F) {
	f.Add([]byte("From: a\r\nContent-Type: multipart/mixed; boundary=\"x\"\r\n\r\n--x\r\n\r\na\r\n--x\r\nContent-Type: multipart/digest; boundary=y\r\n\r\n--y\r\n\r\nS: t\r\n\r\nz\r\n--y--\r\n--x--\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := parseMessage(raw)
		if !bytes.Equal(append(bytes.Clone(p.header), p.body...), raw) {
			t.Fatal("header and body are not the message")
		}
		var o out
		o.bodyStructure(p, true)
		o.envelope(p)
		p.contains("x", true)
	})
}
