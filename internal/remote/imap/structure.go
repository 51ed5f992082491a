package imap

import (
	"bytes"
	"strconv"
	"strings"

	"outpost/internal/format"
	"outpost/internal/format/mime"
	"outpost/internal/groupware"
	"outpost/internal/remote/imap/wire"
)

// maxLeaves bounds what is made of a BODYSTRUCTURE: a message of more parts is read whole.
const maxLeaves = 1000

// node is a part of a message as BODYSTRUCTURE describes it. RFC 9051 7.5.2
type node struct {
	path        string
	mediaType   string // "text/plain", lower case
	params      []wire.Value
	id          string
	encoding    string
	size        int64
	disposition string
	dispParams  []wire.Value
	children    []*node
	multipart   bool
}

// parseStructure makes a tree of a BODYSTRUCTURE; ok is false for one that is broken or has too many parts.
func parseStructure(v wire.Value) (root *node, ok bool) {
	leaves := 0
	root, ok = parseNode(v, "", &leaves)
	if ok && !root.multipart {
		root.path = "1"
	}
	return root, ok && leaves <= maxLeaves
}

func parseNode(v wire.Value, path string, leaves *int) (*node, bool) {
	if v.Kind != wire.List || len(v.List) == 0 {
		return nil, false
	}
	n := &node{path: path}
	if v.List[0].Kind != wire.List {
		*leaves++
		return n, n.leaf(v)
	}
	n.multipart = true
	i := 0
	for ; v.At(i).Kind == wire.List; i++ {
		p := strconv.Itoa(i + 1)
		if path != "" {
			p = path + "." + p
		}
		child, ok := parseNode(v.List[i], p, leaves)
		if !ok || *leaves > maxLeaves {
			return nil, false
		}
		n.children = append(n.children, child)
	}
	n.mediaType = "multipart/" + strings.ToLower(v.At(i).Str)
	n.params = v.At(i + 1).List
	return n, n.dispose(v.At(i+2)) && v.At(i).Str != ""
}

func (n *node) leaf(v wire.Value) bool {
	if len(v.List) < 7 || v.List[0].Str == "" {
		return false
	}
	n.mediaType = strings.ToLower(v.List[0].Str + "/" + v.List[1].Str)
	n.params = v.List[2].List
	n.id = v.List[3].Str
	n.encoding = strings.ToLower(v.List[5].Str)
	size, err := strconv.ParseInt(v.List[6].Str, 10, 64)
	n.size = size
	ext := 8 // behind the MD5
	switch {
	case strings.HasPrefix(n.mediaType, "text/"):
		ext = 9
	case n.mediaType == "message/rfc822" || n.mediaType == "message/global":
		ext = 11
		if v.At(7).Kind != wire.List { // no envelope: told like any other part
			ext = 8
		}
	}
	return err == nil && n.dispose(v.At(ext))
}

func (n *node) dispose(v wire.Value) bool {
	if v.Kind == wire.List {
		n.disposition = strings.ToLower(v.At(0).Str)
		n.dispParams = v.At(1).List
	}
	return true
}

// contentType is the part's Content-Type as it may have stood in its header, without a multipart's boundary.
func (n *node) contentType() []byte { return headerValue(n.mediaType, n.params) }

func headerValue(value string, params []wire.Value) []byte {
	out := []byte(oneLine(value))
	for i := 0; i+1 < len(params); i += 2 {
		name := oneLine(params[i].Str)
		if strings.EqualFold(name, "boundary") || strings.ContainsAny(name, "=\";") {
			continue
		}
		out = append(append(append(out, "; "...), name...), `="`...)
		for _, c := range []byte(oneLine(params[i+1].Str)) {
			if c == '"' || c == '\\' {
				out = append(out, '\\')
			}
			out = append(out, c)
		}
		out = append(out, '"')
	}
	return out
}

func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n\x00") {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return ' '
		}
		return r
	}, s)
}

// name is the part's file name. RFC 2183 2.3
func (n *node) name() string {
	name := mime.Param(headerValue("x", n.dispParams), "filename")
	if name == "" {
		name = mime.Param(n.contentType(), "name")
	}
	return mime.Display(name, 255)
}

// isText tells whether a leaf is read with the message and not an attachment: the same leaves as package format takes.
func (n *node) isText() bool {
	switch n.mediaType {
	case "text/plain", "text/html", "text/enriched", "text/richtext":
		return n.path == "1" && n.disposition == "" || n.disposition != "attachment" && n.name() == ""
	}
	return false
}

// each calls f for n and all below it, in order. related tells that n is shown inside another part.
func (n *node) each(related bool, f func(n *node, related bool)) {
	f(n, related)
	for i, c := range n.children {
		c.each(n.mediaType == "multipart/related" && i > 0, f)
	}
}

// readWhole tells whether a message is to be read whole: signed or encrypted, or nothing but its text.
func (n *node) readWhole() bool {
	sealed := false
	leaves := 0
	text := false
	n.each(false, func(n *node, _ bool) {
		switch n.mediaType {
		case "multipart/signed", "multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime":
			sealed = true
		}
		if !n.multipart {
			leaves++
			text = text || strings.HasPrefix(n.mediaType, "text/")
		}
	})
	return sealed || leaves == 1 && text || leaves == 0
}

// parts lists the leaves.
func (n *node) parts() []groupware.Part {
	var out []groupware.Part
	n.each(false, func(n *node, related bool) {
		if n.multipart {
			return
		}
		out = append(out, groupware.Part{
			Path: n.path, Type: n.mediaType, Name: n.name(), Size: n.size, Encoding: n.encoding,
			Inline: n.disposition == "inline" || n.disposition == "" && (related || n.id != "" && strings.HasPrefix(n.mediaType, "image/")),
		})
	})
	return out
}

// texts lists the leaves to read for the message's text. Of alternatives the plain one will do, if there is anything in it.
func (n *node) texts() []*node {
	if !n.multipart {
		if n.isText() {
			return []*node{n}
		}
		return nil
	}
	if n.mediaType == "multipart/alternative" {
		for _, c := range n.children {
			if c.mediaType == "text/plain" && c.isText() && c.size > 16 {
				return []*node{c}
			}
		}
	}
	var out []*node
	for _, c := range n.children {
		out = append(out, c.texts()...)
	}
	return out
}

// text is the message's text, given the bodies of texts by their paths: it builds a message of the same structure in which
// all other leaves are empty, and has package format read it, so that the same mail read whole has the same text.
func (n *node) text(bodies map[string][]byte) string {
	boundary := "outpost"
	for clash := true; clash; {
		clash = false
		for _, b := range bodies {
			if bytes.Contains(b, []byte("--"+boundary)) {
				clash, boundary = true, boundary+"x"
			}
		}
	}
	var b bytes.Buffer
	n.write(&b, boundary, bodies)
	return format.Derive(groupware.MediaMessage, b.Bytes()).Text
}

func (n *node) write(b *bytes.Buffer, boundary string, bodies map[string][]byte) {
	b.WriteString("Content-Type: ")
	b.Write(n.contentType())
	own := boundary + "=" + n.path + "="
	if n.multipart {
		b.WriteString(`; boundary="` + own + `"`)
	} else if n.encoding != "" {
		b.WriteString("\r\nContent-Transfer-Encoding: " + oneLine(n.encoding))
	}
	if n.disposition != "" {
		b.WriteString("\r\nContent-Disposition: ")
		b.Write(headerValue(n.disposition, n.dispParams))
	}
	b.WriteString("\r\n\r\n")
	if !n.multipart {
		b.Write(bodies[n.path])
		return
	}
	for _, c := range n.children {
		b.WriteString("\r\n--" + own + "\r\n")
		c.write(b, boundary, bodies)
	}
	b.WriteString("\r\n--" + own + "--\r\n")
}
