package backend

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Policy is what an administrator decides for all accounts of a computer (SPEC A10, C9). The zero value decides nothing.
type Policy struct {
	Connections     int           // to one server (host and port) at a time, for each account; 0 means 3
	BytesPerHour    int64         // downloaded for each account; 0 means as many as there are
	MessagesPerHour int64         // items downloaded for each account; 0 means as many as there are
	SpreadStart     time.Duration // each account's first pass begins within this time after the start
	LeastEvery      time.Duration // no account looks more often than this by the clock; 0 means LeastEvery
}

const (
	policyVariable = "OUTPOST_POLICY"
	maxPolicy      = 64 << 10

	defaultConnections = 3
	leastConnections   = 2 // one for the engine, one for what a person waits for; what both calendars and contacts need
	mostConnections    = 50
	maxSpread          = 24 * time.Hour
)

// PolicyPath is where the administrator's file is, and whether it must be there.
func PolicyPath() (path string, must bool) {
	if path := os.Getenv(policyVariable); path != "" {
		return path, true
	}
	switch runtime.GOOS {
	case "windows":
		if dir := os.Getenv("ProgramData"); dir != "" {
			return filepath.Join(dir, "Outpost", "policy.json"), false
		}
		return `C:\ProgramData\Outpost\policy.json`, false
	case "darwin":
		return "/Library/Application Support/Outpost/policy.json", false
	}
	return "/etc/outpost/policy.json", false
}

// ReadPolicy reads the administrator's file. Where there need not be one and is none, nothing is decided.
func ReadPolicy(path string, must bool) (Policy, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && !must {
		return Policy{}, nil
	}
	var data []byte
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(f, maxPolicy+1))
		f.Close()
	}
	if err == nil && len(data) > maxPolicy {
		err = fmt.Errorf("it is larger than %d KiB", maxPolicy>>10)
	}
	if err != nil {
		return Policy{}, fail(CodePolicy, "the administrator's file %s cannot be read: %v", path, err)
	}
	p, err := parsePolicy(data)
	if err != nil {
		return Policy{}, fail(CodePolicy, "the administrator's file %s cannot be used: %v", path, err)
	}
	return p, nil
}

// parsePolicy reads one JSON object. Its errors begin with line and column.
func parsePolicy(data []byte) (p Policy, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	at := func(format string, args ...any) error {
		read := data[:min(int(d.InputOffset()), len(data))]
		return fmt.Errorf("line %d, column %d: %s", bytes.Count(read, []byte("\n"))+1, len(read)-bytes.LastIndexByte(read, '\n'), fmt.Sprintf(format, args...))
	}
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return p, at("it must be one JSON object, like {\"connections\": 3}")
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return p, at("%v", err)
		}
		key := t.(string) // what else could be there is an error of Token
		if seen[key] {
			return p, at("%q is there twice", key)
		}
		seen[key] = true
		switch key {
		case "connections":
			var n int64
			n, err = policyNumber(d, leastConnections, mostConnections)
			p.Connections = int(n)
		case "bytesPerHour":
			p.BytesPerHour, err = policyNumber(d, 0, 1<<50)
		case "messagesPerHour":
			p.MessagesPerHour, err = policyNumber(d, 0, 1<<40)
		case "spreadStart":
			p.SpreadStart, err = policyTime(d, 0, maxSpread)
		case "leastEvery":
			p.LeastEvery, err = policyTime(d, LeastEvery, MostEvery)
		default:
			return p, at("there is no setting %q: there are connections, bytesPerHour, messagesPerHour, spreadStart and leastEvery", key)
		}
		if err != nil {
			return p, at("%s: %v", key, err)
		}
	}
	if _, err := d.Token(); err != nil {
		return p, at("%v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return p, at("something follows after the object")
	}
	return p, nil
}

func policyNumber(d *json.Decoder, least, most int64) (int64, error) {
	var n int64
	if err := d.Decode(&n); err != nil || n < least || n > most {
		return 0, fmt.Errorf("it must be a whole number from %d to %d", least, most)
	}
	return n, nil
}

func policyTime(d *json.Decoder, least, most time.Duration) (time.Duration, error) {
	var text string
	err := d.Decode(&text)
	var t time.Duration
	if err == nil {
		t, err = time.ParseDuration(text)
	}
	if err != nil || t < least || t > most {
		return 0, fmt.Errorf("it must be a time from %s to %s, like \"10m\"", shortTime(least), shortTime(most))
	}
	return t, nil
}

// connections is how many connections one account may have to one server at a time.
func (p Policy) connections() int {
	if p.Connections == 0 {
		return defaultConnections
	}
	return p.Connections
}

// push reports whether there is room for a connection that only watches, beside those of the engine and of a person.
func (p Policy) push() bool { return p.connections() > leastConnections }
