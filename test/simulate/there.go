package main

import (
	"strings"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/remote/fake"
)

// deliver brings a message to a folder of the server.
func (h *history) deliver(path string) {
	raw := h.mail(h.text())
	h.tell("there: %s arrives in %s", texts(raw), path)
	if h.server.AddMail(h.server.FolderID(path), raw, groupware.Flags{}, h.w.now) != "" {
		h.wrote(raw)
	}
}

// putThere stores a new object at the server.
func (h *history) putThere(path string) {
	uid := "there-" + name(h.text())
	raw, ext := h.event(uid), ".ics"
	if path == "Contacts" {
		raw, ext = h.card(uid), ".vcf"
	}
	h.tell("there: %s is new in %s", texts(raw), path)
	if h.server.PutObject(h.server.FolderID(path), uid+ext, raw) != "" {
		h.wrote(raw)
	}
}

// there is something that another client does, or the server to itself.
func (h *history) there() {
	flip := func() bool { return h.r.IntN(3) == 0 }
	var own, mails []remote.Folder
	for _, f := range h.server.Folders() {
		if strings.HasPrefix(f.Name, "text-") {
			own = append(own, f)
		}
		if f.Kind == groupware.FolderMail {
			mails = append(mails, f)
		}
	}
	in, _ := choose(h.r, mails)
	switch h.r.IntN(20) {
	case 0, 1, 2:
		raw := h.mail(h.text())
		h.tell("there: %s arrives in %s", texts(raw), in.Name)
		h.server.AddMail(in.ID, raw, groupware.Flags{}, h.w.now)
		h.wrote(raw)
	case 3:
		h.putThere([]string{"Calendar", "Contacts"}[h.r.IntN(2)])
	case 4:
		parent := ""
		if up, ok := choose(h.r, own); ok && flip() {
			parent = up.ID
		}
		name := h.text()
		h.tell("there: make folder %s in %q", name, parent)
		h.server.AddFolder(remote.NewFolder{Parent: parent, Name: name, Kind: groupware.FolderMail})
	case 5:
		if f, ok := choose(h.r, own); ok {
			parent, name := f.Parent, h.text()
			if up, _ := choose(h.r, own); flip() {
				parent = up.ID
			}
			h.tell("there: rename folder %s to %s in %q: %v", f.Name, name, parent, h.server.RenameFolder(f.ID, parent, name))
		}
	case 6:
		if f, ok := choose(h.r, own); ok && flip() {
			h.tell("there: delete folder %s", f.Name)
			h.emptied(f.ID)
			h.server.DeleteFolder(f.ID)
		}
	case 7:
		h.tell("there: renumber %s", in.Name)
		h.count("UIDVALIDITY changed")
		h.server.BumpUIDValidity(in.ID)
	case 8:
		if f, ok := choose(h.r, h.server.Folders()); ok && flip() {
			h.tell("there: reset mod-sequences of %s", f.Name)
			h.count("mod-sequences reset")
			h.server.ResetModSeq(f.ID)
		} else if ok {
			h.tell("there: forget tokens of %s", f.Name)
			h.count("sync tokens invalid")
			h.server.Forget(f.ID)
		}
	default:
		if it, ok := choose(h.r, h.server.Snapshot()); ok {
			h.touch(it, in.ID)
		}
	}
}

// touch is what another client does to an item.
func (h *history) touch(it fake.Item, to string) {
	flip := func() bool { return h.r.IntN(3) == 0 }
	switch {
	case it.Media != groupware.MediaMessage && !flip():
		next, old, text := h.edited(it.Raw)
		h.tell("there: edit %s, %s to %s", it.ID, old, text)
		h.replaced(it.Raw, old, text)
		h.server.PutObject(it.Folder, it.Name, next)
	case it.Media != groupware.MediaMessage:
		agreed := h.agreed(it)
		h.tell("there: delete %s %s, agreed %v", it.ID, texts(it.Raw), agreed)
		h.deleted(it.Raw, agreed)
		h.server.DeleteObject(it.Folder, it.ID)
	case it.Path == "Drafts" && flip() && len(texts(it.Raw)) > 0:
		next, old, text := h.edited(it.Raw)
		h.tell("there: edit the draft %s, %s to %s", it.ID, old, text)
		h.replaced(it.Raw, old, text)
		h.server.AddMail(it.Folder, next, it.Flags, h.w.now)
		h.server.DeleteMail(it.Folder, it.ID)
	case flip():
		flags := groupware.NewFlags(groupware.System(h.r.IntN(8)))
		h.tell("there: flag %s in %s %v", texts(it.Raw), it.Path, flags.Names())
		h.server.SetFlags(it.Folder, it.ID, flags)
	case flip():
		// One that is moved away before its creation was answered, and looked for, cannot be told from one that was never stored: it is
		// stored again, as no law asks for less than nothing lost.
		if h.known(it) && !h.unanswered(it.Raw) {
			h.tell("there: move %s from %s to %s", texts(it.Raw), it.Path, to)
			h.touched(it.Raw)
			h.server.MoveMail(it.Folder, it.ID, to)
		}
	default:
		agreed := h.agreed(it)
		h.tell("there: delete %s from %s, agreed %v", texts(it.Raw), it.Path, agreed)
		h.deleted(it.Raw, agreed)
		h.server.DeleteMail(it.Folder, it.ID)
	}
}
