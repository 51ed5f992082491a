package web

import (
	"context"
	"encoding/json"

	"outpost/internal/backend"
)

// Daemon reports whether the client asks a daemon, not its own process.
func (c *Client) Daemon() bool { return c.base != "http://"+localHost }

// SetAccount changes when and how an account is synchronised.
func (c *Client) SetAccount(ctx context.Context, n backend.NewSettings) (out backend.Account, err error) {
	return out, c.call(ctx, "POST", "/api/accounts/set", nil, n, &out)
}

// FollowStatus hands on the status, now and whenever it has changed.
func (c *Client) FollowStatus(ctx context.Context, emit func(backend.Status) error) error {
	return c.receive(ctx, "GET", "/api/status/follow", nil, func(l line) error {
		if l.Status == nil {
			return nil
		}
		return emit(*l.Status)
	}, new(json.RawMessage))
}

// Fetch reads what is missing of an item from its server.
func (c *Client) Fetch(ctx context.Context, id string, progress func(backend.Event)) error {
	return c.stream(ctx, itemPath(id)+"/fetch", nil, progress, new(json.RawMessage))
}
