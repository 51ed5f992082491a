package remote

import (
	"strconv"
	"strings"
)

// SameNumbering reports whether two ids of mail are of one UIDVALIDITY: in one folder they then never name the same message.
func SameNumbering(a, b string) bool {
	va, _, ok := strings.Cut(a, ".")
	vb, _, also := strings.Cut(b, ".")
	return ok && also && va == vb
}

// MailIdentity names a message by its Message-ID and its exact size in bytes: what IMAP tells without reading it.
// It is "" for a message without Message-ID.
func MailIdentity(messageID string, size int64) string {
	messageID = strings.TrimSpace(messageID)
	if messageID == "" {
		return ""
	}
	return messageID + "/" + strconv.FormatInt(size, 10)
}
