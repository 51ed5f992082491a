package groupware

import "fmt"

// FolderID identifies a folder of one mailbox for ever; 0 is "no folder" (or the top of the tree).
type FolderID int64

// ItemID identifies an item of one mailbox for ever, across moves and edits; it is never used again.
type ItemID int64

// FolderKind says what a folder is for. A calendar may also hold tasks where the server mixes them.
type FolderKind string

const (
	FolderMail     FolderKind = "mail"
	FolderCalendar FolderKind = "calendar"
	FolderContacts FolderKind = "contacts"
	FolderTasks    FolderKind = "tasks"
	FolderNotes    FolderKind = "notes"
)

// ParseFolderKind accepts the names above.
func ParseFolderKind(s string) (FolderKind, error) {
	switch k := FolderKind(s); k {
	case FolderMail, FolderCalendar, FolderContacts, FolderTasks, FolderNotes:
		return k, nil
	}
	return "", fmt.Errorf("%q is not a kind of folder: use mail, calendar, contacts, tasks or notes", s)
}

// Kind says what an item is.
type Kind string

const (
	KindMail    Kind = "mail"
	KindEvent   Kind = "event"
	KindTask    Kind = "task"
	KindNote    Kind = "note"
	KindContact Kind = "contact"
	KindList    Kind = "list" // distribution list (a vCard group)
)

// Role is the purpose of a folder, RFC 6154 where the server has it; "" is an ordinary folder.
// Outbox, Conflicts and LocalFailures exist only here and are never sent to a server.
type Role string

const (
	RoleInbox         Role = "inbox"
	RoleSent          Role = "sent"
	RoleDrafts        Role = "drafts"
	RoleTrash         Role = "trash"
	RoleJunk          Role = "junk"
	RoleArchive       Role = "archive"
	RoleOutbox        Role = "outbox"
	RoleConflicts     Role = "conflicts"
	RoleLocalFailures Role = "local-failures"
)

// Local reports whether folders of this role exist only here.
func (r Role) Local() bool {
	return r == RoleOutbox || r == RoleConflicts || r == RoleLocalFailures
}

// SyncMode says how much of a folder is kept here (SPEC C3).
type SyncMode string

const (
	SyncWhole   SyncMode = "whole"
	SyncHeaders SyncMode = "headers" // headers and plain-text body; attachments when asked for
	SyncOff     SyncMode = "off"
)

// ParseSyncMode accepts the names above.
func ParseSyncMode(s string) (SyncMode, error) {
	switch m := SyncMode(s); m {
	case SyncWhole, SyncHeaders, SyncOff:
		return m, nil
	}
	return "", fmt.Errorf("%q is not a synchronisation mode: use whole, headers or off", s)
}

// DefaultSyncMode is SPEC C3: Inbox whole; other mail headers and plain text; archive not at all; all else whole.
func DefaultSyncMode(kind FolderKind, role Role) SyncMode {
	switch {
	case kind != FolderMail, role == RoleInbox, role.Local():
		return SyncWhole
	case role == RoleArchive:
		return SyncOff
	}
	return SyncHeaders
}

// BodyState says how much of an item's bytes is here.
type BodyState string

const (
	BodyNone  BodyState = "none"
	BodyText  BodyState = "text"  // header block, text and the list of parts
	BodyWhole BodyState = "whole" // every byte
)

// Media is the form of an item's own bytes.
type Media string

const (
	MediaMessage  Media = "message/rfc822"
	MediaCalendar Media = "text/calendar"
	MediaVCard    Media = "text/vcard"
)
