package fake

import (
	"slices"
	"time"

	"outpost/internal/groupware"
	"outpost/internal/remote"
)

// Item is one item as the server holds it.
type Item struct {
	Folder   string // id
	Path     string // of the folder, "Inbox/Sub"
	ID       string
	Name     string // resource name, of objects
	Tag      string
	Flags    groupware.Flags
	Media    groupware.Media
	Received time.Time
	Hash     groupware.Hash
	Raw      []byte // not to be changed
}

// Snapshot lists every item, folder by folder.
func (s *Server) Snapshot() []Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Item
	for _, f := range s.folders {
		for _, it := range f.sorted() {
			out = append(out, Item{Folder: s.id(f), Path: path(f), ID: it.id, Name: it.name, Tag: it.tag, Flags: it.flags,
				Media: it.media, Received: it.received, Hash: groupware.HashOf(it.raw), Raw: it.raw})
		}
	}
	return out
}

// Folders lists every folder of every service, parents before children.
func (s *Server) Folders() []remote.Folder {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []remote.Folder
	for _, f := range s.folders {
		out = append(out, s.show(f))
	}
	return out
}

// FolderID finds a folder by its path of names ("Inbox", "Work/2026", "Calendar"); "" when there is none.
func (s *Server) FolderID(p string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.folders {
		if path(f) == p {
			return s.id(f)
		}
	}
	return ""
}

// What follows is what another client of the account does. It meets no faults and does not count as Writes. A folder or
// item that is not there is answered with false or "".

// AddFolder makes a folder and returns its id; "" when the name is taken or not possible.
func (s *Server) AddFolder(n remote.NewFolder) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.checkName("", serviceOf(n.Kind), n.Parent, n.Name, nil) != nil {
		return ""
	}
	return s.id(s.makeFolder(n))
}

// RenameFolder gives a folder another name and parent.
func (s *Server) RenameFolder(id, parent, name string) bool {
	return s.with(id, func(f *folder) bool {
		if s.checkName("", f.service, parent, name, f) != nil {
			return false
		}
		s.renameFolder(f, parent, name)
		return true
	})
}

// DeleteFolder removes a folder and all that is in it.
func (s *Server) DeleteFolder(id string) bool {
	return s.with(id, func(f *folder) bool { s.deleteFolder(f); return true })
}

// SetReadOnly takes or gives the right to write.
func (s *Server) SetReadOnly(id string, readOnly bool) bool {
	return s.with(id, func(f *folder) bool {
		f.readOnly = readOnly
		s.tell(f.service, nil)
		return true
	})
}

// BumpUIDValidity renumbers a mail folder: all ids are new, all content is the same.
func (s *Server) BumpUIDValidity(id string) bool {
	return s.with(id, func(f *folder) bool {
		if f.service != "imap" {
			return false
		}
		s.validity++
		old := f.sorted()
		f.validity, f.nextUID, f.items, f.gone = s.validity, 1, map[string]*item{}, map[string]uint64{}
		f.modseq++
		for _, it := range old {
			it.uid, it.modseq = f.nextUID, f.modseq
			it.id = f.mailID(it.uid)
			f.items[it.id] = it
			f.nextUID++
		}
		s.tell(f.service, f)
		return true
	})
}

// Forget makes the state tokens told so far unknown.
func (s *Server) Forget(id string) bool {
	return s.with(id, func(f *folder) bool {
		f.modseq++
		f.floor, f.gone = f.modseq, map[string]uint64{}
		s.tell(f.service, f)
		return true
	})
}

// ResetModSeq begins the mod-sequences of a folder anew, as a server does that was rebuilt (RFC 7162 3.1.2.2): what was told before is unknown.
func (s *Server) ResetModSeq(id string) bool {
	return s.with(id, func(f *folder) bool {
		f.era++
		f.modseq, f.floor, f.gone = 1, 0, map[string]uint64{}
		for _, it := range f.items {
			it.modseq = 1
		}
		s.tell(f.service, f)
		return true
	})
}

// Hide makes a folder look empty, as after a failed mount at the server, or shows it again. Nothing in it changes.
func (s *Server) Hide(id string, hidden bool) bool {
	return s.with(id, func(f *folder) bool { f.hidden = hidden; s.tell(f.service, f); return true })
}

// Empty deletes every item of a folder.
func (s *Server) Empty(id string) bool {
	return s.with(id, func(f *folder) bool {
		for _, it := range f.sorted() {
			s.remove(f, it)
		}
		return true
	})
}

// AddMail delivers a message and returns its id.
func (s *Server) AddMail(in string, raw []byte, flags groupware.Flags, received time.Time) (id string) {
	s.with(in, func(f *folder) bool {
		if f.service == "imap" {
			id = s.put(f, remote.NewItem{Raw: raw, Flags: flags, Received: received}).id
		}
		return true
	})
	return id
}

// SetFlags gives a message exactly these flags.
func (s *Server) SetFlags(in, id string, flags groupware.Flags) bool {
	return s.withItem(in, id, func(f *folder, it *item) { s.setFlags(f, it, flags) })
}

// MoveMail moves an item to another folder of the same service and returns its new id.
func (s *Server) MoveMail(in, id, to string) (newID string) {
	s.withItem(in, id, func(f *folder, it *item) {
		if target := s.find(to); target != nil && target.service == f.service {
			newID = s.move(f, it, target).id
		}
	})
	return newID
}

// DeleteMail removes a message for good.
func (s *Server) DeleteMail(in, id string) bool {
	return s.withItem(in, id, func(f *folder, it *item) { s.remove(f, it) })
}

// PutObject stores a calendar object or contact under a resource name, new or not, and returns its id.
func (s *Server) PutObject(in, name string, raw []byte) (id string) {
	s.with(in, func(f *folder) bool {
		if f.service != "imap" {
			id = s.put(f, remote.NewItem{Name: name, Raw: raw}).id
		}
		return true
	})
	return id
}

// DeleteObject removes a calendar object or contact by its id.
func (s *Server) DeleteObject(in, id string) bool { return s.DeleteMail(in, id) }

func (s *Server) with(id string, fn func(*folder) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.find(id)
	return f != nil && fn(f)
}

func (s *Server) withItem(in, id string, fn func(*folder, *item)) bool {
	return s.with(in, func(f *folder) bool {
		it := f.items[id]
		if it == nil {
			return false
		}
		fn(f, it)
		return true
	})
}

// Sent lists the messages that were accepted for delivery.
func (s *Server) Sent() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}
