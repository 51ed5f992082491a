package servers

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

func (s *Server) prepareDovecot(o Options) error {
	n := s.ports.numbers
	s.IMAPAddr = loopback(n[0])
	s.IMAP, s.StartTLS = "imap://"+loopback(n[0])+"?tls=none", "imap://"+loopback(n[0])+"?tls=starttls"
	s.IMAPS = "imaps://" + loopback(n[1])

	for _, d := range []string{"run", "state", "mail"} {
		if err := os.MkdirAll(s.path(d), 0o755); err != nil {
			return err
		}
	}
	if err := s.giveTo("mail", "mail", "mail"); err != nil {
		return err
	}
	if err := s.writeLogins(":{PLAIN}" + Password); err != nil {
		return err
	}
	s.configure = func() error {
		fsync := "never"
		if s.Durable {
			fsync = "optimized" // Dovecot's default
		}
		return s.config("dovecot.conf", "dovecot.conf", "PORT_IMAPS", strconv.Itoa(n[1]), "PORT_IMAP", strconv.Itoa(n[0]),
			"SMTP_SINK", o.SMTP, "FSYNC", fsync, "INSTANCE", filepath.Base(s.Dir))
	}
	s.argv = func() []string { return []string{"/usr/sbin/dovecot", "-F", "-c", s.path("dovecot.conf")} }
	s.ready = func() error { return greeted(s.IMAPAddr) }
	return nil
}

// maxUsers is how many users a server with a plain list of logins can have.
const maxUsers = 1000

// writeLogins writes that list once: Dovecot notices a change of it only after a second.
func (s *Server) writeLogins(password string) error {
	var b strings.Builder
	for n := range maxUsers {
		fmt.Fprintln(&b, s.User(n+1).Name+password)
	}
	s.addLogin = func(name string) error {
		if s.lastUser > maxUsers {
			return fmt.Errorf("%s has logins for %d users only", s.Kind, maxUsers)
		}
		return nil
	}
	return s.write("users", b.String(), 0o644)
}
