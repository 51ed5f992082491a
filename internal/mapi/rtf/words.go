package rtf

// word takes a control word that is no character.
func (r *reader) word(t token, starred bool) {
	if r.to == toNowhere {
		return // nothing in it matters, and its end restores what was before
	}
	if r.destination(t, starred) {
		return
	}
	on := !t.has || t.param != 0
	switch r.to {
	case toFonts:
		f := r.fonts[r.defining]
		switch t.name {
		case "f":
			r.defining = t.param
			return
		case "fcharset":
			f.codepage, f.symbol = codepageOf(t.param), t.param == 2
		case "cpg":
			f.codepage = t.param
		}
		r.fonts[r.defining] = f
		return
	case toColors:
		switch t.name {
		case "red":
			r.color.r, r.color.set = uint8(t.param), true
		case "green":
			r.color.g, r.color.set = uint8(t.param), true
		case "blue":
			r.color.b, r.color.set = uint8(t.param), true
		}
		return
	}
	c := &r.state.text
	switch t.name {
	case "ansicpg":
		if t.param != 0 {
			r.codepage = t.param
		}
	case "mac":
		r.codepage = 10000
	case "pc":
		r.codepage = 437
	case "pca":
		r.codepage = 850
	case "deff":
		r.defaultFont, c.font = t.param, t.param
	case "uc":
		r.uc = min(max(t.param, 0), 16)
	case "htmlrtf":
		r.htmlrtf = on
	case "plain":
		*c = characters{font: r.defaultFont, size: 24}
	case "f":
		c.font = t.param
	case "fs":
		c.size = min(max(t.param, 0), 3276)
	case "b":
		c.bold = on
	case "i":
		c.italic = on
	case "ul", "uld", "uldash", "uldashd", "uldashdd", "uldb", "ulth", "ulw", "ulwave", "ulhwave", "ululdbwave":
		c.underline = on
	case "ulnone":
		c.underline = false
	case "strike", "striked":
		c.strike = on
	case "super":
		c.shift = 0
		if on {
			c.shift = 1
		}
	case "sub":
		c.shift = 0
		if on {
			c.shift = -1
		}
	case "nosupersub":
		c.shift = 0
	case "v":
		c.hidden = on
	case "caps", "scaps":
		c.caps = on
	case "cf":
		c.color = t.param
	case "highlight", "cb", "chcbpat":
		c.back = t.param
	case "pard":
		r.para = layout{}
	case "ql":
		r.para.align = ""
	case "qc":
		r.para.align = "center"
	case "qr":
		r.para.align = "right"
	case "qj":
		r.para.align = "justify"
	case "li", "lin":
		r.para.indent = min(max(t.param, 0), 14400)
	case "ls":
		r.para.list = t.param
	case "ilvl":
		r.para.level = min(max(t.param, 0), 8)
	case "intbl":
		r.para.table = on
	case "rtlpar":
		r.para.rtl = true
	case "ltrpar":
		r.para.rtl = false
	default:
		r.out.control(r, t.name, t.param, t.has)
	}
}

// destination takes a control word that says where the text of its group goes, and tells whether it was one.
func (r *reader) destination(t token, starred bool) bool {
	switch t.name {
	case "fonttbl":
		r.to = toFonts
	case "colortbl":
		r.to = toColors
	case "htmltag":
		r.to = toTag
	case "listtext", "pntext":
		r.to = toMarker
	case "field":
		r.field = &field{}
	case "fldinst":
		r.to = toInstruction
	case "fldrslt":
		f := r.field
		if f == nil {
			return true
		}
		if !f.result {
			f.result, f.link = true, hyperlink(f.instruction)
		}
		if f.link != "" {
			r.link = f.link
		}
	case "pict":
		if r.to == toBody {
			r.pictures++
			r.out.control(r, "pict", r.pictures, true)
		}
		r.to = toNowhere
	case "object":
		r.to = toObject
	case "result":
		if r.to != toObject {
			return false
		}
		r.to = toBody
	case "shppict", "ud": // starred, but for reading
	case "nonshppict", "stylesheet", "info", "header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr",
		"footerf", "footnote", "filetbl", "revtbl", "private", "comment", "xe", "tc", "tcn", "rxe", "bxe", "mhtmltag",
		"nonesttables", "objdata", "objclass", "objname", "template", "mmathPr":
		r.to = toNowhere
	default:
		if starred { // a destination that is not known here
			r.to = toNowhere
		}
		return starred
	}
	return true
}
