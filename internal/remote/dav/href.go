package dav

import (
	"errors"
	"strings"
)

const maxHref = 8 << 10

// canonical brings an href of an answer to a request for base into the one spelling that ids have: an absolute path,
// without host, query and dot segments, every byte outside RFC 3986's pchar percent-encoded and no other. So
// "/a%40b/", "https://host/a@b/" and "../a@b/" are one id. host is the one that the href names, "" when it names none.
func canonical(base, href string) (path, host string, err error) {
	href = strings.TrimSpace(href)
	if len(href) > maxHref {
		return "", "", errors.New("an address is longer than 8 KiB")
	}
	if i := strings.IndexAny(href, "?#"); i >= 0 {
		href = href[:i]
	}
	if i := strings.Index(href, "://"); i > 0 && !strings.Contains(href[:i], "/") {
		host, href, _ = strings.Cut(href[i+3:], "/")
		href = "/" + href
	}
	switch {
	case href == "":
		href = base
	case href[0] != '/':
		href = base[:strings.LastIndexByte(base, '/')+1] + href
	}
	var out []string
	segments := strings.Split(href, "/")[1:]
	for i, s := range segments {
		last := i == len(segments)-1
		switch s = unescape(s); s {
		case ".", "..":
			if s == ".." && len(out) > 0 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, escape(s))
		}
	}
	return "/" + strings.Join(out, "/"), host, nil
}

// escape percent-encodes what cannot stand in a path segment (RFC 3986 3.3), and nothing else.
func escape(segment string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(segment) {
		c := segment[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~!$&'()*+,;=:@", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hex[c>>4], hex[c&15]})
	}
	return b.String()
}

// unescape decodes a path segment; a percent sign that starts no escape stands for itself.
func unescape(segment string) string {
	if !strings.Contains(segment, "%") {
		return segment
	}
	var b strings.Builder
	for i := 0; i < len(segment); i++ {
		if segment[i] == '%' && i+2 < len(segment) {
			hi, lo := unhex(segment[i+1]), unhex(segment[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(segment[i])
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// within reports whether path names a resource directly in the collection folder, and no collection.
func within(folder, path string) bool {
	rest, ok := strings.CutPrefix(path, folder)
	return ok && rest != "" && !strings.Contains(rest, "/")
}

// lastSegment returns the decoded last segment of a path.
func lastSegment(path string) string {
	path = strings.TrimSuffix(path, "/")
	return unescape(path[strings.LastIndexByte(path, '/')+1:])
}

func asCollection(path string) string {
	if strings.HasSuffix(path, "/") {
		return path
	}
	return path + "/"
}
