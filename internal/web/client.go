package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"outpost/internal/backend"
	"outpost/internal/groupware"
)

// maxAnswer bounds what a client reads as one answer or line, in bytes.
const maxAnswer = 1 << 30

// Client asks the JSON API, of a daemon or of this process. Its errors are *backend.Error where the server had a say.
type Client struct {
	base  string // "http://127.0.0.1:8145"
	token string
	http  *http.Client
}

// do sends a request and returns the answer if it is not an error.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, contentType string, body []byte) (*http.Response, error) {
	u := c.base + path
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, u, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("ask Outpost: %w; is it still running?", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	var p problem
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxJSON)).Decode(&p); err != nil || p.Error == "" {
		return nil, fmt.Errorf("ask Outpost: it answered %s", resp.Status)
	}
	return nil, p.err()
}

func (p problem) err() error { return &backend.Error{Code: p.Code, Text: p.Error} }

// call sends a request with JSON (nil: none) and decodes the answer into out (nil: it is not wanted).
func (c *Client) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	var body []byte
	contentType := ""
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
		contentType = "application/json"
	}
	resp, err := c.do(ctx, method, path, query, contentType, body)
	if err != nil {
		return err
	}
	return decode(resp, out)
}

func decode(resp *http.Response, out any) error {
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("read Outpost's answer: %w", err)
	}
	return nil
}

// stream sends a request and hands on what happens until the result comes.
func (c *Client) stream(ctx context.Context, path string, query url.Values, progress func(backend.Event), out any) error {
	return c.receive(ctx, http.MethodPost, path, query, func(l line) error {
		if l.Event != nil && progress != nil {
			progress(*l.Event)
		}
		return nil
	}, out)
}

// receive sends a request and hands on its answer line by line until the result comes.
func (c *Client) receive(ctx context.Context, method, path string, query url.Values, hand func(line) error, out any) error {
	resp, err := c.do(ctx, method, path, query, "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return fmt.Errorf("read Outpost's answer: %w", err)
		}
		switch {
		case l.Event != nil, l.Status != nil:
			if err := hand(l); err != nil {
				return err
			}
		case l.Error != "":
			return problem{l.Error, l.Code}.err()
		default:
			return json.Unmarshal(l.Result, out)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(errors.New("the program ended before it was done: ask again"), lines.Err())
}

// Status tells how all accounts are.
func (c *Client) Status(ctx context.Context) (out backend.Status, err error) {
	return out, c.call(ctx, "GET", "/api/status", nil, nil, &out)
}

// Accounts lists the accounts.
func (c *Client) Accounts(ctx context.Context) (out []backend.Account, err error) {
	return out, c.call(ctx, "GET", "/api/accounts", nil, nil, &out)
}

// AddAccount tries an account's services and stores it.
func (c *Client) AddAccount(ctx context.Context, n backend.NewAccount) (out backend.AccountCheck, err error) {
	return out, c.call(ctx, "POST", "/api/accounts", nil, n, &out)
}

// CheckAccount tries an account's services; what went wrong with one is told in its line.
func (c *Client) CheckAccount(ctx context.Context, email string) (out backend.AccountCheck, err error) {
	return out, c.call(ctx, "POST", "/api/accounts/check", nil, emailRequest{email}, &out)
}

// RemoveAccount forgets an account here.
func (c *Client) RemoveAccount(ctx context.Context, email string) error {
	return c.call(ctx, "POST", "/api/accounts/remove", nil, emailRequest{email}, nil)
}

// Folders lists all folders.
func (c *Client) Folders(ctx context.Context) (out []backend.Folder, err error) {
	return out, c.call(ctx, "GET", "/api/folders", nil, nil, &out)
}

// CreateFolder makes a folder.
func (c *Client) CreateFolder(ctx context.Context, path string, kind groupware.FolderKind) (out backend.Folder, err error) {
	return out, c.call(ctx, "POST", "/api/folders", nil, folderRequest{Path: path, Kind: kind}, &out)
}

// RenameFolder gives a folder another name.
func (c *Client) RenameFolder(ctx context.Context, path, name string) (out backend.Folder, err error) {
	return out, c.call(ctx, "POST", "/api/folders/rename", nil, folderRequest{Path: path, Name: name}, &out)
}

// MoveFolder puts a folder into another one; "/" is the top.
func (c *Client) MoveFolder(ctx context.Context, path, to string) (out backend.Folder, err error) {
	return out, c.call(ctx, "POST", "/api/folders/move", nil, folderRequest{Path: path, To: to}, &out)
}

// DeleteFolder deletes a folder with all that is in it.
func (c *Client) DeleteFolder(ctx context.Context, path string) error {
	return c.call(ctx, "POST", "/api/folders/delete", nil, folderRequest{Path: path}, nil)
}

// SetFolder chooses how much of a folder is kept here.
func (c *Client) SetFolder(ctx context.Context, path string, mode groupware.SyncMode, recursive bool) (out []backend.Folder, err error) {
	return out, c.call(ctx, "POST", "/api/folders/set", nil, folderRequest{Path: path, Sync: mode, Recursive: recursive}, &out)
}

// List returns a part of a folder.
func (c *Client) List(ctx context.Context, path string, o backend.ListOptions) (out backend.Page, err error) {
	q := url.Values{"folder": {path}, "sort": {o.Sort}, "ascending": {strconv.FormatBool(o.Ascending)}, "offset": {strconv.Itoa(o.Offset)}, "limit": {strconv.Itoa(o.Limit)}}
	return out, c.call(ctx, "GET", "/api/items", q, nil, &out)
}

// Search finds the items that hold every word.
func (c *Client) Search(ctx context.Context, o backend.SearchOptions) (out backend.Page, err error) {
	q := url.Values{"words": {o.Words}, "folder": {o.Folder}, "offset": {strconv.Itoa(o.Offset)}, "limit": {strconv.Itoa(o.Limit)}}
	return out, c.call(ctx, "GET", "/api/search", q, nil, &out)
}

// Show returns an item to read.
func (c *Client) Show(ctx context.Context, id string) (out backend.Shown, err error) {
	return out, c.call(ctx, "GET", itemPath(id), nil, nil, &out)
}

func itemPath(id string) string { return "/api/items/" + url.PathEscape(id) }

// Raw returns an item's own bytes.
func (c *Client) Raw(ctx context.Context, id string) ([]byte, error) {
	resp, err := c.do(ctx, "GET", itemPath(id)+"/raw", nil, "", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
}

// Add puts new content into a folder.
func (c *Client) Add(ctx context.Context, folder, name string, content []byte) (out backend.Added, err error) {
	return out, c.send(ctx, "POST", "/api/items", url.Values{"folder": {folder}, "name": {name}}, content, &out)
}

// Edit replaces an item's content.
func (c *Client) Edit(ctx context.Context, id, name string, content []byte) error {
	return c.send(ctx, "PUT", itemPath(id), url.Values{"name": {name}}, content, nil)
}

// Send puts a message into Outbox.
func (c *Client) Send(ctx context.Context, content []byte) (out backend.Added, err error) {
	return out, c.send(ctx, "POST", "/api/send", nil, content, &out)
}

func (c *Client) send(ctx context.Context, method, path string, q url.Values, content []byte, out any) error {
	if len(content) > backend.MaxContent {
		return &backend.Error{Code: backend.CodeInvalid, Text: fmt.Sprintf("that is too large: at most %d MiB", backend.MaxContent>>20)}
	}
	resp, err := c.do(ctx, method, path, q, "application/octet-stream", content)
	if err != nil {
		return err
	}
	return decode(resp, out)
}

// Flag adds and removes flags of an item.
func (c *Client) Flag(ctx context.Context, id string, add, remove []string) error {
	return c.call(ctx, "POST", itemPath(id)+"/flags", nil, flagsRequest{add, remove}, nil)
}

// Move puts an item into another folder.
func (c *Client) Move(ctx context.Context, id, to string) error {
	return c.call(ctx, "POST", itemPath(id)+"/move", nil, toRequest{to}, nil)
}

// Copy puts a copy of an item into a folder.
func (c *Client) Copy(ctx context.Context, id, to string) (out backend.Added, err error) {
	return out, c.call(ctx, "POST", itemPath(id)+"/copy", nil, toRequest{to}, &out)
}

// Delete deletes an item.
func (c *Client) Delete(ctx context.Context, id string) (out backend.Deleted, err error) {
	return out, c.call(ctx, "DELETE", itemPath(id), nil, nil, &out)
}

// SetOffline is the person's wish to work offline, or to end that.
func (c *Client) SetOffline(ctx context.Context, offline bool) error {
	return c.call(ctx, "POST", "/api/mode", nil, modeRequest{offline}, nil)
}

// Sync runs one complete pass, over one folder or, with "", over all.
func (c *Client) Sync(ctx context.Context, folder string, progress func(backend.Event)) (out backend.SyncResult, err error) {
	return out, c.stream(ctx, "/api/sync", url.Values{"folder": {folder}}, progress, &out)
}

// Verify checks every mailbox.
func (c *Client) Verify(ctx context.Context, progress func(backend.Event)) (out backend.VerifyResult, err error) {
	return out, c.stream(ctx, "/api/verify", nil, progress, &out)
}

// Demo tells how the demo server is.
func (c *Client) Demo(ctx context.Context) (out DemoState, err error) {
	return out, c.call(ctx, "GET", "/api/demo", nil, nil, &out)
}

// RunDemo starts or stops the demo server.
func (c *Client) RunDemo(ctx context.Context, run bool) (out DemoState, err error) {
	return out, c.call(ctx, "POST", "/api/demo", nil, demoRequest{run}, &out)
}
