package mapi

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestValuesOfEachTypeHaveAnOrder(t *testing.T) {
	early := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct{ less, more Value }{
		{int16(-1), int16(1)}, {int16(1), int32(2)}, {int32(-5), int64(4)}, {int64(1), int16(2)},
		{float32(1), float32(2)}, {float32(1), float64(2)}, {float64(1), float32(2)}, {Currency(1), Currency(2)}, {FloatingTime(1), FloatingTime(2)},
		{ErrNotFound, ErrAccessDenied}, {false, true}, {"a", "B"}, {"Ärger", "ÄRGERLICH"}, {String8("a"), String8("B")},
		{early, early.Add(100)}, {GUID{1}, GUID{2}}, {[]byte{1}, []byte{1, 0}}, {ServerID{1}, ServerID{2}},
	} {
		if order, ok := CompareValues(c.less, c.more); !ok || order != -1 {
			t.Errorf("%#v before %#v: %d, %v", c.less, c.more, order, ok)
		}
		if order, ok := CompareValues(c.more, c.less); !ok || order != 1 {
			t.Errorf("%#v after %#v: %d, %v", c.more, c.less, order, ok)
		}
		if order, ok := CompareValues(c.less, c.less); !ok || order != 0 {
			t.Errorf("%#v and itself: %d, %v", c.less, order, ok)
		}
	}
	for _, c := range [][2]Value{{"a", String8("a")}, {int32(1), float64(1)}, {[]int32{1}, []int32{2}}, {Object{1}, Object{2}}, {Null{}, Null{}}, {early, "a"}} {
		if order, ok := CompareValues(c[0], c[1]); ok {
			t.Errorf("%#v and %#v: %d", c[0], c[1], order)
		}
	}
}

func TestTheOrderOfTwoValuesTurnsWithThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genValue().Draw(t, "a"), genValue().Draw(t, "b")
		there, ok := CompareValues(a, b)
		back, okBack := CompareValues(b, a)
		if ok != okBack || there != -back {
			t.Fatalf("%d, %v and back %d, %v", there, ok, back, okBack)
		}
		if order, ok := CompareValues(a, a); ok && order != 0 {
			t.Fatalf("a value differs from itself by %d", order)
		}
		if !Equal(a, a) {
			t.Fatal("a value is not equal to itself")
		}
	})
}

func TestOneOfManyValuesOfEachTypeIsFound(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		many, one Value
		size      uint32
	}{
		{[]int16{1, 2}, int16(2), 4}, {[]int32{1, 2}, int32(2), 8}, {[]int64{1, 2}, int64(2), 16}, {[]float32{1, 2}, float32(2), 8},
		{[]float64{1, 2}, float64(2), 16}, {[]Currency{1, 2}, Currency(2), 16}, {[]FloatingTime{1, 2}, FloatingTime(2), 16},
		{[]string{"a", "b"}, "b", 4}, {[]String8{"a", "b"}, String8("b"), 2}, {[]time.Time{{}, at}, at, 16}, {[]GUID{{1}, {2}}, GUID{2}, 32},
		{[][]byte{{1}, {2, 3}}, []byte{2, 3}, 3},
	} {
		var p Properties
		tag := MakeTag(0x6000, TypeOf(c.many))
		p.Set(tag, c.many)
		if got, err := Match(compare(EqualTo, tag, c.one), &p); err != nil || !got {
			t.Errorf("%v has %v: %v, %v", c.many, c.one, got, err)
		}
		if got, err := Match(Size{EqualTo, tag, c.size}, &p); err != nil || !got {
			t.Errorf("%v has a size of %d: %v, %v", c.many, c.size, got, err)
		}
	}
	for v, size := range map[Value]uint32{int16(1): 2, true: 2, int32(1): 4, int64(1): 8, GUID{}: 16, "é": 2, String8("é"): 2, ErrNotFound: 4} {
		var p Properties
		p.Set(0x60000000, v)
		if got, err := Match(Size{EqualTo, MakeTag(0x6000, TypeOf(v)), size}, &p); err != nil || !got {
			t.Errorf("%v has a size of %d: %v, %v", v, size, got, err)
		}
	}
}

func TestTextInACodePageIsSearched(t *testing.T) {
	var p Properties
	p.Set(tagSubject8, String8("Gr\xfc\xdfe"))
	for want, c := range map[bool]Content{
		true:  {Part: Substring, Loosely: IgnoreCase, Tag: tagSubject8, ValueTag: tagSubject8, Value: String8("GR\xfc")},
		false: {Part: Substring, Tag: tagSubject8, ValueTag: tagSubject8, Value: String8("GR\xfc")},
	} {
		if got, err := Match(c, &p); err != nil || got != want {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
}

func TestTypesHaveTheNamesOfTheSpecification(t *testing.T) {
	for typ, want := range map[Type]string{
		TypeInteger32: "Integer32", TypeMultipleString: "MultipleString", TypeGUID: "Guid", TypeServerID: "ServerId", 0x0099: "0x0099",
		TypeUnspecified: "Unspecified", TypeRuleAction: "RuleAction", TypeMultipleBinary: "MultipleBinary", TypeNull: "Null",
	} {
		if got := typ.String(); got != want {
			t.Errorf("0x%04X is %s, want %s", uint16(typ), got, want)
		}
	}
	if got := ErrNotFound.String() + " " + tagSubject.String(); got != "0x8004010F 0x0037001F" {
		t.Error(got)
	}
}
