package mapi

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// The elements of MS-OXCFXICS 2.2.4.1: propDef with and without namedPropInfo, then the value.
func TestPropertiesOfAStreamHaveTheBytesOfTheSpecification(t *testing.T) {
	for _, c := range []struct {
		p    Property
		want string
	}{
		{Property{Tag: TagSubject, Value: "a"}, "1F00 3700 04000000 6100 0000"},
		{Property{Tag: TagHasAttachments, Value: true}, "0B00 1B0E 0100"},
		{Property{Tag: MakeTag(0, TypeInteger32), Name: LidBusyStatus.Name(), Value: int32(2)}, "0300 0180 0220060000000000C000000000000046 00 05820000 02000000"},
		{Property{Tag: MakeTag(0, TypeMultipleString), Name: NameKeywords.Name(), Value: []string{"a"}},
			"1F10 0180 2903020000000000C000000000000046 01 4B006500790077006F00720064007300 0000 01000000 04000000 6100 0000"},
	} {
		want := unhex(t, c.want)
		if got, err := AppendPropValue(nil, c.p, 0x8001); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%+v: % x, %v, want % x", c.p, got, err, want)
		}
		p, id, rest, err := DecodePropValue(append(want, 9))
		if err != nil || !equalDeep(p, c.p) || !bytes.Equal(rest, []byte{9}) {
			t.Errorf("read %+v, %v, % x, want %+v", p, err, rest, c.p)
		}
		if named := !c.p.Name.IsZero(); named != (id == 0x8001) {
			t.Errorf("the id is 0x%04X", id)
		}
	}
}

// MS-OXCFXICS 2.2.4.1.1: a type with the highest bit names a code page.
func TestTextOfAStreamMayNameItsCodePage(t *testing.T) {
	for data, want := range map[string]Property{
		"B084 3700 04000000 6100 0000": {Tag: TagSubject, Value: "a"},
		"E484 3700 02000000 E4 00":     {Tag: TagSubject.WithType(TypeString8), Value: String8("\xe4")},
	} {
		if p, _, _, err := DecodePropValue(unhex(t, data)); err != nil || !equalDeep(p, want) {
			t.Errorf("read %+v, %v, want %+v", p, err, want)
		}
	}
}

func TestAPropertyThatAStreamCannotHoldIsAnError(t *testing.T) {
	for _, p := range []Property{
		{Tag: 0x8001001F, Value: "a"}, {Tag: TagSubject, Value: int32(1)}, {Name: LidBusyStatus.Name(), Value: Null{}},
		{Name: Name{Kind: 7}, Value: "a"}, {Name: NameString(PSMAPI(), "a\x00"), Value: "a"},
	} {
		if got, err := AppendPropValue(nil, p, 0x8001); err == nil {
			t.Errorf("%+v was written as % x", p, got)
		}
	}
	if got, err := AppendPropValue(nil, Property{Name: LidBusyStatus.Name(), Value: int32(1)}, 0x7FFF); err == nil {
		t.Errorf("a named property with the id of another: % x", got)
	}
}

// The structure of MS-OXCDATA 2.6.1.
func TestPropertyNamesHaveTheBytesOfTheSpecification(t *testing.T) {
	for data, want := range map[string]Name{
		"00 0220060000000000C000000000000046 05820000":                                LidBusyStatus.Name(),
		"01 2903020000000000C000000000000046 12 4B006500790077006F007200640073000000": NameKeywords.Name(),
		"FF 2803020000000000C000000000000046":                                         {Kind: KindNone, Set: PSMAPI()},
	} {
		raw := unhex(t, data)
		if got, rest, err := DecodePropertyName(append(raw, 9)); err != nil || got != want || !bytes.Equal(rest, []byte{9}) {
			t.Errorf("read %s, %v, % x, want %s", got, err, rest, want)
		}
		if got, err := AppendPropertyName(nil, want); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("written % x, %v, want % x", got, err, raw)
		}
		for n := range raw {
			if got, _, err := DecodePropertyName(raw[:n]); err == nil {
				t.Errorf("%d of %d bytes were read as %s", n, len(raw), got)
			}
		}
	}
	if got, err := AppendPropertyName(nil, NameString(PSMAPI(), string(bytes.Repeat([]byte{'a'}, 128)))); err == nil {
		t.Errorf("a name that is too long was written as % x", got)
	}
}

func TestAMessageSurvivesAStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want, got Properties
		for range rapid.IntRange(0, 8).Draw(t, "properties") {
			v := genValue().Draw(t, "value")
			if rapid.Bool().Draw(t, "named") {
				want.SetNamed(NameString(genGUID().Draw(t, "set"), genText().Draw(t, "name")), v)
			} else {
				want.Set(MakeTag(rapid.Uint16Range(1, 0x7FFF).Draw(t, "id"), TypeUnspecified), v)
			}
		}
		var data []byte
		var err error
		id := FirstNamedID
		for p := range want.All() {
			if data, err = AppendPropValue(data, p, id); err != nil {
				t.Fatal(err)
			}
			id++
		}
		for len(data) > 0 {
			var p Property
			if p, _, data, err = DecodePropValue(data); err != nil {
				t.Fatal(err)
			}
			got.SetProperty(p)
		}
		if got.Len() != want.Len() {
			t.Fatalf("%d properties, want %d", got.Len(), want.Len())
		}
		i := 0
		for p := range want.All() {
			if g := got.list[i]; g.Tag != p.Tag || g.Name != p.Name || !Equal(g.Value, p.Value) {
				t.Fatalf("got %+v, want %+v", g, p)
			}
			i++
		}
	})
}

func FuzzPropValue(f *testing.F) {
	for _, seed := range []string{
		"1F00 3700 04000000 6100 0000", "0300 0180 0220060000000000C000000000000046 00 05820000 02000000",
		"1F10 0180 2903020000000000C000000000000046 01 4B006500790077006F00720064007300 0000 01000000 04000000 6100 0000",
		"01 2903020000000000C000000000000046 12 4B006500790077006F007200640073000000", "E484 3700 02000000 E4 00",
	} {
		f.Add(unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if n, rest, err := DecodePropertyName(data); err == nil {
			out, err := AppendPropertyName(nil, n)
			if err != nil || !bytes.Equal(out, data[:len(data)-len(rest)]) {
				t.Fatalf("written % x, %v", out, err)
			}
		}
		p, id, _, err := DecodePropValue(data)
		if err != nil {
			return
		}
		out, err := AppendPropValue(nil, p, id)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if again, _, rest, err := DecodePropValue(out); err != nil || again.Tag != p.Tag || again.Name != p.Name || len(rest) > 0 {
			t.Fatalf("got %+v, %v, % x, want %+v", again, err, rest, p)
		}
		var set Properties
		set.SetProperty(p)
	})
}
