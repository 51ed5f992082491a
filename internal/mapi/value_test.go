package mapi

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The forms of the values of MS-OXCDATA 2.11.1, and of MS-OXCFXICS 2.2.4.1 where they differ.
func TestValuesHaveTheFormsOfTheSpecification(t *testing.T) {
	epoch := time.Unix(0, 0).UTC()
	for _, c := range []struct {
		value              Value
		rop, ext, transfer string // empty: as the one before
	}{
		{Null{}, "", "", "-"},
		{int16(-2), "FEFF", "", ""},
		{int32(-2), "FEFFFFFF", "", ""},
		{int64(1), "0100000000000000", "", ""},
		{float32(1), "0000803F", "", ""},
		{float64(1), "000000000000F03F", "", ""},
		{Currency(10000), "1027000000000000", "", ""},
		{FloatingTime(1), "000000000000F03F", "", ""},
		{ErrNotFound, "0F010480", "", ""},
		{true, "01", "", "0100"},
		{false, "00", "", "0000"},
		{"Hé", "4800E9000000", "", "06000000 4800E9000000"},
		{"😀", "3DD800DE0000", "", "06000000 3DD800DE0000"},
		{String8("H\xe9"), "48E900", "", "03000000 48E900"},
		{epoch, "00803ED5DEB19D01", "", ""},
		{PSETIDMeeting(), "90DAD86E0B451B1098DA00AA003F1305", "", ""},
		{[]byte{1, 2}, "0200 0102", "02000000 0102", ""},
		{ServerID{1, 2}, "0200 0102", "", "02000000 0102"},
		{Object{1}, "-", "-", "01000000 01"},
		{[]int16{1, 2}, "02000000 0100 0200", "", ""},
		{[]string{"a", ""}, "02000000 61000000 0000", "", "02000000 04000000 61000000 02000000 0000"},
		{[][]byte{{1}, {}}, "02000000 0100 01 0000", "02000000 01000000 01 00000000", ""},
		{RuleActions{{5}}, "0100 0100 05", "01000000 01000000 05", "-"},
		{And{Exist{0x0037001F}}, "00 0100 08 1F003700", "00 01000000 08 1F003700", "-"},
	} {
		want := c.rop
		for f, form := range []string{c.rop, c.ext, c.transfer} {
			if form != "" {
				want = form
			}
			got, err := AppendValue([]byte{7}, Form(f), c.value)
			if want == "-" {
				if err == nil {
					t.Errorf("%#v in form %d: % x, want an error", c.value, f, got)
				}
				continue
			}
			if data := unhex(t, "07"+want); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%#v in form %d: % x, %v, want % x", c.value, f, got, err, data)
			}
			back, rest, err := DecodeValue(Form(f), TypeOf(c.value), append(got[1:], 9))
			if err != nil || !Equal(back, c.value) || !bytes.Equal(rest, []byte{9}) {
				t.Errorf("%#v in form %d: read as %#v, %v, and % x is left", c.value, f, back, err, rest)
			}
			for n := range len(got) - 1 {
				if back, _, err := DecodeValue(Form(f), TypeOf(c.value), got[1:1+n]); err == nil {
					t.Errorf("%#v in form %d: of %d bytes %d were read as %#v", c.value, f, len(got)-1, n, back)
				}
			}
		}
	}
}

func TestATagHasItsTypeFirst(t *testing.T) {
	got, err := AppendTagged(nil, ROP, tagSubject, "a") // MS-OXCDATA 2.9, 2.11.4
	if err != nil || !bytes.Equal(got, unhex(t, "1F00 3700 6100 0000")) {
		t.Errorf("% x, %v", got, err)
	}
	if got, err := AppendTagged(nil, ROP, tagSubject, int32(1)); err == nil {
		t.Errorf("a number as a text: % x", got)
	}
}

func TestWhatHasNoFormIsAnError(t *testing.T) {
	for _, v := range []Value{
		nil, "a\x00b", String8("a\x00b"), time.Time{}, time.Date(1600, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(61000, 1, 1, 0, 0, 0, 0, time.UTC),
		make([]byte, 65536), 5, []bool{true}, Not{}, []string{"a", "\x00"},
	} {
		if got, err := AppendValue(nil, ROP, v); err == nil || len(got) > 0 {
			t.Errorf("%.40v was written as % .40x", v, got)
		}
	}
	for _, typ := range []Type{TypeUnspecified, TypeMultiple | TypeBoolean, TypeMultiple | TypeServerID, 0x3003, 0x00FF, TypeMultiple} {
		if v, _, err := DecodeValue(ROP, typ, make([]byte, 40)); err == nil {
			t.Errorf("type 0x%04X was read as %v", uint16(typ), v)
		}
	}
}

func TestAHostileCountTakesNoMemory(t *testing.T) {
	data := unhex(t, "FFFFFFFF 0000")
	for _, typ := range []Type{TypeMultipleInteger16, TypeMultipleString, TypeMultipleBinary, TypeMultipleGUID} {
		if v, _, err := DecodeValue(ROP, typ, data); err == nil {
			t.Errorf("%s: read as %v", typ, v)
		}
	}
}

func TestHalfASurrogateSurvives(t *testing.T) {
	for _, units := range []string{"3DD8", "00DE", "00DE 3DD8", "3DD8 3DD8 00DE", "6100 3DD8 6100", "FFFF FEFF FDFF"} {
		data := unhex(t, units)
		if got := EncodeUTF16(DecodeUTF16(data)); !bytes.Equal(got, data) {
			t.Errorf("% x came back as % x", data, got)
		}
	}
	if got := EncodeUTF16("a\xffb"); !bytes.Equal(got, unhex(t, "6100 FDFF 6200")) {
		t.Errorf("what is no text became % x", got)
	}
}

// MS-DTYP 2.3.3: FILETIME counts from 1601-01-01.
func TestAFiletimeCountsFrom1601(t *testing.T) {
	for ticks, want := range map[uint64]string{
		0: "1601-01-01T00:00:00Z", 1: "1601-01-01T00:00:00.0000001Z", 116444736000000000: "1970-01-01T00:00:00Z",
		math.MaxInt64: "30828-09-14T02:48:05.4775807Z", math.MaxUint64: "60056-05-28T05:36:10.9551615Z",
	} {
		at := Filetime(ticks)
		if got := at.Format(time.RFC3339Nano); got != want {
			t.Errorf("%d is %s, want %s", ticks, got, want)
		}
		if back, err := FiletimeTicks(at); err != nil || back != ticks {
			t.Errorf("%s is %d, %v, want %d", at, back, err, ticks)
		}
	}
}

func genTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time { return Filetime(rapid.Uint64().Draw(t, "ticks")) })
}

func genGUID() *rapid.Generator[GUID] {
	return rapid.Custom(func(t *rapid.T) GUID {
		return GUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "guid"))
	})
}

func genText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string { return strings.ReplaceAll(rapid.String().Draw(t, "text"), "\x00", "") })
}

func genString8() *rapid.Generator[String8] {
	return rapid.Custom(func(t *rapid.T) String8 { return String8(genText().Draw(t, "text")) })
}

func asValue[T any](g *rapid.Generator[T]) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value { return g.Draw(t, "value") })
}

func genBytes() *rapid.Generator[[]byte] { return rapid.SliceOfN(rapid.Byte(), 0, 40) }

// genValue makes values that every form can say.
func genValue() *rapid.Generator[Value] {
	number := rapid.Float64Range(-1e9, 1e9)
	return rapid.OneOf(
		asValue(rapid.Int16()), asValue(rapid.Int32()), asValue(rapid.Int64()), asValue(rapid.Bool()), asValue(number),
		asValue(rapid.Float32Range(-1e9, 1e9)), asValue(genText()), asValue(genString8()), asValue(genTime()), asValue(genGUID()), asValue(genBytes()),
		asValue(rapid.Custom(func(t *rapid.T) Currency { return Currency(rapid.Int64().Draw(t, "amount")) })),
		asValue(rapid.Custom(func(t *rapid.T) ErrorCode { return ErrorCode(rapid.Uint32().Draw(t, "code")) })),
		asValue(rapid.Custom(func(t *rapid.T) ServerID { return ServerID(genBytes().Draw(t, "id")) })),
		asValue(rapid.SliceOf(rapid.Int16())), asValue(rapid.SliceOf(rapid.Int32())), asValue(rapid.SliceOf(rapid.Int64())),
		asValue(rapid.SliceOf(number)), asValue(rapid.SliceOf(genText())), asValue(rapid.SliceOf(genString8())),
		asValue(rapid.SliceOf(genTime())), asValue(rapid.SliceOf(genGUID())), asValue(rapid.SliceOf(genBytes())),
	)
}

func TestAValueIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, f := genValue().Draw(t, "value"), Form(rapid.IntRange(0, 2).Draw(t, "form"))
		data, err := AppendTagged(nil, f, MakeTag(0x6000, TypeOf(v)), v)
		if err != nil {
			t.Fatal(err)
		}
		tag, got, rest, err := DecodeTagged(f, data)
		if err != nil || tag.ID() != 0x6000 || !Equal(got, v) || len(rest) > 0 {
			t.Fatalf("got %s %#v, %v, % x, want %#v", tag, got, err, rest, v)
		}
	})
}

func FuzzValue(f *testing.F) {
	for _, seed := range []string{
		"1F00 3700 6100 0000", "0210 0036 02000000 0100 0200", "FD00 0010 00 0200 08 1F003700 03 0100 0100 1F003700 1F003700 6100 0000",
		"0211 D836 02000000 0100 01 0000", "FE00 0066 0100 0100 05", "4000 0730 00A0DB3AC474C801", "FB00 0A01 0200 0102",
	} {
		f.Add(unhex(f, seed), 0)
		f.Add(unhex(f, seed), 2)
	}
	f.Fuzz(func(t *testing.T, data []byte, form int) {
		f := Form(uint(form) % 3)
		tag, v, rest, err := DecodeTagged(f, data)
		if err != nil {
			return
		}
		out, err := AppendTagged(nil, f, tag, v)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, again, _, err := DecodeTagged(f, out); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		} else if out2, err := AppendTagged(nil, f, tag, again); err != nil || !bytes.Equal(out2, out) {
			t.Fatalf("written % x, then % x, %v", out, out2, err)
		}
		if used := len(data) - len(rest); f == ROP && len(out) != used {
			t.Fatalf("read %d bytes, wrote %d", used, len(out))
		}
		if r, ok := v.(Restriction); ok {
			var m Message
			m.Set(tagSubject, "Hello")
			m.Recipients = make([]Properties, 1)
			_, _ = Match(r, &m)
		}
	})
}
