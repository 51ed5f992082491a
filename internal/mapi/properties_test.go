package mapi

import (
	"slices"
	"testing"
	"time"
)

var tagSubject, tagSubject8 = MakeTag(0x0037, TypeString), MakeTag(0x0037, TypeString8)

func TestAPropertyIsFoundByItsIdAndType(t *testing.T) {
	var p Properties
	p.Set(tagSubject, "Hello")
	if v, ok := p.Get(tagSubject); !ok || v != "Hello" {
		t.Errorf("subject is %v, %v", v, ok)
	}
	if v, ok := p.Get(tagSubject8); ok {
		t.Errorf("a text was given as String8: %v", v)
	}
	if v, ok := p.Get(MakeTag(0x0037, TypeUnspecified)); !ok || v != "Hello" {
		t.Errorf("of any type the subject is %v, %v", v, ok)
	}
}

func TestAnotherTypeOfAPropertyTakesItsPlace(t *testing.T) {
	var p Properties
	p.Set(tagSubject, "Hello")
	p.Set(tagSubject, String8("Gr\xfc\xdfe"))
	if _, ok := p.Get(tagSubject); ok || p.Len() != 1 {
		t.Errorf("the first one is still there: %d", p.Len())
	}
	for prop := range p.All() {
		if prop.Tag != tagSubject8 {
			t.Errorf("tag %s", prop.Tag)
		}
	}
}

func TestPropertiesKeepTheirOrderWhenOneIsDeleted(t *testing.T) {
	var p Properties
	keywords := NameString(PSPublicStrings(), "Keywords")
	p.Set(MakeTag(1, TypeInteger32), int32(1))
	p.Set(MakeTag(2, TypeInteger32), int32(2))
	p.SetNamed(keywords, []string{"red"})
	p.Set(MakeTag(3, TypeInteger32), int32(3))
	c := p.Clone()
	p.Delete(MakeTag(2, TypeInteger64)) // whatever its type
	p.Set(MakeTag(1, TypeInteger32), int32(11))
	var got []Value
	for prop := range p.All() {
		got = append(got, prop.Value)
	}
	if want := []Value{int32(11), []string{"red"}, int32(3)}; !slices.EqualFunc(got, want, Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
	if v, ok := p.GetNamed(keywords, TypeMultipleString); !ok || !Equal(v, []string{"red"}) {
		t.Errorf("keywords are %v, %v", v, ok)
	}
	p.DeleteNamed(keywords)
	if v, ok := p.Get(MakeTag(3, TypeInteger32)); !ok || v != int32(3) {
		t.Errorf("what came after the deleted is %v, %v", v, ok)
	}
	if v, ok := c.Get(MakeTag(1, TypeInteger32)); !ok || v != int32(1) || c.Len() != 4 {
		t.Errorf("the clone changed: %v, %d", v, c.Len())
	}
}

func TestTheTypeOfAPropertyIsThatOfItsValue(t *testing.T) {
	var p Properties
	p.Set(tagSubject, ErrNotEnoughMemory)
	if v, ok := p.Get(tagSubject.WithType(TypeErrorCode)); !ok || v != ErrNotEnoughMemory {
		t.Errorf("got %v, %v", v, ok)
	}
}

func TestValuesAreEqualWhenTypeAndValueAre(t *testing.T) {
	now := time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		a, b Value
		want bool
	}{
		{int32(1), int32(1), true}, {int32(1), int64(1), false}, {"a", "a", true}, {"a", String8("a"), false},
		{now, now.In(time.FixedZone("", 3600)), true}, {[]byte(nil), []byte{}, true}, {[]string(nil), []string{}, true},
		{[]byte{1}, Object{1}, false}, {[][]byte{{1}}, [][]byte{{1}}, true}, {[]time.Time{now}, []time.Time{now.Local()}, true},
		{[]int32{1, 2}, []int32{1, 3}, false}, {nil, nil, true}, {nil, int16(0), false},
	} {
		if got := Equal(c.a, c.b); got != c.want {
			t.Errorf("Equal(%#v, %#v) is %v", c.a, c.b, got)
		}
	}
}
