package groupware

import (
	"testing"

	"pgregory.net/rapid"
)

func TestFlagNamesRoundTrip(t *testing.T) {
	var f Flags
	for _, n := range []string{"seen", `\Flagged`, "$Forwarded", "work", "Work"} {
		g, err := ParseFlag(n)
		if err != nil {
			t.Fatal(err)
		}
		f = f.Plus(g)
	}
	if f != NewFlags(Seen|Flagged, "work", "$forwarded") {
		t.Fatalf("got %v", f)
	}
	for _, bad := range []string{"", "two words", "a(b", "caf\u00e9", `a\b`} {
		if _, err := ParseFlag(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func genFlags(t *rapid.T, name string) Flags {
	return NewFlags(System(rapid.IntRange(0, 31).Draw(t, name)), rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 4).Draw(t, name+"k")...)
}

// Flags merge bit by bit: a bit that one side changed is as that side has it, whichever side that is.
func TestMergeFlagsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base, local, remote := genFlags(t, "base"), genFlags(t, "local"), genFlags(t, "remote")
		got := MergeFlags(base, local, remote)
		if got != MergeFlags(base, remote, local) {
			t.Fatal("not symmetric")
		}
		for i := range 5 {
			bit := Flags{System: 1 << i}
			want := local.Has(bit)
			if want == base.Has(bit) {
				want = remote.Has(bit)
			}
			if got.Has(bit) != want {
				t.Fatalf("bit %d: base %v local %v remote %v got %v", i, base, local, remote, got)
			}
		}
		for _, k := range []string{"a", "b", "c", "d"} {
			kw := Flags{Keywords: k}
			want := local.Has(kw)
			if want == base.Has(kw) {
				want = remote.Has(kw)
			}
			if got.Has(kw) != want {
				t.Fatalf("keyword %s: base %v local %v remote %v got %v", k, base, local, remote, got)
			}
		}
	})
}
