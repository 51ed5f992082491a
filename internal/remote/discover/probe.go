package discover

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"outpost/internal/remote"
)

const (
	maxRedirects = 5
	maxLines     = 50 // of a mail server's answer
)

// probe connects to a candidate and sees whether the service is there, behind TLS that verifies. It returns where.
func (d *discovery) probe(ctx context.Context, c candidate) (string, error) {
	if c.service == "imap" || c.service == "smtp" {
		return c.url, d.probeMail(ctx, c)
	}
	return d.probeDAV(ctx, c)
}

// probeMail reads the greeting of an IMAP or SMTP server, and goes on to TLS where the URL says STARTTLS.
func (d *discovery) probeMail(ctx context.Context, c candidate) error {
	e := d.endpoint(c.url)
	var t remote.Traffic
	conn, host, security, err := e.Connect(ctx, c.service, &t)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	r := bufio.NewReader(io.LimitReader(conn, 64<<10))
	say := func(s string) error {
		if err := conn.SetDeadline(time.Now().Add(askTime)); err != nil {
			return err
		}
		_, err := io.WriteString(conn, s)
		return err
	}
	if err := say(""); err != nil {
		return remote.NetworkError("connect to "+host, err)
	}
	if c.service == "imap" { // RFC 9051 7.1.5
		if err := expect(r, false, "* OK ", "* PREAUTH "); err != nil || security == remote.TLS {
			return err
		}
		if err := say("a STARTTLS\r\n"); err != nil {
			return remote.NetworkError("connect to "+host, err)
		}
		err = expect(r, true, "a OK ")
	} else {
		if err := expect(r, false, "220 "); err != nil || security == remote.TLS {
			return err
		}
		if err := say("EHLO localhost\r\n"); err != nil {
			return remote.NetworkError("connect to "+host, err)
		}
		if err := expect(r, false, "250 "); err != nil {
			return err
		}
		if err := say("STARTTLS\r\n"); err != nil {
			return remote.NetworkError("connect to "+host, err)
		}
		err = expect(r, false, "220 ")
	}
	if err != nil {
		return err
	}
	if err := tls.Client(conn, e.TLSConfig(host)).HandshakeContext(ctx); err != nil {
		return remote.NetworkError("connect to "+host, err)
	}
	return nil
}

// expect reads lines until one begins with a wanted word. Untagged lines of IMAP and continued lines of SMTP may come
// before it.
func expect(r *bufio.Reader, untagged bool, wanted ...string) error {
	for range maxLines {
		line, err := r.ReadString('\n')
		if err != nil {
			return remote.NetworkError("read the greeting", err)
		}
		line = strings.TrimRight(line, "\r\n") + " "
		for _, w := range wanted {
			if strings.HasPrefix(strings.ToUpper(line), strings.ToUpper(w)) {
				return nil
			}
		}
		before := untagged && strings.HasPrefix(line, "* ") || !untagged && len(line) > 3 && line[3] == '-'
		if !before {
			return protocolError("read the greeting", "the server says %.100q", strings.TrimSpace(line))
		}
	}
	return protocolError("read the greeting", "the server says too much")
}

// probeDAV asks for properties without signing in: a DAV server answers them or asks for a password (RFC 6764 6).
func (d *discovery) probeDAV(ctx context.Context, c candidate) (string, error) {
	resp, final, err := d.request(ctx, "PROPFIND", c.url)
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	if resp.StatusCode == http.StatusMultiStatus || resp.StatusCode == http.StatusUnauthorized && resp.Header.Get("WWW-Authenticate") != "" {
		return final, nil
	}
	return "", protocolError("look at "+c.url, "the server answers %d", resp.StatusCode)
}

// request sends a request without any secret, by https only, and follows redirections to any host: what it leads to
// has to show a good certificate and is shown to the person.
func (d *discovery) request(ctx context.Context, method, address string) (*http.Response, string, error) {
	for range maxRedirects {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
			return nil, "", protocolError("look at "+address, "that is no https address")
		}
		e := d.endpoint("https://" + u.Host)
		var t remote.Traffic
		transport := &http.Transport{DialContext: e.DialContext(&t), TLSClientConfig: e.TLSConfig(u.Hostname()), DisableKeepAlives: true,
			TLSHandshakeTimeout: askTime, ResponseHeaderTimeout: askTime}
		req, err := http.NewRequestWithContext(ctx, method, address, nil)
		if err != nil {
			return nil, "", protocolError("look at "+address, "%v", err)
		}
		req.Header.Set("User-Agent", "Outpost")
		req.Header.Set("Depth", "0")
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return nil, "", remote.NetworkError("look at "+address, err)
		}
		location := resp.Header.Get("Location")
		if resp.StatusCode/100 != 3 || location == "" {
			return resp, address, nil
		}
		resp.Body.Close()
		to, err := u.Parse(location)
		if err != nil {
			return nil, "", protocolError("look at "+address, "it redirects to nowhere")
		}
		to.Fragment = ""
		address = to.String()
	}
	return nil, "", protocolError("look at "+address, "too many redirections")
}

func protocolError(doing, format string, args ...any) error {
	return &remote.Error{Kind: remote.Protocol, Doing: doing, Text: fmt.Sprintf(format, args...)}
}

var _ Resolver = (*net.Resolver)(nil)
