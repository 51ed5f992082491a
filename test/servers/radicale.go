package servers

import "strconv"

func (s *Server) prepareRadicale(o Options) error {
	port := s.ports.numbers[0]
	s.HTTPAddr = loopback(port)
	ssl := "False"
	if o.TLS {
		ssl = "True"
		s.CalDAVS = "https://" + s.HTTPAddr + "/"
		s.CardDAVS = s.CalDAVS
	} else {
		s.CalDAV = "http://" + s.HTTPAddr + "/"
		s.CardDAV = s.CalDAV
	}
	if err := s.writeLogins(":" + Password); err != nil {
		return err
	}
	s.configure = func() error {
		return s.config("radicale.conf", "radicale.conf", "PORT_HTTP", strconv.Itoa(port), "SSL", ssl)
	}
	// Debian's Radicale belongs to Debian's Python, also where another one is first in PATH.
	s.argv = func() []string {
		return s.withoutDisk("/usr/bin/python3", "/usr/bin/radicale", "-C", s.path("radicale.conf"))
	}
	s.ready = func() error { return httpAnswers(s.CalDAV + s.CalDAVS) }
	return nil
}
