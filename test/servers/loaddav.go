package servers

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Resource is an event, a task or a contact to load.
type Resource struct {
	Name string // the last part of its URL, with .ics or .vcf
	Body []byte
}

// Collection says which kind of DAV collection is meant.
type Collection string

const (
	Calendar    Collection = "calendar"
	AddressBook Collection = "addressbook"
)

func (c Collection) mediaType() string {
	if c == Calendar {
		return "text/calendar; charset=utf-8"
	}
	return "text/vcard; charset=utf-8"
}

func (c Collection) extension() string {
	if c == Calendar {
		return "ics"
	}
	return "vcf"
}

// CollectionURL is where a user's collection is, with a slash at the end.
func (s *Server) CollectionURL(u User, kind Collection, name string) string {
	base := "http://" + s.HTTPAddr
	if s.CalDAV == "" {
		base = "https://" + s.HTTPAddr
	}
	if s.Kind == RadicaleDAV {
		return fmt.Sprintf("%s/%s/%s/", base, strings.ReplaceAll(u.Name, "@", "%40"), name)
	}
	home := "calendars"
	if kind == AddressBook {
		home = "addressbooks"
	}
	return fmt.Sprintf("%s/dav/%s/user/%s/%s/", base, home, u.Name, name)
}

// RFC 5689 (extended MKCOL)
const mkcol = `<?xml version="1.0" encoding="utf-8"?>
<mkcol xmlns="DAV:" xmlns:A="urn:ietf:params:xml:ns:carddav" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop>
<resourcetype><collection/>%s</resourcetype><displayname>%s</displayname>
</prop></set></mkcol>`

// CreateCollection makes a calendar or an address book.
func (s *Server) CreateCollection(u User, kind Collection, name string) error {
	element := "<C:calendar/>"
	if kind == AddressBook {
		element = "<A:addressbook/>"
	}
	return davRequest(s.transport(), "MKCOL", s.CollectionURL(u, kind, name), u, "application/xml", fmt.Appendf(nil, mkcol, element, name), nil)
}

// PutResource makes or replaces one resource.
func (s *Server) PutResource(u User, kind Collection, collection string, r Resource) error {
	return davRequest(s.transport(), "PUT", s.CollectionURL(u, kind, collection)+r.Name, u, kind.mediaType(), r.Body, nil)
}

// RFC 4918 9.1
const propfind = `<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><getetag/></prop></propfind>`

// ListCollection returns the ETag of each resource of a collection by its URL's path. A server's first listing after a
// load makes its cache, and may take long.
func (s *Server) ListCollection(u User, kind Collection, name string) (map[string]string, error) {
	var answer struct {
		Response []struct {
			Href string `xml:"DAV: href"`
			ETag string `xml:"DAV: propstat>prop>getetag"`
		} `xml:"DAV: response"`
	}
	collection := s.CollectionURL(u, kind, name)
	if err := davRequest(s.transport(), "PROPFIND", collection, u, "application/xml", []byte(propfind), &answer); err != nil {
		return nil, err
	}
	etags := map[string]string{}
	for _, r := range answer.Response {
		if !strings.HasSuffix(r.Href, "/") {
			etags[r.Href] = r.ETag
		}
	}
	return etags, nil
}

func (s *Server) transport() *http.Transport {
	return &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: s.Roots}}
}

// LoadCollection makes a collection and fills it: Radicale's by writing its folder, as each PUT there costs it a look
// at the whole collection; Cyrus' by several connections at once.
func (s *Server) LoadCollection(u User, kind Collection, name string, resources []Resource) error {
	if err := s.CreateCollection(u, kind, name); err != nil {
		return err
	}
	if s.Kind == RadicaleDAV {
		return s.writeCollection(u, name, resources)
	}
	const connections = 4
	transport := s.transport()
	transport.DisableKeepAlives, transport.MaxIdleConnsPerHost = false, connections
	defer transport.CloseIdleConnections()
	work := make(chan Resource)
	failed := make(chan error, connections)
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			for r := range work {
				if err := davRequest(transport, "PUT", s.CollectionURL(u, kind, name)+r.Name, u, kind.mediaType(), r.Body, nil); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	var err error
feed:
	for _, r := range resources {
		select {
		case work <- r:
		case err = <-failed:
			break feed
		}
	}
	close(work)
	wg.Wait()
	if err != nil {
		return err
	}
	select {
	case err = <-failed:
	default:
	}
	return err
}

// writeCollection puts files where Radicale keeps them: one a resource, named like it.
func (s *Server) writeCollection(u User, name string, resources []Resource) error {
	dir := filepath.Join(s.Dir, "collections", "collection-root", u.Name, name)
	var props map[string]string
	data, err := os.ReadFile(filepath.Join(dir, ".Radicale.props"))
	if err == nil {
		err = json.Unmarshal(data, &props)
	}
	if err != nil {
		return fmt.Errorf("%s is not a collection of Radicale: %w", dir, err)
	}
	for _, r := range resources {
		if err := os.WriteFile(filepath.Join(dir, r.Name), r.Body, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// davRequest decodes the answer, which is XML, into v unless that is nil.
func davRequest(transport http.RoundTripper, method, url string, u User, mediaType string, body []byte, v any) error {
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", mediaType)
	req.Header.Set("Depth", "1")
	req.SetBasicAuth(u.Name, u.Password)
	client := http.Client{Transport: transport, Timeout: 5 * time.Minute}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 256<<20))
	resp.Body.Close()
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %.300s", method, url, resp.Status, answer)
	}
	if v != nil {
		return xml.Unmarshal(answer, v)
	}
	return nil
}
