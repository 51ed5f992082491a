package groupware

import (
	"fmt"
	"slices"
	"strings"
)

// System is the set of flags with a meaning of their own (RFC 9051 2.3.2).
type System uint8

const (
	Seen System = 1 << iota
	Answered
	Flagged
	Draft
	Deleted // marked for expunge by another client, still there
)

var systemNames = [...]string{"seen", "answered", "flagged", "draft", "deleted"}

// Flags is a set of system flags and keywords. It is comparable with ==: Keywords holds the keywords in lower
// case (they compare without case, RFC 9051 2.3.2), sorted, each once, one space between them.
type Flags struct {
	System   System
	Keywords string
}

// NewFlags builds a Flags from system flags and keywords in any order and case.
func NewFlags(sys System, keywords ...string) Flags {
	f := Flags{System: sys}
	if len(keywords) == 0 {
		return f
	}
	ks := make([]string, 0, len(keywords))
	for _, k := range keywords {
		if k = strings.ToLower(strings.TrimSpace(k)); k != "" {
			ks = append(ks, k)
		}
	}
	slices.Sort(ks)
	f.Keywords = strings.Join(slices.Compact(ks), " ")
	return f
}

// ParseFlag reads one flag name as a person writes it: seen, answered, flagged, draft, deleted (a leading
// backslash is accepted), or a keyword, which must be an IMAP atom of at most 128 bytes.
func ParseFlag(name string) (Flags, error) {
	n := strings.ToLower(strings.TrimPrefix(name, `\`))
	for i, s := range systemNames {
		if s == n {
			return Flags{System: 1 << i}, nil
		}
	}
	if n == "" || len(n) > 128 || strings.ContainsFunc(n, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`(){%*"\]`, r)
	}) {
		return Flags{}, fmt.Errorf("%q cannot be a flag: use letters, digits and - _ $ . without spaces", name)
	}
	return Flags{Keywords: n}, nil
}

// KeywordList returns the keywords as a slice, nil when there are none.
func (f Flags) KeywordList() []string { return strings.Fields(f.Keywords) }

// Names lists the flags in words: system flags first, then keywords.
func (f Flags) Names() []string {
	out := []string{}
	for i, s := range systemNames {
		if f.System&(1<<i) != 0 {
			out = append(out, s)
		}
	}
	return append(out, f.KeywordList()...)
}

// Has reports whether every flag of g is in f.
func (f Flags) Has(g Flags) bool { return g.Minus(f).Empty() }

// Empty reports whether no flag is set.
func (f Flags) Empty() bool { return f.System == 0 && f.Keywords == "" }

// Plus returns the union of f and g.
func (f Flags) Plus(g Flags) Flags {
	if g.Keywords == "" || f.Keywords == g.Keywords {
		return Flags{f.System | g.System, f.Keywords}
	}
	return NewFlags(f.System|g.System, append(f.KeywordList(), g.KeywordList()...)...)
}

// Minus returns the flags of f that are not in g.
func (f Flags) Minus(g Flags) Flags {
	out := Flags{System: f.System &^ g.System}
	if f.Keywords == "" || g.Keywords == "" {
		out.Keywords = f.Keywords
		return out
	}
	drop := g.KeywordList()
	out.Keywords = strings.Join(slices.DeleteFunc(f.KeywordList(), func(k string) bool { return slices.Contains(drop, k) }), " ")
	return out
}

// MergeFlags merges bit by bit: what either side changed since base is changed in the result (DESIGN "Three states").
func MergeFlags(base, local, remote Flags) Flags {
	return base.Plus(local.Minus(base)).Plus(remote.Minus(base)).Minus(base.Minus(local)).Minus(base.Minus(remote))
}
