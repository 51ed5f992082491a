package merge

import (
	"strconv"
	"strings"
)

// group is the properties of a vCard that belong together by their prefix, "item1" (RFC 6350 3.3). The name means nothing: programs
// number groups as they like.
type group struct {
	name  string // lower case
	means string
	lines []*line
}

func (m *merger) groups(c *component) []*group {
	if c == nil {
		return nil
	}
	var list []*group
	by := map[string]*group{}
	for _, e := range c.Entries {
		if e.Line == nil || e.Line.Group == "" {
			continue
		}
		name := strings.ToLower(e.Line.Group)
		g := by[name]
		if g == nil {
			g = &group{name: name}
			by[name] = g
			list = append(list, g)
		}
		g.lines = append(g.lines, e.Line)
	}
	for _, g := range list {
		g.means = m.canonAll(g.lines)
	}
	return list
}

// alignGroups gives the groups of base and local the names that the same groups have on the remote side, and groups that
// are not there names that are free.
func (m *merger) alignGroups(c [sides]*component) {
	b, l, r := m.groups(c[base]), m.groups(c[local]), m.groups(c[remote])
	if len(b)+len(l) == 0 {
		return
	}
	inBase := matchGroups(l, b, true)
	inRemote := matchGroups(b, r, true)
	claimed := map[*group]bool{}
	for _, g := range inRemote {
		claimed[g] = true
	}
	var fresh, unclaimed []*group // those that remote has not, or not as base has them: remote may have the same as local
	for _, g := range l {
		if inBase[g] == nil || inRemote[inBase[g]] == nil {
			fresh = append(fresh, g)
		}
	}
	for _, g := range r {
		if !claimed[g] {
			unclaimed = append(unclaimed, g)
		}
	}
	for g, x := range matchGroups(fresh, unclaimed, false) {
		if inRemote[g] = x; inBase[g] != nil {
			inRemote[inBase[g]] = x
		}
	}
	used := map[string]bool{}
	for _, g := range r {
		used[g.name] = true
	}
	n := 0
	name := func(g *group) string {
		if x := inRemote[g]; x != nil {
			return x.lines[0].Group
		}
		if !used[g.name] {
			used[g.name] = true
			return g.lines[0].Group
		}
		for {
			n++
			if free := "item" + strconv.Itoa(n); !used[free] {
				used[free] = true
				return free
			}
		}
	}
	names := map[*group]string{}
	for _, g := range b {
		names[g] = name(g)
	}
	for _, g := range l {
		to := names[inBase[g]]
		if inBase[g] == nil {
			to = name(g)
		}
		for _, x := range g.lines {
			x.SetGroup(to)
		}
	}
	for _, g := range b {
		for _, x := range g.lines {
			x.SetGroup(names[g])
		}
	}
}

// matchGroups finds for groups the same ones in another list: those that say the same, then, where names count, those of the same name.
func matchGroups(a, b []*group, names bool) map[*group]*group {
	out := map[*group]*group{}
	taken := map[*group]bool{}
	pass := func(key func(*group) string) {
		by := map[string][]*group{}
		for _, g := range b {
			if !taken[g] {
				by[key(g)] = append(by[key(g)], g)
			}
		}
		for _, g := range a {
			k := key(g)
			if list := by[k]; out[g] == nil && len(list) > 0 {
				out[g], by[k] = list[0], list[1:]
				taken[list[0]] = true
			}
		}
	}
	if names {
		pass(func(g *group) string { return g.name + "\x00" + g.means })
	}
	pass(func(g *group) string { return g.means })
	if names {
		pass(func(g *group) string { return g.name })
	}
	return out
}
