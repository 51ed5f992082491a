package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"outpost/internal/backend"
	"outpost/internal/web"
)

func (a *app) sync() *cobra.Command {
	var folder string
	c := &cobra.Command{
		Use: "sync", Short: "One complete two-way pass of all accounts", Example: "  outpost sync\n  outpost sync --folder INBOX --json", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error { return a.synced(c.Context(), client, folder) })
		},
	}
	c.Flags().StringVar(&folder, "folder", "", "only what is in this `folder`")
	return c
}

// synced runs a pass, shows how far it is, and prints what it did.
func (a *app) synced(ctx context.Context, client *web.Client, folder string) error {
	p := newProgress(a.err)
	r, err := client.Sync(ctx, folder, p.show)
	p.end()
	if err != nil {
		return err
	}
	err = a.print(r, func() {
		fmt.Fprintf(a.out, "%d downloaded, %d uploaded, %d deleted, %s, %s; %s in, %s out, %.1f s\n", r.Downloaded, r.Uploaded, r.Deleted,
			count(int64(r.Conflicts), "conflict", "conflicts"), count(int64(r.Failures), "failure", "failures"), size(r.BytesIn), size(r.BytesOut), r.Seconds)
	})
	if err != nil {
		return err
	}
	return outcome(r)
}

// outcome is the error that a pass ends with: of problems, one that a person must mend before one that passes.
func outcome(r backend.SyncResult) error {
	var worst error
	for _, p := range r.Problems {
		switch {
		case p.Code != backend.CodeOffline && p.Code != backend.CodeLimit:
			return &backend.Error{Code: p.Code, Text: p.Error}
		case worst == nil:
			worst = notInSync(p.Error)
		}
	}
	switch {
	case worst != nil:
		return worst
	case r.Failures > 0:
		return notInSync(count(int64(r.Failures), "item", "items") + " could not be synchronised and nothing of it is lost: outpost failure list tells why and what to do")
	case r.Held > 0:
		return notInSync("in " + count(int64(r.Held), "folder", "folders") + " much would be deleted, which waits for your word: outpost status tells more")
	case r.Left > 0:
		return notInSync(count(r.Left, "change is", "changes are") + " still to be brought to the server: the next pass goes on")
	}
	return nil
}

func (a *app) status() *cobra.Command {
	var follow bool
	c := &cobra.Command{
		Use: "status", Short: "How every account is: in sync, syncing, offline, or in need of attention",
		Long:    "With --watch it goes on until Ctrl-C: on a terminal the picture changes, else each change is a new one; with --json each is one line.",
		Example: "  outpost status\n  outpost status --json\n  outpost status --watch", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error {
				if follow {
					return a.followStatus(c.Context(), client)
				}
				s, err := client.Status(c.Context())
				if err != nil {
					return err
				}
				if err := a.print(s, func() { a.stated(s) }); err != nil {
					return err
				}
				if !s.InSync() {
					return notInSync("")
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&follow, "watch", false, "go on showing it")
	return c
}

// followStatus shows the status again and again.
func (a *app) followStatus(ctx context.Context, client *web.Client) error {
	if !client.Daemon() {
		return &backend.Error{Code: backend.CodeRefused, Text: "nothing runs that could be watched: start outpost serve first"}
	}
	height := 0
	screen := terminal(a.out)
	err := client.FollowStatus(ctx, func(s backend.Status) error {
		if a.json {
			return json.NewEncoder(a.out).Encode(s)
		}
		out := a.out
		var picture bytes.Buffer
		a.out = &picture
		a.stated(s)
		a.out = out
		if screen && height > 0 {
			fmt.Fprintf(out, "\x1b[%dA\x1b[J", height) // ECMA-48 8.3.22, 8.3.39: up, and all below away
		}
		text := picture.String()
		if screen {
			text = fitted(text, width(out))
		}
		height = strings.Count(text, "\n")
		_, err := io.WriteString(out, text)
		return err
	})
	if ctx.Err() != nil {
		return nil // that is how it ends
	}
	return err
}

func (a *app) stated(s backend.Status) {
	words := map[backend.State]string{backend.StateInSync: "in sync", backend.StateSyncing: "synchronising", backend.StateOffline: "offline", backend.StateAttention: "needs attention"}
	if len(s.Accounts) == 0 {
		fmt.Fprintln(a.out, "There is no account yet: add one with outpost account add.")
	}
	for _, acc := range s.Accounts {
		fmt.Fprintf(a.out, "%s: %s", acc.Email, words[acc.State])
		if acc.Mode == "offline" {
			fmt.Fprint(a.out, " by your wish (outpost online ends it)")
		}
		fmt.Fprintf(a.out, "; %s in %s", count(acc.Items, "item", "items"), count(acc.Folders, "folder", "folders"))
		for _, n := range []struct {
			n         int64
			one, many string
		}{{acc.Pending, "change waits for the server", "changes wait for the server"}, {acc.Conflicts, "conflict", "conflicts"}, {acc.Failures, "failure", "failures"}} {
			if n.n > 0 {
				fmt.Fprint(a.out, "; ", count(n.n, n.one, n.many))
			}
		}
		if d := acc.Doing; d != nil && d.Folder != "" {
			fmt.Fprint(a.out, "; ", printable(far(*d)))
		}
		if acc.LastSync.IsZero() {
			fmt.Fprintln(a.out, "; never in sync yet")
		} else {
			fmt.Fprintln(a.out, "; last in sync "+day(acc.LastSync))
		}
		if acc.Problem != "" {
			fmt.Fprintln(a.out, "  "+printable(acc.Problem))
		}
		for _, h := range acc.Holds {
			if !h.Confirmed {
				fmt.Fprintln(a.out, "  "+printable(h.Sentence()))
			}
		}
		if acc.Conflicts > 0 {
			fmt.Fprintln(a.out, "  outpost conflict list shows what was changed on both sides and is to be decided")
		}
		if acc.Failures > 0 {
			fmt.Fprintln(a.out, "  outpost failure list tells what could not be brought over, and why")
		}
	}
}
