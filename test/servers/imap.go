package servers

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// IMAP is a connection that knows nothing but lines and literals: enough to load a mailbox, to change it behind
// Outpost's back, and to measure what the wire can carry.
type IMAP struct {
	conn net.Conn
	r    *bufio.Reader
	tag  int
}

// idle bounds every wait for the server. The first BODYSTRUCTURE of a folder takes Dovecot minutes.
const imapPatience = 10 * time.Minute

// DialIMAP logs a user in, without TLS.
func (s *Server) DialIMAP(u User) (*IMAP, error) { return DialIMAP(s.IMAPAddr, u) }

// DialAdmin logs Cyrus' administrator in, who may create mailboxes for others.
func (s *Server) DialAdmin() (*IMAP, error) { return DialIMAP(s.IMAPAddr, User{"cyrus", Password}) }

// DialIMAP connects to host:port without TLS and logs in.
func DialIMAP(address string, u User) (*IMAP, error) {
	conn, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		return nil, err
	}
	c := &IMAP{conn: conn, r: bufio.NewReaderSize(conn, 256<<10)}
	conn.SetDeadline(time.Now().Add(imapPatience))
	greeting, err := c.line()
	if err == nil && !strings.HasPrefix(greeting, "* OK") {
		err = fmt.Errorf("%s greets with %q", address, greeting)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	if _, err := c.Command("LOGIN %s %s", Quote(u.Name), Quote(u.Password)); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// Quote makes a quoted string. RFC 3501 4.3
func Quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// Close logs out.
func (c *IMAP) Close() error {
	_, err := c.Command("LOGOUT")
	return errors.Join(err, c.conn.Close())
}

// line reads one line with the literals in it, without its end.
func (c *IMAP) line() (string, error) {
	var b strings.Builder
	for {
		part, err := c.r.ReadString('\n')
		b.WriteString(strings.TrimRight(part, "\r\n"))
		if err != nil {
			return b.String(), err
		}
		n, ok := literal(part)
		if !ok {
			return b.String(), nil
		}
		b.WriteString("\r\n")
		if _, err := io.CopyN(&b, c.r, n); err != nil {
			return b.String(), err
		}
	}
}

// literal finds the length of the literal that follows a line: {123}. RFC 3501 4.3
func literal(line string) (int64, bool) {
	line = strings.TrimRight(line, "\r\n")
	open := strings.LastIndexByte(line, '{')
	if open < 0 || !strings.HasSuffix(line, "}") {
		return 0, false
	}
	n, err := strconv.ParseInt(line[open+1:len(line)-1], 10, 64)
	return n, err == nil && n >= 0
}

func (c *IMAP) nextTag() string {
	c.tag++
	return "zq" + strconv.Itoa(c.tag)
}

// Command sends one command and returns the untagged lines of the answer.
func (c *IMAP) Command(format string, args ...any) ([]string, error) {
	tag := c.nextTag()
	command := fmt.Sprintf(format, args...)
	return c.exchange(tag, command, []byte(tag+" "+command+"\r\n"))
}

func (c *IMAP) exchange(tag, name string, request []byte) ([]string, error) {
	c.conn.SetDeadline(time.Now().Add(imapPatience))
	if _, err := c.conn.Write(request); err != nil {
		return nil, err
	}
	var lines []string
	for {
		l, err := c.line()
		if err != nil {
			return lines, fmt.Errorf("%s: %w", name, err)
		}
		rest, ok := strings.CutPrefix(l, tag+" ")
		if !ok {
			lines = append(lines, l)
			continue
		}
		if !strings.HasPrefix(rest, "OK") {
			return lines, fmt.Errorf("%s: the server says %s", name, rest)
		}
		return lines, nil
	}
}

// Discard sends one command and throws the answer away as it comes: what the wire and the server can do at most. It
// returns the answer's size.
func (c *IMAP) Discard(format string, args ...any) (int64, error) {
	tag := c.nextTag()
	command := fmt.Sprintf(format, args...)
	c.conn.SetDeadline(time.Now().Add(imapPatience))
	if _, err := io.WriteString(c.conn, tag+" "+command+"\r\n"); err != nil {
		return 0, err
	}
	var total int64
	buf := make([]byte, 256<<10)
	const keep = 1024 // longer than any tagged line
	end := "\n" + tag + " "
	have := copy(buf, "\n")
	for {
		n, err := c.r.Read(buf[have:])
		total += int64(n)
		have += n
		if err != nil {
			return total, fmt.Errorf("%s: %w", command, err)
		}
		tail := buf[max(0, have-keep):have]
		if at := bytes.LastIndex(tail, []byte(end)); at >= 0 && bytes.HasSuffix(tail, []byte("\r\n")) {
			if answer := string(tail[at+len(end) : len(tail)-2]); !strings.HasPrefix(answer, "OK") {
				return total, fmt.Errorf("%s: the server says %s", command, answer)
			}
			return total, nil
		}
		have = copy(buf, tail)
	}
}

// CreateMailbox makes a user's folder.
func (s *Server) CreateMailbox(u User, path string) error {
	c, err := s.DialIMAP(u)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Command("CREATE %s", Quote(path))
	return err
}

// Restrict takes from a user the rights to store, change and delete messages in a folder of theirs, as an administrator would;
// undo gives them back. RFC 4314 3.1
func (s *Server) Restrict(t testing.TB, u User, path string) (undo func()) {
	t.Helper()
	set := func(rights string) {
		t.Helper()
		var c *IMAP
		var err error
		name := path
		if s.Kind == CyrusIMAP {
			c, err = s.DialAdmin()
			local, domain, _ := strings.Cut(u.Name, "@")
			name = "user/" + local + "/" + path + "@" + domain
		} else {
			c, err = s.DialIMAP(u)
		}
		if err == nil {
			_, err = c.Command("SETACL %s %s %s", Quote(name), Quote(u.Name), rights)
			err = errors.Join(err, c.Close())
		}
		if err != nil {
			t.Error(err)
		}
	}
	set("lrskxa")
	return func() { set("lrswipkxtea") }
}

// greeted succeeds when an IMAP server greets.
func greeted(address string) error {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "* OK") {
		err = fmt.Errorf("%s greets with %q", address, line)
	}
	return err
}

// httpAnswers succeeds when an HTTP server answers anything.
func httpAnswers(url string) error {
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
