package imap

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"outpost/internal/remote"
)

// script plays a server from a transcript. Lines "S: " are sent, lines "C: " must come from the client, "CLOSE" ends the
// connection, "SILENCE" says nothing more. \r and \n stand for themselves within a line; literals of the client are part
// of its line. Behind the transcript the connection is closed when the client has.
func script(t *testing.T, transcript string) remote.Endpoint {
	t.Helper()
	var steps []string
	for _, l := range strings.Split(transcript, "\n") {
		if l = strings.TrimLeft(l, " \t"); l != "" {
			steps = append(steps, strings.NewReplacer(`\r`, "\r", `\n`, "\n", `\0`, "\x00").Replace(l))
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	played := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			played <- "nobody connected"
			return
		}
		defer conn.Close()
		played <- play(conn, steps)
	}()
	t.Cleanup(func() {
		l.Close()
		if wrong := <-played; wrong != "" {
			t.Error(wrong)
		}
	})
	return remote.Endpoint{URL: "imap://" + l.Addr().String() + "?tls=none", User: "anna", Password: "sesame street", Timeout: 5 * time.Second}
}

// play returns what went otherwise than the steps say.
func play(conn net.Conn, steps []string) string {
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	r := bufio.NewReader(conn)
	for i, step := range steps {
		switch what, line, _ := strings.Cut(step, ": "); what {
		case "S":
			if _, err := io.WriteString(conn, line+"\r\n"); err != nil {
				return "the client did not wait for " + step
			}
		case "C":
			got, err := commandLine(r, conn, strings.HasSuffix(line, "}") && !strings.HasSuffix(line, "+}"))
			if err != nil || got != line {
				return "step " + strconv.Itoa(i) + ": the client sent\n\t" + strconv.Quote(got) + "\nand not\n\t" + strconv.Quote(line)
			}
		case "CLOSE":
			return ""
		case "SILENCE":
		default:
			return "what does " + step + " mean?"
		}
	}
	rest, _ := io.ReadAll(r)
	if rest = bytes.TrimSpace(rest); len(rest) > 0 && !bytes.HasSuffix(rest, []byte("LOGOUT")) {
		return "behind the transcript the client sent " + strconv.Quote(string(rest))
	}
	return ""
}

// commandLine reads a line with the non-synchronising literals in it; a synchronising one ends it.
func commandLine(r *bufio.Reader, w io.Writer, stop bool) (string, error) {
	var out string
	for {
		l, err := r.ReadString('\n')
		out += l
		if err != nil {
			return out, err
		}
		l = strings.TrimSuffix(l, "\r\n")
		open := strings.LastIndexByte(l, '{')
		n, convErr := 0, error(nil)
		if open >= 0 && strings.HasSuffix(l, "+}") {
			n, convErr = strconv.Atoi(l[open+1 : len(l)-2])
		}
		if open < 0 || convErr != nil || !strings.HasSuffix(l, "+}") {
			return strings.TrimSuffix(out, "\r\n"), nil
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(r, b); err != nil {
			return out, err
		}
		out += string(b)
	}
}

// scripted connects to a script whose server has us signed in already, with these capabilities and two folders: INBOX
// and Work.
func scripted(t *testing.T, capabilities, transcript string) *Driver {
	t.Helper()
	d := connect(t, script(t, "S: * PREAUTH [CAPABILITY IMAP4rev1 "+capabilities+"] hello\n"+transcript), Options{})
	d.boxes = map[string]mailbox{}
	for _, name := range []string{"INBOX", "Work"} {
		m := d.named(mailbox{wire: name, delim: "/", attrs: map[string]bool{}, real: true}, name)
		m.id = name
		d.boxes[name] = m
	}
	d.delim = "/"
	return d
}

func wantKind(t *testing.T, err error, kind remote.ErrorKind, words string) {
	t.Helper()
	if err == nil || remote.KindOf(err) != kind || !strings.Contains(err.Error(), words) {
		t.Errorf("got error %v (%v), want %v with %q", err, remote.KindOf(err), kind, words)
	}
	if err != nil && strings.Contains(err.Error(), "sesame") {
		t.Errorf("the error shows the password: %v", err)
	}
}

// fetch reads ids of a folder.
func fetch(t *testing.T, d *Driver, folder string, part remote.Part, ids ...string) (map[string]remote.Fetched, error) {
	t.Helper()
	out := map[string]remote.Fetched{}
	err := d.Fetch(t.Context(), folder, ids, part, func(f remote.Fetched) error {
		if _, twice := out[f.ID]; twice {
			t.Errorf("%s came twice", f.ID)
		}
		out[f.ID] = f
		return nil
	})
	return out, err
}

// create stores one item.
func create(t *testing.T, d *Driver, folder string, item remote.NewItem) (out remote.Created, refused error) {
	t.Helper()
	err := d.Create(t.Context(), folder, []remote.NewItem{item}, func(_ int, c remote.Created, err error) error {
		out, refused = c, err
		return nil
	})
	if err != nil {
		return out, err
	}
	return out, refused
}

var errEnough = errors.New("enough")

// memoryConn is a connection whose other side has said all it says and listens to nothing.
type memoryConn struct {
	net.Conn
	r *bytes.Reader
}

func newMemoryConn(data []byte) *memoryConn { return &memoryConn{r: bytes.NewReader(data)} }

func (c *memoryConn) Read(p []byte) (int, error)       { return c.r.Read(p) }
func (c *memoryConn) Write(p []byte) (int, error)      { return len(p), nil }
func (c *memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }
func (c *memoryConn) Close() error                     { return nil }
