package servers

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Message is what somebody sent.
type Message struct {
	Login string // who was logged in; "" for nobody
	From  string
	To    []string
	Data  []byte
}

// Sink is an SMTP server that keeps what it is sent. A login's password is Password; a recipient with "reject" in the
// address is refused for good, one with "later" for now.
type Sink struct {
	SMTP     string // smtp://…?tls=none
	StartTLS string
	SMTPS    string
	Addr     string // host:port of SMTP

	Fingerprint string
	Roots       *x509.CertPool

	// Deliver, when set before the first message, is called with each; its error refuses the message.
	Deliver func(Message) error

	mu       sync.Mutex
	messages []Message
	received chan Message
}

// SMTPSink starts a sink that ends with the test.
func SMTPSink(t testing.TB) *Sink {
	t.Helper()
	s, stop, err := StartSMTPSink()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return s
}

// StartSMTPSink starts a sink; stop ends it.
func StartSMTPSink() (s *Sink, stop func(), err error) {
	cert, err := NewCertificate()
	if err != nil {
		return nil, nil, err
	}
	config, err := cert.ServerConfig()
	if err != nil {
		return nil, nil, err
	}
	s = &Sink{Fingerprint: cert.Fingerprint, Roots: cert.Roots, received: make(chan Message, 1000)}
	server := smtp.NewServer(s)
	server.Domain = "localhost"
	server.AllowInsecureAuth = true
	server.TLSConfig = config
	server.MaxMessageBytes = 100 << 20
	server.EnableSMTPUTF8 = true
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	secure, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		plain.Close()
		return nil, nil, err
	}
	s.Addr = plain.Addr().String()
	s.SMTP, s.StartTLS = "smtp://"+s.Addr+"?tls=none", "smtp://"+s.Addr+"?tls=starttls"
	s.SMTPS = "smtps://" + secure.Addr().String()
	go server.Serve(plain)
	go server.Serve(tls.NewListener(secure, config))
	return s, func() { server.Close() }, nil
}

// Messages returns all that came so far.
func (s *Sink) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Received yields each message as it comes.
func (s *Sink) Received() <-chan Message { return s.received }

// NewSession implements smtp.Backend.
func (s *Sink) NewSession(*smtp.Conn) (smtp.Session, error) { return &sinkSession{sink: s}, nil }

type sinkSession struct {
	sink *Sink
	m    Message
}

func (s *sinkSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *sinkSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if password != Password {
			return smtp.ErrAuthFailed
		}
		s.m.Login = username
		return nil
	}), nil
}

func (s *sinkSession) Mail(from string, _ *smtp.MailOptions) error {
	s.m.From = from
	return nil
}

func (s *sinkSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	switch {
	case strings.Contains(to, "reject"):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: fmt.Sprintf("no such user: %s", to)}
	case strings.Contains(to, "later"):
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "try again later"}
	}
	s.m.To = append(s.m.To, to)
	return nil
}

func (s *sinkSession) Data(r io.Reader) error {
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		return err
	}
	m := s.m
	m.To = append([]string(nil), m.To...)
	m.Data = b.Bytes()
	if s.sink.Deliver != nil {
		if err := s.sink.Deliver(m); err != nil {
			return err
		}
	}
	s.sink.mu.Lock()
	s.sink.messages = append(s.sink.messages, m)
	s.sink.mu.Unlock()
	select {
	case s.sink.received <- m:
	default: // a test that sends thousands counts them by Messages
	}
	return nil
}

func (s *sinkSession) Reset()        { s.m.From, s.m.To, s.m.Data = "", nil, nil }
func (s *sinkSession) Logout() error { return nil }

// Deliver hands a message to the users of this server, as a mail server on the internet would (Cyrus, by LMTP): a sink
// with Deliver set to it makes mail arrive. RFC 2033
func (s *Server) Deliver(m Message) error {
	if s.LMTPAddr == "" {
		return fmt.Errorf("%s takes no deliveries", s.Kind)
	}
	conn, err := net.Dial("tcp", s.LMTPAddr)
	if err != nil {
		return err
	}
	c := smtp.NewClientLMTP(conn)
	defer c.Close()
	if err := c.Mail(m.From, nil); err != nil {
		return err
	}
	for _, to := range m.To {
		if err := c.Rcpt(to, nil); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(m.Data); err != nil {
		return err
	}
	return w.Close()
}
