package mapi

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"
)

const (
	tagImportance   Tag = 0x00170003
	tagFlags        Tag = 0x0E070003
	tagSize         Tag = 0x0E080003
	tagDelivered    Tag = 0x0E060040
	tagModified     Tag = 0x30080040
	tagRead         Tag = 0x0E69000B
	tagDisplayName  Tag = 0x3001001F
	tagRecipientTyp Tag = 0x0C150003
	tagSearchKey    Tag = 0x300B0102
	tagKeywords     Tag = 0x8001101F
)

func letter() *Message {
	m := &Message{}
	m.Set(tagSubject, "Grüße aus Éire")
	m.Set(tagImportance, int32(2))
	m.Set(tagFlags, int32(0x11))
	m.Set(tagDelivered, time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
	m.Set(tagModified, time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	m.Set(tagRead, true)
	m.Set(tagSearchKey, []byte{1, 2, 3})
	m.SetNamed(NameString(PSPublicStrings(), "Keywords"), []string{"Red", "Work"})
	m.Recipients = make([]Properties, 2)
	m.Recipients[0].Set(tagDisplayName, "Ann")
	m.Recipients[0].Set(tagRecipientTyp, int32(1))
	m.Recipients[1].Set(tagDisplayName, "Bob")
	m.Recipients[1].Set(tagRecipientTyp, int32(2))
	m.Attachments = []Attachment{{}}
	m.Attachments[0].Set(tagDisplayName, "plan.pdf")
	return m
}

func content(part Part, loosely Loosely, tag Tag, v Value) Content {
	return Content{Part: part, Loosely: loosely, Tag: tag, ValueTag: tag.WithType(TypeOf(v)), Value: v}
}

func compare(op RelOp, tag Tag, v Value) Compare {
	return Compare{Op: op, Tag: tag, ValueTag: tag.WithType(TypeOf(v)), Value: v}
}

func TestAnObjectMeetsWhatTheConditionSays(t *testing.T) {
	target := Resolve(letter(), func(id uint16) (Name, bool) {
		return NameString(PSPublicStrings(), "Keywords"), id == tagKeywords.ID()
	})
	yes, no := And{}, Or{}
	for name, c := range map[string]struct {
		r    Restriction
		want bool
	}{
		"all of none":                      {yes, true},
		"one of none":                      {no, false},
		"all":                              {And{yes, yes}, true},
		"not all":                          {And{yes, no}, false},
		"one":                              {Or{no, yes}, true},
		"not":                              {Not{no}, true},
		"the whole text":                   {content(Whole, 0, tagSubject, "Grüße aus Éire"), true},
		"the whole text in another case":   {content(Whole, 0, tagSubject, "grüße aus éire"), false},
		"without regard to case":           {content(Whole, IgnoreCase, tagSubject, "GRÜSSE AUS ÉIRE"), false}, // ß is not SS by case alone
		"a part without regard to case":    {content(Substring, IgnoreCase, tagSubject, "AUS é"), true},
		"a part without accents":           {content(Substring, IgnoreNonSpace, tagSubject, "Eire"), true},
		"a part loosely":                   {content(Substring, Loose, tagSubject, "gruße"), true},
		"a beginning":                      {content(Prefix, 0, tagSubject, "Grü"), true},
		"a beginning that is not":          {content(Prefix, 0, tagSubject, "aus"), false},
		"bytes in bytes":                   {content(Substring, 0, tagSearchKey, []byte{2, 3}), true},
		"a text of a property that is not": {content(Substring, 0, tagDisplayName, "a"), false},
		"one of many texts":                {content(Whole, 0, tagKeywords, "Work"), true},
		"none of many texts":               {content(Whole, 0, tagKeywords, "work"), false},
		"a greater number":                 {compare(Greater, tagImportance, int32(1)), true},
		"not less":                         {compare(Less, tagImportance, int32(2)), false},
		"less or equal":                    {compare(LessOrEqual, tagImportance, int32(2)), true},
		"an equal text":                    {compare(EqualTo, tagSubject, "GRÜßE AUS ÉIRE"), true},
		"an unequal one":                   {compare(NotEqual, tagSubject, "Hello"), true},
		"an unequal one that is not there": {compare(NotEqual, tagDisplayName, "Hello"), false},
		"a later time":                     {compare(GreaterOrEqual, tagDelivered, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), true},
		"read":                             {compare(EqualTo, tagRead, true), true},
		"one of many values":               {compare(EqualTo, tagKeywords, "red"), true},
		"all of the values":                {compare(EqualTo, tagKeywords, []string{"Red", "Work"}), true},
		"two properties":                   {CompareProperties{Less, tagDelivered, tagModified}, true},
		"two properties the other way":     {CompareProperties{Greater, tagDelivered, tagModified}, false},
		"two properties, one not there":    {CompareProperties{EqualTo, tagDelivered, tagSize}, false},
		"a bit that is set":                {Bitmask{NotZero: true, Tag: tagFlags, Mask: 0x10}, true},
		"a bit that is clear":              {Bitmask{Tag: tagFlags, Mask: 0x20}, true},
		"a bit of nothing":                 {Bitmask{Tag: tagSize, Mask: 1}, false},
		"a size":                           {Size{EqualTo, tagSearchKey, 3}, true},
		"a size of many texts":             {Size{EqualTo, tagKeywords, 14}, true},
		"a size of nothing":                {Size{Less, tagSize, 3}, false},
		"a property":                       {Exist{tagSubject}, true},
		"a property of another type":       {Exist{tagSubject8}, false},
		"a named property":                 {Exist{tagKeywords}, true},
		"a name that nobody knows":         {Exist{tagKeywords + 0x10000}, false},
		"a recipient":                      {SubObject{TagMessageRecipients, And{compare(EqualTo, tagDisplayName, "Bob"), compare(EqualTo, tagRecipientTyp, int32(2))}}, true},
		"no recipient":                     {SubObject{TagMessageRecipients, And{compare(EqualTo, tagDisplayName, "Bob"), compare(EqualTo, tagRecipientTyp, int32(1))}}, false},
		"an attachment":                    {SubObject{TagMessageAttachments, content(Substring, 0, tagDisplayName, ".pdf")}, true},
		"a comment":                        {Comment{}, true},
		"a comment on what is not":         {Comment{Of: no}, false},
		"a count":                          {Count{10, Exist{tagSubject}}, true},
	} {
		if got, err := Match(c.r, target); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		for _, f := range []Form{ROP, Extended} {
			data, err := AppendRestriction(nil, f, c.r)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			back, rest, err := DecodeRestriction(f, data)
			if err != nil || len(rest) > 0 {
				t.Errorf("%s: %v, % x", name, err, rest)
				continue
			}
			if got, err := Match(back, target); err != nil || got != c.want {
				t.Errorf("%s, written and read: %v, %v", name, got, err)
			}
			if again, err := AppendRestriction(nil, f, back); err != nil || !bytes.Equal(again, data) {
				t.Errorf("%s: written % x and then % x, %v", name, data, again, err)
			}
		}
	}
}

func TestAConditionThatCannotBeEvaluatedIsAnError(t *testing.T) {
	var deep Restriction = And{}
	for range maxDepth + 1 {
		deep = Not{deep}
	}
	for _, r := range []Restriction{
		nil, Not{}, And{nil}, compare(MemberOfDL, tagSubject, "x"), compare(Less, tagSubject, int32(1)), content(7, 0, tagSubject, "x"),
		content(Whole, 0, tagSubject, int32(1)), deep,
	} {
		if got, err := Match(r, letter()); !errors.Is(err, ErrTooComplex) {
			t.Errorf("%#v: %v, %v", r, got, err)
		}
	}
	if _, err := Match(SubObject{TagMessageRecipients, And{}}, &letter().Properties); !errors.Is(err, ErrTooComplex) {
		t.Errorf("the recipients of what has none: %v", err)
	}
}

// The structures of MS-OXCDATA 2.12, with 16 and with 32 bits for counts.
func TestConditionsHaveTheBytesOfTheSpecification(t *testing.T) {
	r := And{
		Content{Part: Substring, Loosely: IgnoreCase, Tag: tagSubject, ValueTag: tagSubject, Value: "a"},
		Or{Not{Exist{tagImportance}}, Bitmask{NotZero: true, Tag: tagFlags, Mask: 1}},
		SubObject{TagMessageRecipients, CompareProperties{NotEqual, tagImportance, tagFlags}},
		Comment{Values: []Property{{Tag: tagImportance, Value: int32(2)}}, Of: Size{GreaterOrEqual, tagSubject, 5}},
		Comment{}, Count{7, compare(EqualTo, tagRead, true)},
	}
	for f, want := range map[Form]string{
		ROP: "00 0600  03 0100 0100 1F003700 1F003700 61000000  01 0200 02 08 03001700 06 01 0300070E 01000000" +
			"09 0D00120E 05 05 03001700 0300070E  0A 01 03001700 02000000 01 07 03 1F003700 05000000  0A 00 00  0B 07000000 04 04 0B00690E 0B00690E 01",
		Extended: "00 06000000  03 0100 0100 1F003700 1F003700 61000000  01 02000000 02 08 03001700 06 01 0300070E 01000000" +
			"09 0D00120E 05 05 03001700 0300070E  0A 01 03001700 02000000 01 07 03 1F003700 05000000  0A 00 00  0B 07000000 04 04 0B00690E 0B00690E 01",
	} {
		data := unhex(t, want)
		if got, err := AppendRestriction(nil, f, r); err != nil || !bytes.Equal(got, data) {
			t.Errorf("form %d: written\n% x, %v, want\n% x", f, got, err, data)
		}
		if got, rest, err := DecodeRestriction(f, data); err != nil || !equalDeep(got, Restriction(r)) || len(rest) > 0 {
			t.Errorf("form %d: read %#v, %v", f, got, err)
		}
	}
}

func TestAConditionThatIsTooDeepIsRefused(t *testing.T) {
	data := append(bytes.Repeat([]byte{2}, 100), 8, 0, 0, 0, 0)
	if r, _, err := DecodeRestriction(ROP, data); err == nil {
		t.Errorf("read as %v", r)
	}
	if _, _, err := DecodeRestriction(ROP, data[40:]); err != nil {
		t.Errorf("60 deep: %v", err)
	}
	if r, _, err := DecodeRestriction(ROP, []byte{0x0C, 0, 0, 0, 0}); err == nil {
		t.Errorf("an unknown kind was read as %v", r)
	}
}

// MS-OXCDATA 2.13.
func TestASortOrderHasTheBytesOfTheSpecification(t *testing.T) {
	s := SortOrderSet{Categories: 1, Orders: []SortOrder{{tagImportance, Descending}, {tagDelivered, Ascending}}}
	want := unhex(t, "0200 0100 0000 03001700 01 4000060E 00")
	if got, err := AppendSortOrderSet(nil, s); err != nil || !bytes.Equal(got, want) {
		t.Errorf("written % x, %v, want % x", got, err, want)
	}
	if got, rest, err := DecodeSortOrderSet(append(want, 9)); err != nil || !equalDeep(got, s) || !bytes.Equal(rest, []byte{9}) {
		t.Errorf("read %+v, % x, %v", got, rest, err)
	}
	for _, bad := range []string{"0200 0300 0000 03001700 01 4000060E 00", "0200 0100 0200 03001700 01 4000060E 00", "0300 0100 0000 03001700 01 4000060E 00", "00"} {
		if got, _, err := DecodeSortOrderSet(unhex(t, bad)); err == nil {
			t.Errorf("%s was read as %+v", bad, got)
		}
	}
}

func TestRowsAreSortedByEachColumnInTurn(t *testing.T) {
	row := func(importance Value, subject Value) *Properties {
		p := &Properties{}
		if importance != nil {
			p.Set(tagImportance, importance)
		}
		if subject != nil {
			p.Set(tagSubject, subject)
		}
		return p
	}
	rows := []*Properties{row(int32(1), "b"), row(int32(2), "C"), row(int32(2), "a"), row(nil, "d"), row(int32(1), nil)}
	s := SortOrderSet{Orders: []SortOrder{{tagImportance, Descending}, {tagSubject, Ascending}}}
	slices.SortStableFunc(rows, func(a, b *Properties) int { return s.Compare(a, b) })
	var got []Value
	for _, r := range rows {
		v, _ := r.Get(tagSubject)
		got = append(got, v)
	}
	if want := []Value{"a", "C", nil, "b", "d"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzSortOrderSet(f *testing.F) {
	f.Add(unhex(f, "0200 0100 0000 03001700 01 4000060E 00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, rest, err := DecodeSortOrderSet(data)
		if err != nil {
			return
		}
		if out, err := AppendSortOrderSet(nil, s); err != nil || !bytes.Equal(out, data[:len(data)-len(rest)]) {
			t.Fatalf("written % x, %v", out, err)
		}
		s.Compare(letter(), &Properties{})
	})
}
