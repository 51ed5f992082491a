package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"outpost/internal/backend"
)

// daemonName is the file of the data folder that tells how to reach its daemon.
const daemonName = "daemon.json"

// daemonFile is the content of daemon.json.
type daemonFile struct {
	URL   string `json:"url"`
	Token string `json:"token"`
	PID   int    `json:"pid"`
}

// ServeOptions say how to run a daemon.
type ServeOptions struct {
	Data    string
	Backend *backend.Server
	Listen  string // host:port, loopback only; port 0 means any
	Demo    Demo
	Log     *slog.Logger
	Ready   func(url string) // called when it can be asked
}

// Serve runs the daemon of a data folder until ctx ends: the API, and the schedule that keeps the mailboxes in step.
func Serve(ctx context.Context, o ServeOptions) error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	ln, err := listen(o.Listen)
	if err != nil {
		return err
	}
	port := ln.Addr().(*net.TCPAddr).Port
	d := daemonFile{URL: "http://" + ln.Addr().String(), Token: newToken(), PID: os.Getpid()}
	hosts := []string{ln.Addr().String()}
	for _, h := range []string{"localhost", "127.0.0.1", "::1"} {
		hosts = append(hosts, net.JoinHostPort(h, fmt.Sprint(port)))
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	server := &http.Server{
		Handler:           Handler(Options{Backend: o.Backend, Token: d.Token, Hosts: hosts, Demo: o.Demo, Life: running, Log: o.Log}),
		BaseContext:       func(net.Listener) context.Context { return running },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	if err := writeDaemon(o.Data, d); err != nil {
		ln.Close()
		return err
	}
	defer removeDaemon(o.Data, d)
	failed := make(chan error, 1)
	go func() {
		failed <- server.Serve(ln)
		stop()
	}()
	o.Log.Info("serving", "category", "http", "url", d.URL, "data", o.Data)
	if o.Ready != nil {
		o.Ready(d.URL)
	}
	err = o.Backend.Serve(running)
	shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if e := server.Shutdown(shutdown); e != nil {
		server.Close()
	}
	if e := <-failed; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// listen opens the address for the API, which must be a loopback one.
func listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &backend.Error{Code: backend.CodeUsage, Text: fmt.Sprintf("--listen wants an address like 127.0.0.1:8145, not %q", address), Err: err}
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, &backend.Error{Code: backend.CodeUsage, Text: fmt.Sprintf("--listen %s: Outpost serves only this computer: use 127.0.0.1, [::1] or localhost", address)}
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, &backend.Error{Code: backend.CodeRefused, Text: fmt.Sprintf("cannot listen on %s (%v): choose another address with --listen, like 127.0.0.1:0 for any free one", address, err), Err: err}
	}
	return ln, nil
}

func newToken() string {
	b := make([]byte, 32)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// writeDaemon writes daemon.json, as a whole, readable by its owner only.
func writeDaemon(data string, d daemonFile) error {
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(data, daemonName+".new*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(data, daemonName))
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("tell other programs where this one is: %w", err)
	}
	return nil
}

// removeDaemon removes daemon.json if it is still ours.
func removeDaemon(data string, d daemonFile) {
	if now, err := readDaemon(data); err == nil && now == d {
		os.Remove(filepath.Join(data, daemonName))
	}
}

func readDaemon(data string) (d daemonFile, err error) {
	b, err := os.ReadFile(filepath.Join(data, daemonName))
	if err == nil {
		err = json.Unmarshal(b, &d)
	}
	return d, err
}
