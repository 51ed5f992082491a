package smtp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"

	"outpost/internal/remote"
)

// Options says how to introduce oneself.
type Options struct {
	// LocalName is the name in EHLO; "" means localhost, which tells nothing about this computer.
	LocalName string
}

// Submitter is a signed-in connection. It is used by one goroutine at a time.
type Submitter struct {
	conn    net.Conn
	client  *gosmtp.Client
	host    string
	traffic remote.Traffic
	broken  bool // nothing more can be said on this connection
}

var _ remote.Submitter = (*Submitter)(nil)

// Connect opens a connection, protects it as the URL says, and signs in. Connect and Close together check an account.
func Connect(ctx context.Context, e remote.Endpoint, o Options) (*Submitter, error) {
	timeout := e.Timeout
	if timeout <= 0 {
		timeout = 60 * time.Second
	}
	s := &Submitter{}
	conn, host, security, err := e.Connect(ctx, "smtp", &s.traffic)
	if err != nil {
		return nil, err
	}
	s.conn, s.host = conn, host
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer s.closeWhenEnded(ctx)()
	if err := s.hello(e, security, o, timeout); err != nil {
		conn.Close()
		return nil, err
	}
	if err := s.signIn(e); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// closeWhenEnded closes the connection when ctx ends before the returned function is called: go-smtp knows no contexts.
func (s *Submitter) closeWhenEnded(ctx context.Context) (stop func()) {
	undo := context.AfterFunc(ctx, func() { s.conn.Close() })
	return func() {
		if !undo() {
			s.broken = true
		}
	}
}

func (s *Submitter) hello(e remote.Endpoint, security remote.Security, o Options, timeout time.Duration) error {
	doing := "SMTP: connect to " + s.host
	if security == remote.StartTLS {
		client, err := gosmtp.NewClientStartTLS(s.conn, e.TLSConfig(s.host))
		if err != nil {
			if strings.Contains(err.Error(), "support STARTTLS") {
				return &remote.Error{Kind: remote.Other, Doing: doing, Err: err,
					Text: "the server offers no STARTTLS, and without it the password could be read on the way: try smtps://"}
			}
			return greeting(doing, err)
		}
		s.client = client
	} else {
		s.client = gosmtp.NewClient(s.conn)
	}
	s.client.CommandTimeout = timeout
	s.client.SubmissionTimeout = 10 * timeout // RFC 5321 4.5.3.2.6: servers look at a message before they take it
	name := o.LocalName
	if name == "" {
		name = "localhost"
	}
	if err := s.client.Hello(name); err != nil {
		return greeting(doing, err)
	}
	return nil
}

// greeting is refused for the first words: what does not talk like a mail server is not ours.
func greeting(doing string, err error) error {
	what := ""
	if odd, ok := errors.AsType[textproto.ProtocolError](err); ok {
		what = odd.Error()
	} else if reply, ok := errors.AsType[*gosmtp.SMTPError](err); ok && reply.Code/100 < 4 {
		what = fmt.Sprintf("%d %s", reply.Code, reply.Message)
	}
	if what == "" {
		return refused(doing, err)
	}
	return &remote.Error{Kind: remote.Offline, Doing: doing, Err: err,
		Text: "what answers there is no mail server (does this network ask you to sign in first?): " + clean(what)}
}

// signIn uses the first way that the server offers of those that Outpost knows. A server that offers none may take mail
// without; it says so when it does not. remote.Endpoint has made sure that the password cannot be read on the way.
func (s *Submitter) signIn(e remote.Endpoint) error {
	offered, ways := s.client.Extension("AUTH")
	if !offered || e.User == "" && e.Password == "" {
		return nil
	}
	var way sasl.Client
	switch {
	case s.client.SupportsAuth(sasl.Plain):
		way = sasl.NewPlainClient("", e.User, e.Password)
	case s.client.SupportsAuth(sasl.Login):
		way = &loginClient{answers: []string{e.User, e.Password}}
	default:
		return &remote.Error{Kind: remote.Auth, Doing: "SMTP: sign in to " + s.host, Text: "the server offers only " + clean(ways) + " to sign in, which Outpost does not know"}
	}
	err := s.client.Auth(way)
	if err == nil {
		return nil
	}
	re := refused("SMTP: sign in to "+s.host, err)
	if reply, ok := errors.AsType[*gosmtp.SMTPError](err); ok && reply.Code >= 500 {
		re.Kind = remote.Auth
	}
	return re
}

// loginClient is LOGIN as servers of every age speak it (draft-murchison-sasl-login): name and password when asked,
// whatever the words of the question are.
type loginClient struct{ answers []string }

func (c *loginClient) Start() (mech string, initial []byte, err error) { return sasl.Login, nil, nil }

func (c *loginClient) Next([]byte) ([]byte, error) {
	if len(c.answers) == 0 {
		return nil, errors.New("the server asks for more than name and password")
	}
	answer := c.answers[0]
	c.answers = c.answers[1:]
	return []byte(answer), nil
}

// Send is remote.Submitter's: every recipient or none.
func (s *Submitter) Send(ctx context.Context, from string, to []string, raw []byte, commit func() error) error {
	doing := "SMTP: send to " + s.host
	if s.broken {
		return &remote.Error{Kind: remote.Offline, Doing: doing, Text: "the connection is closed"}
	}
	if ctx.Err() != nil {
		return remote.NetworkError(doing, ctx.Err())
	}
	options, err := s.envelope(doing, from, to, raw)
	if err != nil {
		return err
	}
	defer s.closeWhenEnded(ctx)()
	if err := s.client.Mail(from, options); err != nil {
		return s.undo(refused(doing, err))
	}
	if err := s.recipients(doing, to); err != nil {
		return s.undo(err)
	}
	data, err := s.client.Data()
	if err != nil {
		return s.undo(refused(doing, err))
	}
	if _, err := data.Write(raw); err != nil {
		return s.undo(refused(doing, err))
	}
	if err := commit(); err != nil {
		s.abandon() // a message without its final dot is not a message (RFC 5321 4.1.1.4)
		return err
	}
	if _, err := data.CloseWithResponse(); err != nil {
		re := refused(doing, err)
		if _, replied := errors.AsType[*gosmtp.SMTPError](err); !replied {
			s.abandon()
			re.Sent = true
			re.Text = "the server did not say whether it took the message: " + re.Text
		}
		return re
	}
	return nil
}

// envelope checks what can be known to fail before anything is said.
func (s *Submitter) envelope(doing, from string, to []string, raw []byte) (*gosmtp.MailOptions, error) {
	invalid := func(format string, args ...any) error {
		return &remote.Error{Kind: remote.Invalid, Doing: doing, Text: fmt.Sprintf(format, args...)}
	}
	if len(to) == 0 {
		return nil, invalid("the message has no recipients")
	}
	o := &gosmtp.MailOptions{Size: int64(len(raw))}
	for _, a := range append([]string{from}, to...) {
		if strings.ContainsFunc(a, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '<' || r == '>' }) || a == "" && a != from {
			return nil, invalid("%q is not an address", a)
		}
		o.UTF8 = o.UTF8 || !ascii(a)
	}
	utf8, _ := s.client.Extension("SMTPUTF8")
	if o.UTF8 && !utf8 {
		return nil, invalid("the server takes no addresses with letters outside of ASCII (it has no SMTPUTF8)")
	}
	header, _, _ := strings.Cut(string(raw[:min(len(raw), 1<<20)]), "\r\n\r\n")
	o.UTF8 = o.UTF8 || utf8 && !ascii(header) // RFC 6532
	if limit, told := s.client.MaxMessageSize(); told && limit > 0 && len(raw) > limit {
		return nil, &remote.Error{Kind: remote.TooLarge, Doing: doing, Text: fmt.Sprintf("the message has %d bytes, the server takes %d", len(raw), limit)}
	}
	return o, nil
}

// recipients names every recipient, and says which ones the server refused.
func (s *Submitter) recipients(doing string, to []string) error {
	var bad []string
	kind := remote.Unavailable
	for _, a := range to {
		err := s.client.Rcpt(a, nil)
		if err == nil {
			continue
		}
		re := refused(doing, err)
		if re.Kind == remote.TooLarge && !tooLarge(err) {
			re.Kind = remote.OverQuota // RFC 5321 4.2.3: of a recipient, 552 means that there is no room
		}
		reply, replied := errors.AsType[*gosmtp.SMTPError](err)
		if !replied || reply.Code == 421 {
			return re
		}
		bad = append(bad, a+": "+re.Text)
		if re.Kind != remote.Unavailable {
			kind = re.Kind
		}
	}
	if bad == nil {
		return nil
	}
	text := strings.Join(bad[:min(len(bad), 20)], "; ")
	if n := len(bad) - 20; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return &remote.Error{Kind: kind, Doing: doing, Text: "the message was sent to nobody, because of " + text}
}

// undo takes a begun message back, so that the next one can be sent.
func (s *Submitter) undo(err error) error {
	if remote.KindOf(err) == remote.Offline || s.client.Reset() != nil {
		s.abandon()
	}
	return err
}

func (s *Submitter) abandon() {
	s.broken = true
	s.conn.Close()
}

// Close says goodbye and ends the connection.
func (s *Submitter) Close() error {
	if !s.broken {
		s.client.CommandTimeout = 2 * time.Second
		s.client.Quit() // a server that does not answer has nothing to undo
		s.abandon()
	}
	return nil
}

// Traffic returns the bytes read from and written to the network so far.
func (s *Submitter) Traffic() (in, out int64) { return s.traffic.Bytes() }

// refused makes an *remote.Error of what the server replied or the network said.
func refused(doing string, err error) *remote.Error {
	reply, ok := errors.AsType[*gosmtp.SMTPError](err)
	if !ok {
		ne, _ := errors.AsType[*remote.Error](remote.NetworkError(doing, err))
		return ne
	}
	text := fmt.Sprint(reply.Code)
	if reply.EnhancedCode[0] > 0 {
		text += fmt.Sprintf(" %d.%d.%d", reply.EnhancedCode[0], reply.EnhancedCode[1], reply.EnhancedCode[2])
	}
	e := &remote.Error{Doing: doing, Text: text + " " + clean(reply.Message), Err: err}
	switch detail := reply.EnhancedCode[1:]; {
	case reply.Code == 530, reply.Code == 534, reply.Code == 535: // RFC 4954 6
		e.Kind = remote.Auth
	case reply.Code/100 == 4:
		e.Kind = remote.Unavailable
	case slices.Equal(detail, []int{2, 2}), slices.Equal(detail, []int{3, 1}): // RFC 3463 3.3, 3.4
		e.Kind = remote.OverQuota
	case tooLarge(err), reply.Code == 552 && slices.Equal(detail, []int{0, 0}): // RFC 1870 6
		e.Kind = remote.TooLarge
	case reply.Code/100 != 5:
		e.Kind = remote.Protocol
	}
	return e
}

// tooLarge reports whether a server says so with its enhanced code (RFC 3463 3.4).
func tooLarge(err error) bool {
	reply, ok := errors.AsType[*gosmtp.SMTPError](err)
	return ok && slices.Equal(reply.EnhancedCode[1:], []int{3, 4})
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// clean makes one short line of what a server said.
func clean(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}
