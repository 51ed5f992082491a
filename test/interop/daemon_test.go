package interop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "outpost/internal/web" // most of the program that is built and run: a result of before it changed is not to be taken from the cache
)

// daemon is `outpost serve` while it runs, asked by its JSON API.
type daemon struct {
	c       *exec.Cmd
	gone    chan struct{} // closed when the process has ended
	ready   chan struct{} // closed when it can be asked, or has ended
	address string
	token   string
	http    http.Client

	mu  sync.Mutex
	log []string // the last lines
}

const logLines = 60

// serve starts the daemon.
func (o *outpost) serve() *daemon {
	o.t.Helper()
	path, err := binary()
	if err != nil {
		o.t.Fatal(err)
	}
	d := &daemon{c: exec.Command(path, "serve", "--listen", "127.0.0.1:0"), gone: make(chan struct{}), ready: make(chan struct{}),
		http: http.Client{Transport: &http.Transport{}, Timeout: 2 * time.Minute}}
	d.c.Env = o.env
	out, err := d.c.StderrPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	if err := d.c.Start(); err != nil {
		o.t.Fatal(err)
	}
	go func() {
		isReady := sync.OnceFunc(func() { close(d.ready) })
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadString('\n')
			d.tell(line)
			if strings.Contains(line, "msg=serving") && d.find(o.data) == nil {
				isReady()
			}
			if err != nil {
				break
			}
		}
		d.c.Wait()
		close(d.gone)
		isReady()
		d.http.CloseIdleConnections()
	}()
	return d
}

// find reads where the daemon is and what it wants to hear.
func (d *daemon) find(data string) error {
	b, err := os.ReadFile(filepath.Join(data, "daemon.json"))
	if err != nil {
		return err
	}
	var at struct {
		URL, Token string
		PID        int
	}
	if err := json.Unmarshal(b, &at); err != nil {
		return err
	}
	if at.PID != d.c.Process.Pid {
		return errors.New("that is another daemon's")
	}
	d.address, d.token = at.URL, at.Token
	return nil
}

func (d *daemon) tell(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.log = append(d.log, line); len(d.log) > logLines {
		d.log = d.log[1:]
	}
}

// said returns the last lines of its log.
func (d *daemon) said() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.log, "")
}

func (d *daemon) isGone() bool {
	select {
	case <-d.gone:
		return true
	default:
		return false
	}
}

// wait waits for a while, or until it is gone.
func (d *daemon) wait(a time.Duration) {
	select {
	case <-d.gone:
	case <-time.After(a):
	}
}

// kill ends it as a power cut does.
func (d *daemon) kill() {
	d.c.Process.Kill()
	<-d.gone
}

// errNo is the daemon's refusal. Other errors mean that it was killed before it answered.
type errNo struct {
	status     int
	code, text string
}

func (e *errNo) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.code, e.text) }

// ask sends a request. body is sent as it is when it is a string, else as JSON; the answer is read into out, which may be nil or a
// *string.
func (d *daemon) ask(method, path string, query url.Values, body, out any) error {
	resp, err := d.send(method, path, query, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || out == nil {
		return err
	}
	if s, ok := out.(*string); ok {
		*s = string(b)
		return nil
	}
	return json.Unmarshal(b, out)
}

func (d *daemon) send(method, path string, query url.Values, body any) (*http.Response, error) {
	var content io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(body)
	default:
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, d.address+"/api/"+path+"?"+query.Encode(), content)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+d.token)
	resp, err := d.http.Do(req)
	if err != nil || resp.StatusCode == http.StatusOK {
		return resp, err
	}
	defer resp.Body.Close()
	var problem struct{ Error, Code string }
	if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil {
		return nil, err
	}
	return nil, &errNo{resp.StatusCode, problem.Code, problem.Error}
}

// list returns the items of a folder.
func (d *daemon) list(folder string) ([]item, error) {
	var page struct{ Items []item }
	err := d.ask("GET", "items", url.Values{"folder": {folder}, "limit": {"0"}}, nil, &page)
	return page.Items, err
}

// item returns the first item of a subject in a folder; its ID is "" when there is none.
func (d *daemon) item(folder, subject string) (item, error) {
	items, err := d.list(folder)
	for _, it := range items {
		if it.Subject == subject {
			return it, err
		}
	}
	return item{}, err
}

func (d *daemon) raw(id string) (raw string, err error) {
	err = d.ask("GET", "items/"+id+"/raw", nil, nil, &raw)
	return raw, err
}

// passed is what a complete pass did.
type passed struct {
	syncResult
	Left     int64
	Problems []struct{ Code, Error string }
}

func (p passed) nothing() bool {
	return p.syncResult == syncResult{} && p.Left == 0 && len(p.Problems) == 0
}

// stream asks for what takes long (sync, verify) and calls event with what is done meanwhile.
func (d *daemon) stream(what string, event func(doing string), out any) error {
	resp, err := d.send("POST", what, nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := json.NewDecoder(resp.Body)
	for {
		var line struct {
			Event       *struct{ Doing, Folder string }
			Result      json.RawMessage
			Error, Code string
		}
		if err := lines.Decode(&line); err != nil {
			return err
		}
		switch {
		case line.Event != nil:
			event(strings.TrimSpace(line.Event.Doing + " " + line.Event.Folder))
		case line.Error != "":
			return &errNo{http.StatusOK, line.Code, line.Error}
		default:
			return json.Unmarshal(line.Result, out)
		}
	}
}
