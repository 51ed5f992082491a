package engine

import (
	"testing"

	"outpost/internal/groupware"

	"pgregory.net/rapid"
)

// story is what became of an item on both sides since they agreed: the planner is to see nothing else in a triple.
type story struct {
	agreed     bool // there was something to agree on
	here       fate
	there      fate
	thin       bool // only a part of it is here
	renumbered bool // the server calls it otherwise now
	flags      groupware.Flags
}

type fate struct {
	absent bool
	edited bool
	place  groupware.FolderID // 1 is where it was
	flags  groupware.Flags
}

func genStory(t *rapid.T) story {
	flags := func(n string) groupware.Flags {
		return groupware.NewFlags(groupware.System(rapid.IntRange(0, 31).Draw(t, n)), rapid.SliceOfN(rapid.SampledFrom([]string{"work", "home"}), 0, 2).Draw(t, n+" keywords")...)
	}
	one := func(n string) fate {
		return fate{rapid.IntRange(0, 3).Draw(t, n+" absent") == 0, rapid.Bool().Draw(t, n+" edited"), groupware.FolderID(rapid.IntRange(1, 3).Draw(t, n+" place")), flags(n)}
	}
	s := story{agreed: rapid.IntRange(0, 4).Draw(t, "agreed") > 0, here: one("here"), there: one("there"), flags: flags("agreed"), renumbered: rapid.Bool().Draw(t, "renumbered")}
	s.thin = s.agreed && !s.here.edited && rapid.Bool().Draw(t, "thin")
	return s
}

func (s story) triple() (t groupware.Triple) {
	content := func(edited bool) groupware.Hash {
		switch {
		case edited:
			return groupware.Hash{2}
		case s.thin:
			return groupware.Hash{}
		}
		return groupware.Hash{1}
	}
	if s.agreed {
		t.Base = &groupware.Base{Folder: 1, RemoteID: "1.1", Tag: "a", Flags: s.flags, Content: content(false)}
	}
	if !s.here.absent {
		t.Local = &groupware.Local{Folder: s.here.place, Flags: s.here.flags, Content: content(s.here.edited)}
	}
	if !s.there.absent {
		t.Remote = &groupware.Remote{Folder: s.there.place, RemoteID: "1.1", Tag: "a", Flags: s.there.flags}
		if s.there.edited {
			t.Remote.Tag = "b"
		}
		if s.renumbered {
			t.Remote.RemoteID = "2.1"
		}
	}
	return t
}

// A plan depends on the three states alone, and making it changes none of them.
func TestPlanIsAPureFunction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genStory(t)
		tr := s.triple()
		p := PlanItem(tr)
		tr.Item = 77
		if again, fresh := PlanItem(tr), PlanItem(s.triple()); again != p || fresh != p {
			t.Fatalf("%+v: %+v, then %+v and %+v", s, p, again, fresh)
		}
	})
}

// What happened on one side only is carried to the other, whichever that is: seen from the other side the plan is the same. Where both moved
// an item the server decides, and a flag alone brings nothing back on either side.
func TestPlanTreatsBothSidesAlike(t *testing.T) {
	verb := map[Verb]Verb{Download: Create, Create: Download, RemoveHere: RemoveThere, RemoveThere: RemoveHere, Revive: Restore, Restore: Revive}
	way := map[Way]Way{Push: Take, Take: Push}
	rapid.Check(t, func(t *rapid.T) {
		s := genStory(t)
		s.thin = false
		if s.here.place != 1 && s.there.place != 1 && !s.here.absent && !s.there.absent {
			return
		}
		m := s
		m.here, m.there = s.there, s.here
		p, q := PlanItem(s.triple()), PlanItem(m.triple())
		mirror := func(w Way) Way {
			if v, ok := way[w]; ok {
				return v
			}
			return w
		}
		if v, ok := verb[p.Verb]; ok {
			p.Verb = v
		}
		if p.Content, p.Folder = mirror(p.Content), mirror(p.Folder); p != q {
			t.Fatalf("%+v: mirrored %+v, seen from the other side %+v", s, p, q)
		}
	})
}

// Each aspect is planned by itself: content, place and every flag go where they were not changed.
func TestPlanOfAnUpdateCarriesEveryAspect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genStory(t)
		s.agreed, s.here.absent, s.there.absent = true, false, false
		p := PlanItem(s.triple())
		if p.Verb == Nothing {
			if s.here.edited || s.there.edited || s.here.place != 1 || s.there.place != 1 || s.here.flags != s.flags || s.there.flags != s.flags || s.renumbered {
				t.Fatalf("%+v: nothing is planned", s)
			}
			return
		}
		want := map[[2]bool]Way{{true, true}: Clash, {true, false}: Push, {false, true}: Take, {false, false}: Keep}[[2]bool{s.here.edited, s.there.edited}]
		where := s.there.place
		if where == 1 {
			where = s.here.place
		}
		if p.Verb != Update || p.Content != want || p.Where != where || (p.Folder == Keep) != (s.here.place == 1 && s.there.place == 1) {
			t.Fatalf("%+v: %+v", s, p)
		}
		for _, one := range []groupware.Flags{{System: groupware.Seen}, {System: groupware.Deleted}, {Keywords: "work"}, {Keywords: "home"}} {
			should := s.here.flags.Has(one)
			if should == s.flags.Has(one) {
				should = s.there.flags.Has(one)
			}
			if p.Flags.Has(one) != should {
				t.Fatalf("%+v: flag %+v: %+v", s, one, p)
			}
		}
	})
}

// Whatever happened, carrying out plans ends after at most three, with both sides alike or both empty.
func TestPlansEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genStory(t)
		tr := s.triple()
		for range 4 {
			p := PlanItem(tr)
			l, r := tr.Local, tr.Remote
			switch p.Verb {
			case Nothing:
				if (tr.Local == nil) != (tr.Remote == nil) || l != nil && (l.Folder != r.Folder || l.Flags != r.Flags) {
					t.Fatalf("%+v ends with %+v here and %+v there", s, l, r)
				}
				return
			case Download, Restore:
				tr.Local = &groupware.Local{Folder: r.Folder, Flags: r.Flags, Content: groupware.Hash{3}}
				tr.Base = &groupware.Base{Folder: r.Folder, RemoteID: r.RemoteID, Tag: r.Tag, Flags: r.Flags, Content: groupware.Hash{3}}
			case Create:
				tr.Remote = &groupware.Remote{Folder: l.Folder, RemoteID: "9.9", Tag: "new", Flags: l.Flags}
				tr.Base = &groupware.Base{Folder: l.Folder, RemoteID: "9.9", Tag: "new", Flags: l.Flags, Content: l.Content}
			case Agree: // read, and the same or put aside
				tr.Base = &groupware.Base{Folder: r.Folder, RemoteID: r.RemoteID, Tag: r.Tag, Flags: r.Flags, Content: l.Content}
			case Forget, RemoveHere:
				tr = groupware.Triple{}
			case RemoveThere:
				tr.Remote = nil
			case Revive:
				tr.Base = nil
			case Update:
				content := l.Content
				if p.Content == Take || p.Content == Clash {
					content = groupware.Hash{4}
				}
				tr.Local = &groupware.Local{Folder: p.Where, Flags: p.Flags, Content: content}
				tr.Remote = &groupware.Remote{Folder: p.Where, RemoteID: r.RemoteID, Tag: r.Tag, Flags: p.Flags}
				tr.Base = &groupware.Base{Folder: p.Where, RemoteID: r.RemoteID, Tag: r.Tag, Flags: p.Flags, Content: content}
			}
		}
		t.Fatalf("%+v: still %+v", s, PlanItem(tr))
	})
}
