package imapserver

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Mailbox names of IMAP4rev1 are in modified UTF-7 (RFC 3501 5.1.3).

func encodeUTF7(s string) string {
	var b strings.Builder
	var run []uint16
	flush := func() {
		if len(run) > 0 {
			raw := make([]byte, 0, 2*len(run))
			for _, u := range run {
				raw = append(raw, byte(u>>8), byte(u))
			}
			b.WriteString("&" + strings.ReplaceAll(base64.RawStdEncoding.EncodeToString(raw), "/", ",") + "-")
			run = nil
		}
	}
	for _, r := range s {
		switch {
		case r == '&':
			flush()
			b.WriteString("&-")
		case r >= ' ' && r < 0x7f:
			flush()
			b.WriteRune(r)
		default:
			run = utf16.AppendRune(run, r)
		}
	}
	flush()
	return b.String()
}

// decodeUTF7 also takes plain UTF-8, which no modified UTF-7 holds.
func decodeUTF7(s string) (string, bool) {
	var b strings.Builder
	for s != "" {
		before, after, ok := strings.Cut(s, "&")
		b.WriteString(before)
		if !ok {
			break
		}
		enc, rest, ok := strings.Cut(after, "-")
		if !ok {
			return "", false
		}
		if s = rest; enc == "" {
			b.WriteByte('&')
			continue
		}
		raw, err := base64.RawStdEncoding.DecodeString(strings.ReplaceAll(enc, ",", "/"))
		if err != nil || len(raw)%2 != 0 {
			return "", false
		}
		us := make([]uint16, len(raw)/2)
		for i := range us {
			us[i] = uint16(raw[2*i])<<8 | uint16(raw[2*i+1])
		}
		b.WriteString(string(utf16.Decode(us)))
	}
	return b.String(), utf8.ValidString(b.String())
}
