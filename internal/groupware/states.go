package groupware

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Hash is the SHA-256 of an item's own bytes; the zero Hash means that not all of them are here.
type Hash [sha256.Size]byte

// HashOf hashes an item's own bytes.
func HashOf(raw []byte) Hash { return sha256.Sum256(raw) }

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Local is an item as it is here.
type Local struct {
	Folder  FolderID
	Flags   Flags
	Content Hash
}

// Base is an item as both sides last agreed on it. RemoteID and Tag say where and at which version the server
// holds it; Content is what our bytes were then. Tag is "" where content never changes (mail) and also where the
// server did not tell it: then the next observation differs and the item is read again.
type Base struct {
	Folder   FolderID
	RemoteID string
	Tag      string
	Flags    Flags
	Content  Hash
}

// Remote is an item as the server last showed it.
type Remote struct {
	Folder   FolderID
	RemoteID string
	Tag      string
	Flags    Flags
	Order    int64 // higher is newer; for mail the UID
	Size     int64 // bytes, 0 when not known
}

// Triple is everything that a plan for one item is made from. Item is 0 for what only the server has.
// A nil state is "absent": Local nil with Base set was deleted here, Remote nil with Base set was deleted there.
type Triple struct {
	Item   ItemID
	Base   *Base
	Local  *Local
	Remote *Remote
}

// Part is one leaf of a message's structure, as far as a list of attachments needs it.
type Part struct {
	Path     string // IMAP section, "2.1"
	Type     string // media type, lower case
	Name     string // file name, decoded; "" when it has none
	Size     int64  // bytes as encoded on the wire; 0 when not known
	Inline   bool
	Encoding string // content transfer encoding, lower case
}

// Partial is a message of which only the header block, the text and the structure are here (SPEC C3 "headers").
type Partial struct {
	Header []byte // the message's own header block, ending in an empty line
	Text   string // the plain text (or the HTML turned into text), decoded
	Parts  []Part // the leaves, in order
	Size   int64  // RFC822.SIZE of the whole message
}

// Change is one line of a mailbox's change feed.
type Change struct {
	Seq    int64
	Folder FolderID
	Item   ItemID // 0: the folder itself changed
	Op     ChangeOp
	At     time.Time
}

// ChangeOp says what happened to the item or folder.
type ChangeOp string

const (
	ChangeAdded   ChangeOp = "added"
	ChangeUpdated ChangeOp = "updated" // flags, content or amount of body
	ChangeRemoved ChangeOp = "removed" // from Folder; a move is removed there and added here
)
