package store

import (
	"context"
	"fmt"
	"time"
)

// trafficKeep is how long it is remembered what was transferred.
const trafficKeep = 32 * 24 * time.Hour

// AddTraffic notes that so much was transferred for an account, to be compared with what an administrator allows.
func (p *Profile) AddTraffic(ctx context.Context, account int64, at time.Time, bytes, messages int64) error {
	return p.use(ctx, func(c *conn) error {
		if _, err := c.exec("DELETE FROM traffic WHERE account = ? AND hour < ?", account, hour(at.Add(-trafficKeep))); err != nil {
			return err
		}
		_, err := c.exec(`INSERT INTO traffic (account, hour, bytes, messages) VALUES (?1, ?2, ?3, ?4)
			ON CONFLICT (account, hour) DO UPDATE SET bytes = bytes + ?3, messages = messages + ?4`, account, hour(at), bytes, messages)
		if err != nil {
			return fmt.Errorf("note what was transferred for account %d: %w", account, err)
		}
		return nil
	})
}

// TrafficSince returns how much was transferred for an account since the beginning of the hour that since lies in. It reaches back 32 days.
func (p *Profile) TrafficSince(ctx context.Context, account int64, since time.Time) (bytes, messages int64, err error) {
	err = p.use(ctx, func(c *conn) error {
		_, err := c.one(func(r row) { bytes, messages = r.int(0), r.int(1) },
			"SELECT ifnull(sum(bytes), 0), ifnull(sum(messages), 0) FROM traffic WHERE account = ? AND hour >= ?", account, hour(since))
		return err
	})
	return bytes, messages, err
}

// hour counts hours since 1970.
func hour(t time.Time) int64 { return t.Unix() / 3600 }
