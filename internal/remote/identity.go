package remote

import (
	"strconv"
	"strings"
)

// MailIdentity names a message by its Message-ID and its exact size in bytes: what IMAP tells without reading it.
// It is "" for a message without Message-ID.
func MailIdentity(messageID string, size int64) string {
	messageID = strings.TrimSpace(messageID)
	if messageID == "" {
		return ""
	}
	return messageID + "/" + strconv.FormatInt(size, 10)
}
