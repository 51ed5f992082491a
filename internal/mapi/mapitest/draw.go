package mapitest

import (
	"outpost/internal/mapi"
	"pgregory.net/rapid"
)

const (
	tagData              mapi.Tag = 0x37010102
	tagMethod            mapi.Tag = 0x37050003
	tagRenderingPosition mapi.Tag = 0x370B0003
	tagCodepage          mapi.Tag = 0x3FFD0003

	byValue  int32 = 1
	embedded int32 = 5
)

func drawValue(t *rapid.T) mapi.Value {
	text := rapid.StringMatching(`[a-zäß€😀 \n]{0,9}`)
	text8 := rapid.Map(rapid.StringMatching(`[a-z]{0,9}`), func(s string) mapi.String8 { return mapi.String8(s + "\xE4") })
	binary := rapid.SliceOfN(rapid.Byte(), 0, 9)
	ticks := rapid.Uint64Range(0, 1<<60)
	switch rapid.IntRange(0, 26).Draw(t, "type") {
	case 0:
		return rapid.Int16().Draw(t, "value")
	case 1:
		return rapid.Int32().Draw(t, "value")
	case 2:
		return rapid.Float32().Draw(t, "value")
	case 3:
		return rapid.Float64().Draw(t, "value")
	case 4:
		return mapi.Currency(rapid.Int64().Draw(t, "value"))
	case 5:
		return mapi.FloatingTime(rapid.Float64().Draw(t, "value"))
	case 6:
		return mapi.ErrorCode(rapid.Uint32().Draw(t, "value"))
	case 7:
		return rapid.Bool().Draw(t, "value")
	case 8:
		return rapid.Int64().Draw(t, "value")
	case 9:
		return text8.Draw(t, "value")
	case 10:
		return text.Draw(t, "value")
	case 11:
		return mapi.Filetime(ticks.Draw(t, "value"))
	case 12:
		return mapi.GUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "value"))
	case 13:
		return binary.Draw(t, "value")
	case 14:
		return mapi.Object(binary.Draw(t, "value"))
	case 15:
		return mapi.ServerID(binary.Draw(t, "value"))
	case 16:
		return rapid.SliceOfN(rapid.Int16(), 0, 4).Draw(t, "value")
	case 17:
		return rapid.SliceOfN(rapid.Int32(), 0, 4).Draw(t, "value")
	case 18:
		return rapid.SliceOfN(rapid.Float32(), 0, 4).Draw(t, "value")
	case 19:
		return rapid.SliceOfN(rapid.Float64(), 0, 4).Draw(t, "value")
	case 20:
		return rapid.SliceOfN(rapid.Map(rapid.Int64(), func(n int64) mapi.Currency { return mapi.Currency(n) }), 0, 4).Draw(t, "value")
	case 21:
		return rapid.SliceOfN(rapid.Int64(), 0, 4).Draw(t, "value")
	case 22:
		return rapid.SliceOfN(text8, 0, 4).Draw(t, "value")
	case 23:
		return rapid.SliceOfN(text, 0, 4).Draw(t, "value")
	case 24:
		return rapid.SliceOfN(rapid.Map(ticks, mapi.Filetime), 0, 4).Draw(t, "value")
	case 25:
		return rapid.SliceOfN(rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) mapi.GUID { return mapi.GUID(b) }), 0, 4).Draw(t, "value")
	}
	return rapid.SliceOfN(binary, 0, 4).Draw(t, "value")
}

func drawProperties(t *rapid.T, p *mapi.Properties) {
	known := []mapi.Tag{0x0017_0000, 0x001A_0000, 0x0037_0000, 0x0039_0000, 0x0E07_0000, 0x1000_0000, tagData, 0x3704_0000, 0x3707_0000, 0x3709_0000}
	for range rapid.IntRange(0, 6).Draw(t, "properties") {
		v := drawValue(t)
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			p.Set(rapid.SampledFrom(known).Draw(t, "tag"), v)
		case 1:
			p.SetNamed(mapi.NameID(mapi.PSETIDAppointment(), rapid.Uint32Range(0x8200, 0x8210).Draw(t, "lid")), v)
		case 2:
			p.SetNamed(mapi.NameString(mapi.PSPublicStrings(), rapid.StringMatching(`[a-zü]{1,5}`).Draw(t, "name")), v)
		default:
			p.Set(mapi.MakeTag(rapid.Uint16Range(0x6600, 0x7FFF).Draw(t, "id"), 0), v)
		}
	}
}

// DrawMessage makes a message that says its code page, and whose attachments say how they are attached.
func DrawMessage(t *rapid.T) *mapi.Message { return drawMessage(t, 0) }

func drawMessage(t *rapid.T, depth int) *mapi.Message {
	m := &mapi.Message{}
	drawProperties(t, &m.Properties)
	m.Set(tagCodepage, rapid.SampledFrom([]int32{1252, 932, 65001}).Draw(t, "code page"))
	for range rapid.IntRange(0, 3).Draw(t, "recipients") {
		var r mapi.Properties
		drawProperties(t, &r)
		m.Recipients = append(m.Recipients, r)
	}
	for range rapid.IntRange(0, 2).Draw(t, "attachments") {
		var a mapi.Attachment
		drawProperties(t, &a.Properties)
		a.Set(tagRenderingPosition, rapid.Int32Range(0, 99).Draw(t, "position"))
		a.Set(tagMethod, byValue)
		if depth < 3 && rapid.Bool().Draw(t, "embedded") {
			a.Delete(tagData)
			a.Set(tagMethod, embedded)
			a.Embedded = drawMessage(t, depth+1)
		}
		m.Attachments = append(m.Attachments, a)
	}
	return m
}
