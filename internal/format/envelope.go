package format

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/net/idna"

	"outpost/internal/format/contentline"
	"outpost/internal/format/mime"
)

// SyntaxError tells the line (1-based, 0 when there is none) and what is wrong with it.
type SyntaxError = contentline.SyntaxError

// maxRecipients bounds one message's recipients.
const maxRecipients = 10000

// Envelope returns what SMTP needs to send a message: the bare address of Sender or else From, and those of To, Cc and Bcc, each
// once. An address that no server could take is a *SyntaxError with its line.
func Envelope(raw []byte) (from string, to []string, err error) {
	block := mime.Walk(raw).Header(0)
	var author, sender string
	seen := map[string]bool{}
	line, pos := 1, 0
	for f := range mime.Fields(block) {
		key := strings.ToLower(string(f.Name))
		switch key {
		case "from", "sender", "to", "cc", "bcc":
		default:
			continue
		}
		line += bytes.Count(block[pos:f.Start], []byte("\n"))
		pos = f.Start
		for _, a := range mime.Addresses(f.Value) {
			addr, problem := sendable(a.Addr)
			if problem != "" {
				return "", nil, &SyntaxError{Line: line, Text: fmt.Sprintf("%s: %q %s", f.Name, mime.Display(a.String(), 100), problem)}
			}
			switch {
			case key == "from" && author == "":
				author = addr
			case key == "sender" && sender == "":
				sender = addr
			case key != "from" && key != "sender" && !seen[addr]:
				seen[addr] = true
				if to = append(to, addr); len(to) > maxRecipients {
					return "", nil, &SyntaxError{Line: line, Text: fmt.Sprintf("more than %d recipients", maxRecipients)}
				}
			}
		}
	}
	if author == "" {
		return "", nil, &SyntaxError{Text: "the message has no From address"}
	}
	if len(to) == 0 {
		return "", nil, &SyntaxError{Text: "the message has no recipient: give it a To, Cc or Bcc"}
	}
	if sender != "" {
		author = sender
	}
	return author, to, nil
}

// sendable checks an address against RFC 5321 4.1.2 and 6531 3.3, and gives its domain in ASCII.
func sendable(addr string) (ascii, problem string) {
	k := strings.LastIndexByte(addr, '@')
	if k < 0 {
		return "", "is no mail address: there is no @ in it"
	}
	local, domain := addr[:k], addr[k+1:]
	if local == "" || domain == "" {
		return "", "is no mail address: a part is missing beside the @"
	}
	if len(addr) > 320 {
		return "", "is too long for a mail address"
	}
	if q := len(local) >= 2 && local[0] == '"' && local[len(local)-1] == '"'; !q && strings.ContainsAny(local, " \t\"(),:;<>[]\\@") {
		return "", "is no mail address: what stands before the @ has characters that need quotes"
	}
	if strings.ContainsFunc(addr, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) {
		return "", "is no mail address: it has invisible characters"
	}
	if strings.HasPrefix(domain, "[") && strings.HasSuffix(domain, "]") {
		return addr, ""
	}
	d, err := idna.Lookup.ToASCII(domain)
	if err != nil || strings.HasPrefix(d, ".") || strings.Contains(d, "..") {
		if !plainDomain(domain) {
			return "", "is no mail address: what stands behind the @ is no domain"
		}
		d = domain // names with underscores exist
	}
	return local + "@" + d, ""
}

func plainDomain(d string) bool {
	for label := range strings.SplitSeq(strings.TrimSuffix(d, "."), ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, func(r rune) bool {
			return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
		}) {
			return false
		}
	}
	return true
}

// WithoutBcc takes the Bcc fields out of the header block, which recipients must not see (RFC 5322 3.6.3), and changes nothing else.
func WithoutBcc(raw []byte) []byte {
	var out []byte
	pos := 0
	for f := range mime.Fields(mime.Walk(raw).Header(0)) {
		if f.Is("bcc") {
			out = append(out, raw[pos:f.Start]...)
			pos = f.End
		}
	}
	if pos == 0 {
		return raw
	}
	return append(out, raw[pos:]...)
}
