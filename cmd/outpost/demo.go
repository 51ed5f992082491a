package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"outpost/internal/backend"
	"outpost/internal/demo"
	"outpost/internal/web"
)

const demoFolder = "outpost-demo"

func (a *app) demo() *cobra.Command {
	var once bool
	var listen string
	c := &cobra.Command{
		Use: "demo", Short: "See Outpost work: a groupware server within this program, an account on it, a first sync, and the daemon",
		Long: "Starts a small company's groupware server within this program, on loopback only, adds an account on it, brings its\n" +
			"mailbox here and serves it. Everything is kept in a data folder of its own, so the demo can be ended and started again.",
		Example: "  outpost demo\n  outpost demo --once\n  outpost demo server stop", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error { return a.runDemo(c.Context(), once, listen) },
	}
	c.Flags().BoolVar(&once, "once", false, "end after the first sync")
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "the loopback `address` to serve on; port 0 means any free one")

	server := func(use, short string, do func(context.Context, *web.Client) (web.DemoState, error)) *cobra.Command {
		return &cobra.Command{
			Use: use, Short: short, Example: "  outpost demo server " + use, Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, args []string) error {
				if a.data == "" {
					dir, err := a.dataFolder(demoFolder)
					if err != nil {
						return err
					}
					a.data = dir
				}
				return a.with(c.Context(), func(client *web.Client) error {
					state, err := do(c.Context(), client)
					if err != nil {
						return err
					}
					return a.print(state, func() {
						if state.Running {
							fmt.Fprintln(a.out, "The demo server is there.")
						} else {
							fmt.Fprintln(a.out, "The demo server is away.")
						}
					})
				})
			},
		}
	}
	c.AddCommand(group("server", "Take the demo server of a running demo away and back", "  outpost demo server stop\n  outpost demo server start",
		server("start", "Bring the demo server back", func(ctx context.Context, c *web.Client) (web.DemoState, error) { return c.RunDemo(ctx, true) }),
		server("stop", "Take the demo server away, as if the network was gone", func(ctx context.Context, c *web.Client) (web.DemoState, error) { return c.RunDemo(ctx, false) }),
		server("status", "Tell whether the demo server is there", func(ctx context.Context, c *web.Client) (web.DemoState, error) { return c.Demo(ctx) })))
	return c
}

// runDemo runs the demo server, an account on it, and the daemon.
func (a *app) runDemo(ctx context.Context, once bool, listen string) (err error) {
	data, err := a.dataFolder(demoFolder)
	if err != nil {
		return err
	}
	log, closeLog, err := openLog(data, io.Discard) // the terminal is for the invitation
	if err != nil {
		return err
	}
	defer closeLog()
	b, err := backend.Open(ctx, backend.Options{Data: data, Encrypt: a.encrypt, Force: a.force, Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	fmt.Fprintln(a.err, "Starting a small company's groupware server within this program ...")
	server, err := demo.New(demo.Options{Dir: filepath.Join(data, "demo-server"), TLS: true})
	if err != nil {
		return fmt.Errorf("make the demo server: %w", err)
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	if err := server.Start(ctx); err != nil {
		return err
	}
	client, acc := web.Local(b, server), server.Account()
	fmt.Fprintf(a.err, "Adding the account of %s, %s ...\n", acc.Name, acc.Email)
	if _, err := client.AddAccount(ctx, backend.NewAccount{Email: acc.Email, Password: acc.Password, Name: acc.Name, IMAP: acc.IMAP, SMTP: acc.SMTP,
		CalDAV: acc.CalDAV, CardDAV: acc.CardDAV, TrustCertificate: acc.Fingerprint}); err != nil {
		return err
	}
	if err := client.SetOffline(ctx, false); err != nil {
		return err
	}
	fmt.Fprintln(a.err, "Bringing the mailbox here ...")
	if err := a.synced(ctx, client, ""); err != nil {
		return err
	}
	if status, err := client.Status(ctx); err != nil {
		return err
	} else if !a.json {
		a.stated(status)
	}
	if once {
		return nil
	}
	return web.Serve(ctx, web.ServeOptions{Data: data, Backend: b, Listen: listen, Demo: server, Log: log, Ready: func(string) { a.invite(data, acc) }})
}

// invite tells what to try next.
func (a *app) invite(data string, acc demo.Account) {
	p := program()
	quoted := data
	if strings.ContainsAny(data, " '\"$\\()&;") {
		quoted = "'" + strings.ReplaceAll(data, "'", `'\''`) + "'"
	}
	letter := fmt.Sprintf(`printf 'From: %s\nTo: %s\nSubject: Written offline\n\nIt waits in Outbox.\n'`, acc.Email, acc.Email)
	fmt.Fprintf(a.out, `
The mailbox is here. In a second terminal, tell the commands where:

  export OUTPOST_DATA=%[1]s

Look around and search:

  %[2]s folder list
  %[2]s list INBOX --limit 10
  %[2]s search invoice
  %[2]s list Calendar

Take the server away and go on working (ID as list and search show it):

  %[2]s demo server stop
  %[2]s show ID
  %[2]s folder create Ideas
  %[2]s move ID Ideas
  %[3]s | %[2]s send
  %[2]s status

Bring it back and see everything go to its place:

  %[2]s demo server start
  %[2]s sync
  %[2]s list INBOX --limit 3
  %[2]s status

This terminal keeps the demo running; Ctrl-C ends it, and the next %[2]s demo goes on where it was.
`, quoted, p, letter)
}
