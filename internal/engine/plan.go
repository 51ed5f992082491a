package engine

import "outpost/internal/groupware"

// Verb is what a plan does with an item as a whole.
type Verb int

const (
	Nothing     Verb = iota
	Download         // only the server has it
	Create           // only we have it
	Agree            // both have it and never agreed on it: its contents are compared
	Forget           // gone on both sides
	RemoveHere       // deleted there, not changed here
	RemoveThere      // deleted here, not changed there
	Revive           // deleted there, changed here: the change survives and is created again
	Restore          // deleted here, changed there: the change survives and is read again
	Update           // on both sides: the fields of Plan below say what differs
)

// Way is what happens to one aspect of an item that both sides have.
type Way int

const (
	Keep  Way = iota
	Push      // changed here: send
	Take      // changed there: take over
	Clash     // changed on both sides
)

// Plan is what to do for one item. Only Verb Update uses the other fields.
type Plan struct {
	Verb    Verb
	Content Way
	Folder  Way                // never Clash: where both sides moved it, the server's place stays
	Flags   groupware.Flags    // the merged set that both sides shall have
	Where   groupware.FolderID // where both sides shall have it
}

// PlanItem decides from the three states what to do. It is pure, and it is made again from fresh states whenever a
// precondition failed (DESIGN "Three states, one plan").
func PlanItem(t groupware.Triple) Plan {
	b, l, r := t.Base, t.Local, t.Remote
	switch {
	case b == nil && l == nil && r == nil:
		return Plan{Verb: Nothing}
	case b == nil && l == nil:
		return Plan{Verb: Download}
	case b == nil && r == nil:
		return Plan{Verb: Create}
	case b == nil:
		return Plan{Verb: Agree}
	case l == nil && r == nil:
		return Plan{Verb: Forget}
	case r == nil:
		// A flag set here is no reason to bring a deleted message back; new content and a new place are.
		if l.Content != b.Content || l.Folder != b.Folder && l.Content != (groupware.Hash{}) {
			return Plan{Verb: Revive}
		}
		return Plan{Verb: RemoveHere}
	case l == nil:
		if r.Tag != b.Tag || r.Folder != b.Folder {
			return Plan{Verb: Restore}
		}
		return Plan{Verb: RemoveThere}
	}
	p := Plan{Verb: Update, Flags: groupware.MergeFlags(b.Flags, l.Flags, r.Flags), Where: b.Folder}
	p.Content = way(l.Content != b.Content, r.Tag != b.Tag)
	switch way(l.Folder != b.Folder, r.Folder != b.Folder) {
	case Push:
		p.Folder, p.Where = Push, l.Folder
	case Take, Clash:
		p.Folder, p.Where = Take, r.Folder
	}
	if p.Content == Keep && p.Folder == Keep && p.Flags == l.Flags && p.Flags == r.Flags && p.Flags == b.Flags && r.RemoteID == b.RemoteID {
		p.Verb = Nothing
	}
	return p
}

func way(here, there bool) Way {
	switch {
	case here && there:
		return Clash
	case here:
		return Push
	case there:
		return Take
	}
	return Keep
}
