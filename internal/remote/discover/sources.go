package discover

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"outpost/internal/remote"
)

const (
	usual         = "usual name"
	maxRecords    = 4 // servers of one kind that are tried
	maxAutoconfig = 1 << 20
)

// ask collects what the DNS and the provider tell, in order of trust. offline says that the DNS did not answer at all.
func (d *discovery) ask(ctx context.Context) (told []candidate, offline bool) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	records := []struct{ service, record, format string }{
		{"imap", "imaps", "imaps://%s:%d"}, // RFC 8314 3.1: TLS from the start is preferred
		{"imap", "imap", "imap://%s:%d?tls=starttls"},
		{"smtp", "submissions", "smtps://%s:%d"}, // RFC 8314 5.1
		{"smtp", "submission", "smtp://%s:%d?tls=starttls"},
		{"caldav", "caldavs", "https://%s:%d"}, // RFC 6764 3; without TLS they are of no use (SPEC A5)
		{"carddav", "carddavs", "https://%s:%d"},
	}
	lists := make([][]candidate, len(records)+1)
	failed := make([]bool, len(records))
	var wg sync.WaitGroup
	for i, r := range records {
		wg.Go(func() {
			var err error
			lists[i], err = d.srv(ctx, r.service, r.record, r.format)
			dns, ok := errors.AsType[*net.DNSError](err)
			failed[i] = err != nil && !(ok && dns.IsNotFound)
		})
	}
	wg.Go(func() { lists[len(records)] = d.autoconfig(ctx) })
	wg.Wait()
	return slices.Concat(lists...), !slices.Contains(failed, false)
}

// srv reads one SRV record, and the path in the TXT record beside it (RFC 6764 4).
func (d *discovery) srv(ctx context.Context, service, record, format string) ([]candidate, error) {
	_, answers, err := d.o.Resolver.LookupSRV(ctx, record, "tcp", d.domain)
	if err != nil {
		return nil, err
	}
	path := ""
	if strings.HasSuffix(service, "dav") {
		path = "/.well-known/" + service
		texts, err := d.o.Resolver.LookupTXT(ctx, "_"+record+"._tcp."+d.domain)
		for _, t := range texts {
			if p, ok := strings.CutPrefix(t, "path="); ok && err == nil && strings.HasPrefix(p, "/") && len(p) < 1000 {
				path = (&url.URL{Path: p}).EscapedPath()
			}
		}
	}
	var out []candidate
	for _, a := range answers[:min(len(answers), maxRecords)] {
		host := strings.ToLower(strings.TrimSuffix(a.Target, "."))
		if host == "" || a.Port == 0 { // RFC 6186 3.4: the service is not offered
			continue
		}
		out = append(out, d.candidate(service, fmt.Sprintf(format, host, a.Port)+path, host, "SRV record"))
	}
	return out, nil
}

// candidate warns where a server lies in another domain than the address (RFC 6186 6): without DNSSEC anybody on the
// way can answer for the DNS.
func (d *discovery) candidate(service, url, host, source string) candidate {
	c := candidate{service: service, url: url, source: source}
	if host != d.domain && !strings.HasSuffix(host, "."+d.domain) {
		c.warning = "; that is another domain than " + d.domain + ": see whether it is your provider's"
	}
	return c
}

// clientConfig is the file of the autoconfig scheme that Thunderbird began.
type clientConfig struct {
	Provider struct {
		Incoming []mailServer `xml:"incomingServer"`
		Outgoing []mailServer `xml:"outgoingServer"`
	} `xml:"emailProvider"`
	AddressBooks []davServer `xml:"addressBook"`
	Calendars    []davServer `xml:"calendar"`
}

type mailServer struct {
	Type     string `xml:"type,attr"`
	Host     string `xml:"hostname"`
	Port     string `xml:"port"`
	Security string `xml:"socketType"`
	Login    string `xml:"username"`
}

type davServer struct {
	Type string `xml:"type,attr"`
	URL  string `xml:"serverURL"`
}

// autoconfig reads the provider's file from the address's own domain, by https only.
func (d *discovery) autoconfig(ctx context.Context) []candidate {
	for _, u := range []string{
		"https://autoconfig." + d.domain + "/mail/config-v1.1.xml?emailaddress=" + url.QueryEscape(d.email),
		"https://" + d.domain + "/.well-known/autoconfig/mail/config-v1.1.xml",
	} {
		resp, _, err := d.request(ctx, http.MethodGet, u)
		if err != nil {
			continue
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxAutoconfig))
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			continue
		}
		if c := d.parseAutoconfig(body); len(c) > 0 {
			return c
		}
	}
	return nil
}

// parseAutoconfig takes what is usable from the file: IMAP, submission, CalDAV and CardDAV, each with TLS.
func (d *discovery) parseAutoconfig(data []byte) (out []candidate) {
	var c clientConfig
	if err := xml.Unmarshal(data, &c); err != nil {
		return nil
	}
	mail := func(service, kind string, list []mailServer) {
		n := 0
		for _, s := range list {
			host, port := d.fill(s.Host), strings.TrimSpace(s.Port)
			if number, err := strconv.Atoi(port); s.Type != kind || err != nil || number < 1 || number > 65535 || !hostName(host) || n == maxRecords {
				continue
			}
			var u string
			switch strings.ToUpper(strings.TrimSpace(s.Security)) {
			case "SSL", "TLS":
				u = service + "s://" + host + ":" + port
			case "STARTTLS":
				u = service + "://" + host + ":" + port + "?tls=starttls"
			default:
				continue
			}
			n++
			one := d.candidate(service, u, host, "autoconfig")
			one.login = d.fill(s.Login)
			out = append(out, one)
		}
	}
	mail("imap", "imap", c.Provider.Incoming)
	mail("smtp", "smtp", c.Provider.Outgoing)
	dav := func(service string, list []davServer) {
		for _, s := range list[:min(len(list), maxRecords)] {
			u, err := url.Parse(d.fill(s.URL))
			if err == nil && s.Type == service && u.Scheme == "https" && hostName(u.Hostname()) && u.User == nil {
				out = append(out, d.candidate(service, u.String(), u.Hostname(), "autoconfig"))
			}
		}
	}
	dav("caldav", c.Calendars)
	dav("carddav", c.AddressBooks)
	return out
}

// fill puts the address into a value of the file.
func (d *discovery) fill(s string) string {
	at := strings.LastIndexByte(d.email, '@')
	return strings.NewReplacer("%EMAILADDRESS%", d.email, "%EMAILLOCALPART%", d.email[:at], "%EMAILDOMAIN%", d.domain).Replace(strings.TrimSpace(s))
}

func hostName(s string) bool {
	return s != "" && len(s) <= 253 && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '-')
	})
}

// usualMailServers are where mail servers are when nobody tells.
func (d *discovery) usualMailServers() (out []candidate) {
	for _, format := range []struct{ service, name, tls, starttls string }{
		{"imap", "imap.", "imaps://%s:993", "imap://%s:143?tls=starttls"},
		{"smtp", "smtp.", "smtps://%s:465", "smtp://%s:587?tls=starttls"},
	} {
		hosts := []string{format.name + d.domain, "mail." + d.domain, d.domain}
		if imap := hostOf(d.found.IMAP); imap != "" && !slices.Contains(hosts, imap) {
			hosts = append([]string{imap}, hosts...)
		}
		for _, f := range []string{format.tls, format.starttls} {
			for _, h := range hosts {
				out = append(out, candidate{service: format.service, url: fmt.Sprintf(f, h), source: usual})
			}
		}
	}
	return out
}

// usualDAVServers are the domain itself (RFC 6764 6), the mail server, and the usual names.
func (d *discovery) usualDAVServers() (out []candidate) {
	for _, service := range []string{"caldav", "carddav"} {
		hosts := []string{d.domain}
		for _, h := range []string{hostOf(d.found.IMAP), service + "." + d.domain, "dav." + d.domain, "mail." + d.domain} {
			if h != "" && !slices.Contains(hosts, h) {
				hosts = append(hosts, h)
			}
		}
		for _, h := range hosts {
			out = append(out, candidate{service: service, url: "https://" + h + "/.well-known/" + service, source: usual})
		}
	}
	return out
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// endpoint is a candidate as the drivers would use it, without user and password.
func (d *discovery) endpoint(url string) remote.Endpoint {
	return remote.Endpoint{URL: url, Dial: d.o.Dial, Roots: d.o.Roots, Timeout: askTime}
}
