package demo

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"outpost/internal/demo/mailstore"
)

// newSubmission makes the SMTP server (RFC 6409): colleagues get their mail, others' mail is kept in Outgoing.
func (s *Server) newSubmission() *smtp.Server {
	sub := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &submitter{s: s}, nil }))
	sub.Domain = "demo.invalid"
	sub.AllowInsecureAuth = true // loopback
	sub.MaxMessageBytes = mailstore.MaxMessage
	sub.MaxLineLength = 64 << 10
	sub.MaxRecipients = 1000
	sub.ReadTimeout, sub.WriteTimeout = 5*time.Minute, 5*time.Minute
	sub.EnableSMTPUTF8 = true
	sub.ErrorLog = slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug)
	return sub
}

// submitter is one connection.
type submitter struct {
	s    *Server
	user string
	from string
	to   []string
}

var _ smtp.AuthSession = (*submitter)(nil)

func (t *submitter) AuthMechanisms() []string { return []string{sasl.Plain} }

func (t *submitter) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		var ok bool
		if t.user, ok = t.s.signIn(user, password); !ok {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (t *submitter) Reset() { t.from, t.to = "", nil }

func (t *submitter) Logout() error { return nil }

func (t *submitter) Mail(from string, _ *smtp.MailOptions) error {
	if t.user == "" {
		return smtp.ErrAuthRequired
	}
	if !strings.EqualFold(from, t.user) {
		return &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "you can send as " + t.user + " only"}
	}
	t.from = from
	return nil
}

func (t *submitter) Rcpt(to string, _ *smtp.RcptOptions) error {
	if t.s.local(to) && t.s.mail.User(to) == nil {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "nobody here is called " + to}
	}
	t.to = append(t.to, to)
	return nil
}

func (t *submitter) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	at := t.s.o.Clock()
	trace := fmt.Sprintf("Return-Path: <%s>\r\nReceived: from [127.0.0.1] by demo.invalid with ESMTPA;\r\n\t%s\r\n", t.from, at.Format(time.RFC1123Z))
	delivered := append([]byte(trace), raw...)
	var away []string
	for _, to := range t.to {
		if t.s.mail.User(to) == nil {
			away = append(away, to)
		} else if err := t.s.Deliver(to, "", delivered); err != nil {
			return err
		}
	}
	if away != nil {
		sent := Sent{From: t.from, To: away, At: at, Raw: raw}
		t.s.mu.Lock()
		t.s.outgoing = append(t.s.outgoing, sent)
		t.s.mu.Unlock()
		t.s.save(record{Outgoing: &sent})
	}
	return nil
}
