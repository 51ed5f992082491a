package company

import (
	"archive/zip"
	"bytes"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"
)

// pdf writes a page of text: small, but a valid PDF 1.4.
func pdf(title string, lines []string) []byte {
	escape := func(s string) string {
		var b strings.Builder
		for _, r := range s {
			switch {
			case r == '(' || r == ')' || r == '\\':
				b.WriteByte('\\')
				b.WriteRune(r)
			case r == '€':
				b.WriteString("EUR")
			case r == '–' || r == '—':
				b.WriteByte('-')
			case r >= ' ' && r < 0x7f:
				b.WriteRune(r)
			case r >= 0xa0 && r <= 0xff: // WinAnsiEncoding
				fmt.Fprintf(&b, "\\%03o", r)
			default:
				b.WriteByte('?')
			}
		}
		return b.String()
	}
	var text strings.Builder
	fmt.Fprintf(&text, "BT /F2 18 Tf 56 780 Td (%s) Tj /F1 11 Tf 0 -34 Td 15 TL\n", escape(title))
	for _, l := range lines {
		fmt.Fprintf(&text, "(%s) Tj T*\n", escape(l))
	}
	text.WriteString("ET")
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R /F2 5 0 R >> >> /Contents 6 0 R >>",
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", text.Len(), text.String()),
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, xref)
	return b.Bytes()
}

// odt writes a text document (OpenDocument 1.2).
func odt(title string, paragraphs []string) []byte {
	var body strings.Builder
	body.WriteString(`<text:h text:outline-level="1">` + html.EscapeString(title) + `</text:h>`)
	for _, p := range paragraphs {
		body.WriteString("<text:p>" + html.EscapeString(p) + "</text:p>")
	}
	const head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	files := []struct{ name, content string }{
		{"mimetype", "application/vnd.oasis.opendocument.text"},
		{"META-INF/manifest.xml", head + `<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2"><manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.text"/><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>`},
		{"content.xml", head + `<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2"><office:body><office:text>` + body.String() + `</office:text></office:body></office:document-content>`},
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i, f := range files {
		method := zip.Deflate
		if i == 0 { // first, and readable without unpacking
			method = zip.Store
		}
		if w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: method}); err == nil { // a buffer does not fail
			w.Write([]byte(f.content))
		}
	}
	z.Close()
	return b.Bytes()
}

// canvas draws with soft edges.
type canvas struct{ *image.NRGBA }

func newCanvas(w, h int, background color.NRGBA) canvas {
	c := canvas{image.NewNRGBA(image.Rect(0, 0, w, h))}
	for i := 0; i < len(c.Pix); i += 4 {
		c.Pix[i], c.Pix[i+1], c.Pix[i+2], c.Pix[i+3] = background.R, background.G, background.B, 255
	}
	return c
}

// paint colours the pixels around (cx, cy) by how far they are from a shape: distance below zero is inside.
func (c canvas) paint(col color.NRGBA, cx, cy, reach float64, distance func(x, y float64) float64) {
	area := image.Rect(int(cx-reach)-1, int(cy-reach)-1, int(cx+reach)+2, int(cy+reach)+2).Intersect(c.Rect)
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			a := min(0.5-distance(float64(x)+.5, float64(y)+.5), 1)
			if a <= 0 {
				continue
			}
			i := c.PixOffset(x, y)
			for k, v := range []uint8{col.R, col.G, col.B} {
				c.Pix[i+k] = uint8(float64(c.Pix[i+k])*(1-a) + float64(v)*a)
			}
		}
	}
}

func (c canvas) line(col color.NRGBA, x1, y1, x2, y2, width float64) {
	dx, dy := x2-x1, y2-y1
	c.paint(col, (x1+x2)/2, (y1+y2)/2, math.Hypot(dx, dy)/2+width, func(x, y float64) float64 {
		t := max(0, min(1, ((x-x1)*dx+(y-y1)*dy)/(dx*dx+dy*dy)))
		return math.Hypot(x-x1-t*dx, y-y1-t*dy) - width/2
	})
}

func (c canvas) ring(col color.NRGBA, cx, cy, r, width float64) {
	c.paint(col, cx, cy, r+width, func(x, y float64) float64 { return math.Abs(math.Hypot(x-cx, y-cy)-r) - width/2 })
}

func (c canvas) disc(col color.NRGBA, cx, cy, r float64) {
	c.paint(col, cx, cy, r+1, func(x, y float64) float64 { return math.Hypot(x-cx, y-cy) - r })
}

func (c canvas) png() []byte {
	var b bytes.Buffer
	png.Encode(&b, c) // a buffer does not fail
	return b.Bytes()
}

func rgb(hex uint32) color.NRGBA {
	return color.NRGBA{uint8(hex >> 16), uint8(hex >> 8), uint8(hex), 255}
}

// bicycle draws one with a frame of that colour.
func bicycle(frame, background uint32) []byte {
	c := newCanvas(320, 200, rgb(background))
	dark, silver := rgb(0x2b2b2b), rgb(0x9aa0a6)
	for _, x := range []float64{82, 238} {
		for k := range 12 {
			a := float64(k) * math.Pi / 6
			c.line(silver, x, 132, x+50*math.Cos(a), 132+50*math.Sin(a), 1)
		}
		c.ring(dark, x, 132, 52, 6)
		c.disc(silver, x, 132, 5)
	}
	f := rgb(frame)
	c.line(f, 82, 132, 152, 134, 5)   // chain stay
	c.line(f, 82, 132, 134, 68, 4)    // seat stay
	c.line(f, 152, 134, 130, 56, 6)   // seat tube
	c.line(f, 133, 68, 214, 66, 6)    // top tube
	c.line(f, 152, 134, 218, 82, 7)   // down tube
	c.line(f, 212, 54, 221, 90, 7)    // head tube
	c.line(f, 221, 90, 238, 132, 5)   // fork
	c.line(dark, 114, 52, 148, 52, 8) // saddle
	c.line(silver, 212, 54, 208, 42, 4)
	c.line(dark, 208, 42, 236, 40, 5)
	c.line(dark, 236, 40, 240, 54, 5)
	c.ring(dark, 152, 134, 13, 4)
	c.line(silver, 152, 134, 166, 156, 4)
	c.line(dark, 158, 158, 176, 156, 4)
	return c.png()
}

// portrait draws somebody, for a contact's photo.
func portrait(background, skin, hair, shirt uint32) []byte {
	c := newCanvas(96, 96, rgb(background))
	c.disc(rgb(shirt), 48, 104, 36)
	c.disc(rgb(hair), 48, 40, 25)
	c.disc(rgb(skin), 48, 45, 20)
	for _, x := range []float64{41, 55} {
		c.disc(rgb(0x2b2b2b), x, 43, 2.2)
	}
	c.line(rgb(0x8a4b3a), 42, 54, 54, 54, 2.5)
	return c.png()
}

// bars draws a little chart.
func bars(values []int, col uint32) []byte {
	c := newCanvas(320, 120, rgb(0xffffff))
	top := 1
	for _, v := range values {
		top = max(top, v)
	}
	for i, v := range values {
		x := 20 + float64(i)*280/float64(len(values)) + 10
		c.line(rgb(col), x, 108, x, 108-90*float64(v)/float64(top), 14)
	}
	c.line(rgb(0x888888), 10, 114, 310, 114, 1.5)
	return c.png()
}
