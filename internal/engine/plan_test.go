package engine

import (
	"testing"

	"outpost/internal/groupware"

	"pgregory.net/rapid"
)

func genTriple(t *rapid.T) groupware.Triple {
	flags := func(n string) groupware.Flags {
		return groupware.NewFlags(groupware.System(rapid.IntRange(0, 3).Draw(t, n)))
	}
	folder := func(n string) groupware.FolderID { return groupware.FolderID(rapid.IntRange(1, 3).Draw(t, n)) }
	content := func(n string) groupware.Hash {
		return groupware.Hash{byte(rapid.IntRange(1, 3).Draw(t, n))}
	}
	tag := func(n string) string { return rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, n) }
	var tr groupware.Triple
	if rapid.Bool().Draw(t, "base") {
		tr.Base = &groupware.Base{Folder: folder("bf"), RemoteID: "1.1", Tag: tag("bt"), Flags: flags("bl"), Content: content("bc")}
	}
	if rapid.Bool().Draw(t, "local") {
		tr.Local = &groupware.Local{Folder: folder("lf"), Flags: flags("ll"), Content: content("lc")}
	}
	if rapid.Bool().Draw(t, "remote") {
		tr.Remote = &groupware.Remote{Folder: folder("rf"), RemoteID: "1.1", Tag: tag("rt"), Flags: flags("rl")}
	}
	return tr
}

// Whatever a person wrote here is in the result of every plan: kept, sent, or put aside as the loser of a clash.
func TestPlanNeverDropsALocalChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := genTriple(t)
		p := PlanItem(tr)
		if tr.Local == nil {
			return
		}
		changed := tr.Base == nil || tr.Local.Content != tr.Base.Content
		if !changed {
			return
		}
		switch p.Verb {
		case Create, Revive, Agree:
		case Update:
			if p.Content != Push && p.Content != Clash {
				t.Fatalf("%+v: local content neither sent nor put aside: %+v", tr, p)
			}
		default:
			t.Fatalf("%+v: local change lost by %+v", tr, p)
		}
	})
}

// What changed at the server is never removed there, and what nobody changed is left alone.
func TestPlanNeverRemovesWhatChangedThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := genTriple(t)
		p := PlanItem(tr)
		if p.Verb == RemoveThere && (tr.Remote.Tag != tr.Base.Tag || tr.Local != nil) {
			t.Fatalf("%+v: %+v", tr, p)
		}
		if p.Verb == RemoveHere && (tr.Remote != nil || tr.Local.Content != tr.Base.Content) {
			t.Fatalf("%+v: %+v", tr, p)
		}
	})
}

// Applying a plan without clash leads to three equal states, for which the plan is Nothing: a fixed point in one step.
func TestPlanReachesAFixedPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := genTriple(t)
		p := PlanItem(tr)
		if p.Verb != Update || p.Content == Clash {
			return
		}
		l, r := *tr.Local, *tr.Remote
		l.Flags, r.Flags, l.Folder, r.Folder = p.Flags, p.Flags, p.Where, p.Where
		switch p.Content {
		case Push:
			r.Tag = "new"
		case Take:
			l.Content = groupware.Hash{9}
		}
		b := groupware.Base{Folder: p.Where, RemoteID: r.RemoteID, Tag: r.Tag, Flags: p.Flags, Content: l.Content}
		if again := PlanItem(groupware.Triple{Base: &b, Local: &l, Remote: &r}); again.Verb != Nothing {
			t.Fatalf("%+v: %+v then %+v", tr, p, again)
		}
	})
}

func TestPlanOfEveryPresence(t *testing.T) {
	b := &groupware.Base{Folder: 1, RemoteID: "1.1", Tag: "a", Content: groupware.Hash{1}}
	l := &groupware.Local{Folder: 1, Content: groupware.Hash{1}}
	edited := &groupware.Local{Folder: 1, Content: groupware.Hash{2}}
	moved := &groupware.Local{Folder: 2, Content: groupware.Hash{1}}
	r := &groupware.Remote{Folder: 1, RemoteID: "1.1", Tag: "a"}
	rEdited := &groupware.Remote{Folder: 1, RemoteID: "1.1", Tag: "b"}
	for _, c := range []struct {
		name string
		t    groupware.Triple
		want Verb
	}{
		{"nothing anywhere", groupware.Triple{}, Nothing},
		{"new there", groupware.Triple{Remote: r}, Download},
		{"new here", groupware.Triple{Local: l}, Create},
		{"new on both sides", groupware.Triple{Local: l, Remote: r}, Agree},
		{"gone on both sides", groupware.Triple{Base: b}, Forget},
		{"deleted there", groupware.Triple{Base: b, Local: l}, RemoveHere},
		{"deleted there, edited here", groupware.Triple{Base: b, Local: edited}, Revive},
		{"deleted there, moved here", groupware.Triple{Base: b, Local: moved}, Revive},
		{"deleted here", groupware.Triple{Base: b, Remote: r}, RemoveThere},
		{"deleted here, edited there", groupware.Triple{Base: b, Remote: rEdited}, Restore},
		{"in agreement", groupware.Triple{Base: b, Local: l, Remote: r}, Nothing},
		{"edited here", groupware.Triple{Base: b, Local: edited, Remote: r}, Update},
	} {
		if got := PlanItem(c.t).Verb; got != c.want {
			t.Errorf("%s: verb %d, want %d", c.name, got, c.want)
		}
	}
}
