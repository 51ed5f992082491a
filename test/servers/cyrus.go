package servers

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed config
var configs embed.FS

func (s *Server) prepareCyrus(o Options) error {
	n := s.ports.numbers
	s.IMAPAddr, s.HTTPAddr, s.LMTPAddr = loopback(n[0]), loopback(n[2]), loopback(n[4])
	s.IMAP, s.StartTLS = "imap://"+loopback(n[0])+"?tls=none", "imap://"+loopback(n[0])+"?tls=starttls"
	s.IMAPS = "imaps://" + loopback(n[1])
	s.CalDAV, s.CardDAV = "http://"+loopback(n[2])+"/dav/calendars/", "http://"+loopback(n[2])+"/dav/addressbooks/"
	s.CalDAVS, s.CardDAVS = "https://"+loopback(n[3])+"/dav/calendars/", "https://"+loopback(n[3])+"/dav/addressbooks/"

	for _, d := range []string{
		"conf/db", "conf/log", "conf/msg", "conf/proc", "conf/socket", "conf/lock", "conf/user", "conf/quota",
		"spool", "archive", "search", "sieve", "run/proc", "run/lock", "run/socket",
	} {
		if err := os.MkdirAll(s.path(d), 0o755); err != nil {
			return err
		}
	}
	s.addLogin = func(name string) error {
		local, realm, _ := strings.Cut(name, "@")
		return s.saslPassword(local, realm)
	}
	if err := s.saslPassword("cyrus", "localhost"); err != nil { // an administrator's realm is the server's name
		return err
	}
	if err := s.giveTo("cyrus", "mail", "conf", "spool", "archive", "search", "sieve", "run", "sasldb2", "key.pem"); err != nil {
		return err
	}
	// Cyrus logs to the system's log only. A test that fails wants to see it.
	s.log = listenDevLog(s.path("syslog"))

	s.configure = func() error {
		if err := s.config("imapd.conf", "imapd.conf", "SMTP_SINK", o.SMTP); err != nil {
			return err
		}
		return s.config("cyrus.conf", "cyrus.conf", "PORT_IMAPS", strconv.Itoa(n[1]), "PORT_IMAP", strconv.Itoa(n[0]),
			"PORT_HTTPS", strconv.Itoa(n[3]), "PORT_HTTP", strconv.Itoa(n[2]), "PORT_LMTP", strconv.Itoa(n[4]))
	}
	s.argv = func() []string {
		return s.withoutDisk("/usr/lib/cyrus/bin/master", "-C", s.path("imapd.conf"), "-M", s.path("cyrus.conf"), "-p", s.path("run/master.pid"))
	}
	s.ready = func() error { return errors.Join(greeted(s.IMAPAddr), httpAnswers("http://"+s.HTTPAddr+"/")) }
	return nil
}

// withoutDisk runs a daemon with fsync switched off, unless the server is to be durable.
func (s *Server) withoutDisk(argv ...string) []string {
	if _, err := os.Stat("/usr/bin/eatmydata"); err != nil || s.Durable {
		return argv
	}
	return append([]string{"/usr/bin/eatmydata"}, argv...)
}

// saslPassword sets a login's password in the server's own password database.
func (s *Server) saslPassword(login, realm string) error {
	cmd := exec.Command("/usr/sbin/saslpasswd2", "-p", "-c", "-f", s.path("sasldb2"), "-u", realm, login)
	cmd.Stdin = strings.NewReader(Password)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("saslpasswd2: %w: %s", err, out)
	}
	return nil
}

// giveTo makes files and whole folders of the server's folder belong to a daemon's user.
func (s *Server) giveTo(userName, groupName string, names ...string) error {
	u, err := user.Lookup(userName)
	if err != nil {
		return err
	}
	g, err := user.LookupGroup(groupName)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(g.Gid)
	if err != nil {
		return err
	}
	for _, name := range names {
		err := filepath.WalkDir(s.path(name), func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(path, uid, gid))
		})
		if err != nil {
			return err
		}
	}
	return nil
}
