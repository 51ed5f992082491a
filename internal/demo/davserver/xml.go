package davserver

import (
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"strings"
)

// Namespaces, and the prefixes that answers use for them.
const (
	nsDAV   = "DAV:"
	nsCal   = "urn:ietf:params:xml:ns:caldav"
	nsCard  = "urn:ietf:params:xml:ns:carddav"
	nsCS    = "http://calendarserver.org/ns/"
	nsApple = "http://apple.com/ns/ical/"

	multistatus = `<?xml version="1.0" encoding="utf-8"?>` + "\n" + `<D:multistatus xmlns:D="DAV:" xmlns:C="` + nsCal + `" xmlns:CR="` + nsCard + `" xmlns:CS="` + nsCS + `" xmlns:A="` + nsApple + `">`
)

// node is an element of a request.
type node struct {
	name     xml.Name
	attr     []xml.Attr
	children []*node
	text     string
}

const (
	maxXMLDepth = 30
	maxXMLNodes = 300_000
)

// parseXML reads a request's body; an empty one gives nil.
func parseXML(r io.Reader) (*node, error) {
	d := xml.NewDecoder(r)
	var stack []*node
	var root *node
	count := 0
	for {
		t, err := d.Token()
		if err == io.EOF {
			if len(stack) > 0 {
				return nil, io.ErrUnexpectedEOF
			}
			return root, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			n := &node{name: t.Name, attr: t.Attr}
			if count++; count > maxXMLNodes || len(stack) == maxXMLDepth {
				return nil, errors.New("too large a request")
			}
			if len(stack) > 0 {
				p := stack[len(stack)-1]
				p.children = append(p.children, n)
			} else if root == nil {
				root = n
			} else {
				return nil, errors.New("two elements at the top")
			}
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 {
				stack[len(stack)-1].text += string(t)
			}
		case xml.Directive:
			return nil, errors.New("a DTD is not taken")
		}
	}
}

func (n *node) is(space, local string) bool {
	return n != nil && n.name.Space == space && n.name.Local == local
}

// child returns the first child of that name, nil when there is none (also of a nil node).
func (n *node) child(space, local string) *node {
	if n != nil {
		for _, c := range n.children {
			if c.is(space, local) {
				return c
			}
		}
	}
	return nil
}

func (n *node) attribute(local string) string {
	if n != nil {
		for _, a := range n.attr {
			if a.Name.Local == local {
				return a.Value
			}
		}
	}
	return ""
}

func (n *node) trimmed() string {
	if n == nil {
		return ""
	}
	return strings.TrimSpace(n.text)
}

// text escapes character data; carriage returns come as references, so that a client gets every byte.
func text(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}

// element writes an element with its namespace's prefix, or with a declaration of its own.
func element(n xml.Name, inner string) string {
	tag, decl := "", ""
	switch n.Space {
	case nsDAV:
		tag = "D:" + n.Local
	case nsCal:
		tag = "C:" + n.Local
	case nsCard:
		tag = "CR:" + n.Local
	case nsCS:
		tag = "CS:" + n.Local
	case nsApple:
		tag = "A:" + n.Local
	case "":
		tag = n.Local
	default:
		tag, decl = "X:"+n.Local, ` xmlns:X="`+strings.ReplaceAll(text(n.Space), `"`, "&#34;")+`"`
	}
	if inner == "" {
		return "<" + tag + decl + "/>"
	}
	return "<" + tag + decl + ">" + inner + "</" + tag + ">"
}

func href(path string) string { return "<D:href>" + text(path) + "</D:href>" }

func escape(segment string) string { return url.PathEscape(segment) }
