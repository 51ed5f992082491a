package dav

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/net/html/charset"
)

const (
	nsDAV  = "DAV:"
	nsCal  = "urn:ietf:params:xml:ns:caldav"
	nsCard = "urn:ietf:params:xml:ns:carddav"
	nsCS   = "http://calendarserver.org/ns/"

	maxAnswer    = 64 << 20 // bytes of one resource's part of an answer, and of an item
	maxResources = 5_000_000
	maxNodes     = 100_000 // elements in one resource's part
	maxDepth     = 64
)

var errTooBig = errors.New("one item of the answer is over 64 MiB")

// node is one element below DAV:response or DAV:error.
type node struct {
	name  xml.Name
	attrs []xml.Attr
	text  []byte
	kids  []*node
}

func (n *node) child(space, local string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.name.Local == local && k.name.Space == space {
			return k
		}
	}
	return nil
}

func (n *node) attr(local string) string {
	for _, a := range n.attrs {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// words returns the text of the element, "" for none.
func (n *node) words() string {
	if n == nil {
		return ""
	}
	return strings.TrimSpace(string(n.text))
}

// hrefs returns the DAV:href elements directly in n.
func (n *node) hrefs() (out []string) {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.name.Local == "href" && k.name.Space == nsDAV {
			out = append(out, k.words())
		}
	}
	return out
}

// answer is what a multistatus says of one resource (RFC 4918 14.24).
type answer struct {
	href    string // as sent
	status  int    // of the resource, 0 when it is told by property
	props   node   // the properties of every propstat with a 2xx status
	refused int    // the status of the first propstat that is neither 2xx nor 404, 0 for none
	err     *node  // DAV:error, nil for none
	words   string // DAV:responsedescription
}

// ending is what stands in a multistatus beside the resources.
type ending struct {
	syncToken string // RFC 6578 6.4
	resources int
}

// budget is a reader that fails when more than left bytes are read before left is set again.
type budget struct {
	r    io.Reader
	left int64
	err  error // what the reader below ended with
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooBig
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	if err != nil {
		b.err = err
	}
	return n, err
}

func newDecoder(b *budget) *xml.Decoder {
	d := xml.NewDecoder(b)
	d.CharsetReader = charset.NewReaderLabel
	return d
}

// decodeMultistatus reads a DAV:multistatus and hands on each resource as it comes, so that a listing of any length
// takes the memory of one resource. An error of emit ends it and is returned as it is.
func decodeMultistatus(b *budget, emit func(*answer) error) (ending, error) {
	var end ending
	b.left = maxAnswer
	d := newDecoder(b)
	root, err := rootElement(d)
	if err != nil {
		return end, err
	}
	if root.Name.Local != "multistatus" || root.Name.Space != nsDAV {
		return end, fmt.Errorf("a %q element where DAV multistatus belongs", root.Name.Local)
	}
	for {
		tok, err := d.Token()
		if err != nil {
			return end, err
		}
		switch t := tok.(type) {
		case xml.EndElement:
			return end, nil
		case xml.StartElement:
			n, err := readNode(d, t)
			if err != nil {
				return end, err
			}
			b.left = maxAnswer
			switch {
			case n.name.Space != nsDAV:
			case n.name.Local == "sync-token":
				end.syncToken = n.words()
			case n.name.Local == "response":
				if end.resources++; end.resources > maxResources {
					return end, fmt.Errorf("an answer about more than %d resources", maxResources)
				}
				for _, a := range answers(n) {
					if err := emit(a); err != nil {
						return end, err
					}
				}
			}
		}
	}
}

// decodeError reads the preconditions of a DAV:error body (RFC 4918 16): a node whose children are their elements.
// It returns nil for anything else.
func decodeError(r io.Reader) *node {
	d := newDecoder(&budget{r: r, left: 1 << 20})
	root, err := rootElement(d)
	if err != nil || root.Name.Local != "error" {
		return nil
	}
	n, err := readNode(d, root)
	if err != nil {
		return nil
	}
	return n
}

func rootElement(d *xml.Decoder) (xml.StartElement, error) {
	for {
		tok, err := d.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		if t, ok := tok.(xml.StartElement); ok {
			return t, nil
		}
	}
}

// readNode reads the element that start opened, with all that is in it.
func readNode(d *xml.Decoder, start xml.StartElement) (*node, error) {
	open := func(t xml.StartElement) *node {
		return &node{name: t.Name, attrs: append([]xml.Attr(nil), t.Attr...)}
	}
	root := open(start)
	stack := []*node{root}
	nodes := 1
	for len(stack) > 0 {
		tok, err := d.Token()
		if err != nil {
			return nil, err
		}
		top := stack[len(stack)-1]
		switch t := tok.(type) {
		case xml.StartElement:
			if nodes++; nodes > maxNodes || len(stack) >= maxDepth {
				return nil, errors.New("an answer with too many or too deep elements")
			}
			n := open(t)
			top.kids = append(top.kids, n)
			stack = append(stack, n)
		case xml.CharData:
			top.text = append(top.text, t...)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		}
	}
	return root, nil
}

// answers turns a DAV:response into what it says of each resource: one, or several that share a status.
func answers(n *node) []*answer {
	a := answer{err: n.child(nsDAV, "error"), words: n.child(nsDAV, "responsedescription").words()}
	if s := n.child(nsDAV, "status"); s != nil {
		a.status = statusCode(s.words())
	}
	for _, ps := range n.kids {
		if ps.name.Local != "propstat" || ps.name.Space != nsDAV {
			continue
		}
		code := statusCode(ps.child(nsDAV, "status").words())
		switch {
		case code/100 == 2:
			if p := ps.child(nsDAV, "prop"); p != nil {
				a.props.kids = append(a.props.kids, p.kids...)
			}
		case code != 404 && a.refused == 0:
			a.refused = code
			if a.err == nil {
				a.err = ps.child(nsDAV, "error")
			}
			if a.words == "" {
				a.words = ps.child(nsDAV, "responsedescription").words()
			}
		}
	}
	var out []*answer
	for _, h := range n.hrefs() {
		one := a
		one.href = h
		out = append(out, &one)
	}
	return out
}

// statusCode reads the number in "HTTP/1.1 200 OK", 500 when there is none.
func statusCode(line string) int {
	f := strings.Fields(line)
	if len(f) >= 2 {
		if n, err := strconv.Atoi(f[1]); err == nil && n >= 100 && n <= 999 {
			return n
		}
	}
	return 500
}

// text escapes s for an XML body.
func text(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}
