package remote

import (
	"context"
	"time"

	"outpost/internal/groupware"
)

// Service is one signed-in connection to one service of an account. It is used by one goroutine at a time.
// Every method honours ctx: when it ends, the call returns soon and the service must be closed. An error is an
// *Error where the server or the network had a say. Callbacks run in the calling goroutine; an error that a callback
// returns ends the call and is returned as it is.
//
// Ids are opaque strings that a driver makes. A folder's id is stable over renames where the server can tell
// (OBJECTID), else it is its path. An item's id is unique within its folder for ever: IMAP "UIDVALIDITY.UID" (so an id of an
// earlier UIDVALIDITY never names another message), DAV the path of the resource.
type Service interface {
	// Name is "imap", "caldav" or "carddav": the key under which folders remember where they belong.
	Name() string

	// Folders lists every folder, parents before children, each with its State where that costs no round trip
	// per folder.
	Folders(ctx context.Context) ([]Folder, error)
	// CreateFolder makes a folder. An existing one of that parent and name is an error of kind Exists.
	CreateFolder(ctx context.Context, f NewFolder) (Folder, error)
	// RenameFolder gives a folder another name, another parent, or both. Its items keep their identity.
	RenameFolder(ctx context.Context, id, parent, name string) (Folder, error)
	// DeleteFolder removes a folder and what is in it. One that is already gone is no error.
	DeleteFolder(ctx context.Context, id string) error

	// Changes emits what is different in a folder since the state token since ("" means: everything), in any order,
	// and says whether the listing was full. A token that the server no longer knows is answered with a full listing,
	// never with an error.
	Changes(ctx context.Context, folder, since string, emit func(Change) error) (Listing, error)

	// Identify tells for each id what the item is, whatever its id and folder: MailIdentity for mail; "" where it cannot.
	// The engine uses it to recognise a moved or renumbered message instead of reading it again. An id that is gone is
	// left out.
	Identify(ctx context.Context, folder string, ids []string) (map[string]string, error)

	// Fetch reads items in the order of ids as far as the server allows, streaming: ids may be the whole folder, and
	// emit should be fast or hand on. An item that is gone is not emitted. One that cannot be read is emitted with
	// Err and stops nothing.
	Fetch(ctx context.Context, folder string, ids []string, part Part, emit func(Fetched) error) error

	// Mark returns a position in the folder such that Find after it sees all that is created later.
	Mark(ctx context.Context, folder string) (string, error)
	// Find looks for an item that an interrupted Create made after mark: the same bytes (mail), or the resource NewItem.Name (DAV).
	Find(ctx context.Context, folder, mark string, item NewItem) (Created, bool, error)
	// Create stores new items, reporting for each (by index) in order; one refused item stops no other. The error is
	// for what ended the whole call; then items not reported may or may not have been stored: ask Find.
	Create(ctx context.Context, folder string, items []NewItem, report func(i int, c Created, err error) error) error
	// Replace stores new content for an item, only if it is still at tag (Precondition otherwise, also when it is
	// gone). Mail has no replacement on the wire: the new message is stored first, then the old one removed; the id changes.
	Replace(ctx context.Context, folder, id, tag string, item NewItem) (Created, error)
	// SetFlags adds and removes flags on several items. Ids that are gone are passed over; an id of another UIDVALIDITY ends the call with kind
	// Precondition before anything is done, because what it named may still be there under another. A service without flags does nothing.
	SetFlags(ctx context.Context, folder string, ids []string, add, remove groupware.Flags) error
	// Move moves items to another folder of this service and reports the new id of each ("" where the server does not
	// tell: then the engine recognises it at the next observation). Ids that are gone or of another UIDVALIDITY are as for SetFlags.
	Move(ctx context.Context, folder string, ids []string, to string) (map[string]string, error)
	// Delete removes items for good; tags, where not "", are preconditions. report gets each id's outcome: nil also when it
	// was already gone, Precondition when it changed meanwhile or when the id is of another UIDVALIDITY.
	Delete(ctx context.Context, folder string, items []Ref, report func(id string, err error) error) error

	// Traffic returns the bytes read from and written to the network so far. It may be asked at any time.
	Traffic() (in, out int64)
	// Close ends the connection. It never blocks for long.
	Close() error
}

// Folder is a folder as the server lists it.
type Folder struct {
	ID        string
	Parent    string // id of the parent, "" at the top
	Name      string // decoded, one level
	Kind      groupware.FolderKind
	Role      groupware.Role
	Accepts   []groupware.Kind // what can be stored in it; nil means what its Kind says
	ReadOnly  bool             // the user may not store, change or delete items in it
	Schedules bool             // the server itself sends invitations for what is stored here (RFC 6638)
	NoItems   bool             // only holds other folders (\Noselect)
	State     string           // equal to Listing.Token of the last Changes when nothing has changed; "" when listing cannot tell
	Items     int64            // number of items, -1 when not known
	Identity  string           // something that survives a rename where ID does not (IMAP UIDVALIDITY); "" when there is none
}

// NewFolder asks for a folder.
type NewFolder struct {
	Parent string
	Name   string
	Kind   groupware.FolderKind
	Role   groupware.Role // a special use to ask for, where the server can
}

// Change is what a listing says of one item.
type Change struct {
	ID    string
	Gone  bool
	Same  bool // still there, and nothing more is known than before
	Tag   string
	Flags groupware.Flags
	Order int64
	Size  int64
}

// Listing says what the changes of one call amount to.
type Listing struct {
	// Token is the state that the emitted changes lead to. Save it with them.
	Token string
	// Full means that every item of the folder was emitted: what was not is gone.
	Full bool
}

// Part says how much of each item to read.
type Part int

const (
	// PartWhole reads every byte.
	PartWhole Part = iota
	// PartText reads header block, plain text and structure of mail (Fetched.Partial); signed and encrypted mail, and
	// mail that has nothing but its text, is read whole (Fetched.Raw) all the same. Other items are read whole.
	PartText
)

// Fetched is an item that was read: Raw or Partial or Err. Err may come with Raw: what was read although it could not be
// understood, for a person to look at.
type Fetched struct {
	ID       string
	Tag      string
	Flags    groupware.Flags
	Received time.Time // INTERNALDATE; zero when the service has none
	Order    int64
	Media    groupware.Media
	Raw      []byte // owned by the receiver
	Partial  *groupware.Partial
	Err      error
}

// NewItem is an item to store.
type NewItem struct {
	Media    groupware.Media
	Raw      []byte
	Flags    groupware.Flags
	Received time.Time
	Name     string // resource name that the engine chose and remembers (DAV): a bare file name such as "UID.ics"
}

// Created tells where a new item is. Tag is "" when the server did not tell (or may have rewritten the item):
// it will be read again.
type Created struct {
	ID  string
	Tag string
}

// Ref names an item at a version; Tag "" means whatever its version.
type Ref struct {
	ID  string
	Tag string
}

// Watcher is a Service that can tell at once when something changes.
type Watcher interface {
	Service
	// Watch tells of changes in folders, until ctx ends (then its error) or the connection is lost (the error then). It
	// watches as many of the folders as one connection can, in this order of importance. watching is called once, before
	// anything is waited for, with those that it does watch; what changed earlier may not be told, so look once after
	// that. changed is called in the calling goroutine with the id of a folder in which something may be new, "" for the
	// list of folders. A service that cannot watch anything calls watching(nil) and returns nil. The connection is of no
	// other use while it watches, and must be closed after an error.
	Watch(ctx context.Context, folders []string, watching func(folders []string), changed func(folder string)) error
}

// Submitter sends mail (RFC 6409).
type Submitter interface {
	// Send hands one message to the server for every recipient. commit is called when everything but the final dot
	// has been sent and every recipient was accepted: from then on the message may have been accepted, whatever Send returns. If commit fails,
	// nothing is sent. An *Error with Sent true means that the outcome is unknown.
	Send(ctx context.Context, from string, to []string, raw []byte, commit func() error) error
	Close() error
}
