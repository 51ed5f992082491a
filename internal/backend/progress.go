package backend

import (
	"math"
	"time"

	"outpost/internal/engine"
)

// Event says what happens in a mailbox just now.
type Event struct {
	Account string  `json:"account"`
	Folder  string  `json:"folder,omitempty"` // path
	Item    string  `json:"item,omitempty"`   // id, when one item is being read because somebody wants it
	Doing   string  `json:"doing"`            // connecting, listing, downloading, uploading, sending, fetching, verifying; "" when the pass has ended
	Amount          // of this folder or item
	All     *Amount `json:"all,omitempty"` // of everything that is to be read, as far as it is known
}

// Amount is how much of how much is done (SPEC C4). What is not known is 0.
type Amount struct {
	Done       int64 `json:"done"` // items
	Total      int64 `json:"total,omitempty"`
	Bytes      int64 `json:"bytes,omitempty"`
	TotalBytes int64 `json:"totalBytes,omitempty"`
	Rate       int64 `json:"rate,omitempty"`      // bytes a second, of late
	Remaining  int64 `json:"remaining,omitempty"` // seconds
}

// speedometer makes of the progress of a pass events that tell how fast it is. It is used by one goroutine at a time.
type speedometer struct {
	account, folder, doing string
	part, all              meter
}

func (s *speedometer) event(now time.Time, p engine.Progress) Event {
	if s.folder != p.Path || s.doing != p.Doing {
		s.folder, s.doing, s.part = p.Path, p.Doing, meter{}
	}
	e := Event{Account: s.account, Folder: p.Path, Doing: p.Doing, Amount: s.part.read(now, p.Amount)}
	if p.All.Total > 0 {
		all := s.all.read(now, p.All)
		e.All = &all
	}
	return e
}

// meter measures how fast an amount grows, of late.
type meter struct {
	last         time.Time
	seen         engine.Amount
	bytes, items float64 // a second
}

const (
	memory   = 5 * time.Second        // what was longer ago counts little
	blink    = 200 * time.Millisecond // too short to measure
	farthest = 30 * 24 * time.Hour
)

func (m *meter) read(now time.Time, a engine.Amount) Amount {
	switch dt := now.Sub(m.last); {
	case m.last.IsZero() || a.Done < m.seen.Done:
		*m = meter{last: now, seen: a}
	case dt >= blink:
		weight := 1 - math.Exp(-dt.Seconds()/memory.Seconds())
		if m.bytes == 0 && m.items == 0 {
			weight = 1
		}
		m.bytes += weight * (float64(a.Bytes-m.seen.Bytes)/dt.Seconds() - m.bytes)
		m.items += weight * (float64(a.Done-m.seen.Done)/dt.Seconds() - m.items)
		m.last, m.seen = now, a
	}
	return Amount{Done: a.Done, Total: a.Total, Bytes: a.Bytes, TotalBytes: a.TotalBytes, Rate: int64(m.bytes), Remaining: m.remaining(a)}
}

// remaining is the shorter of what items and bytes suggest: of mail that is read in part only, the bytes that are left are too many.
func (m *meter) remaining(a engine.Amount) int64 {
	left := math.Inf(1)
	if a.Total > a.Done && m.items > 0 {
		left = float64(a.Total-a.Done) / m.items
	}
	if a.TotalBytes > a.Bytes && a.Bytes > 0 && m.bytes > 0 {
		left = min(left, float64(a.TotalBytes-a.Bytes)/m.bytes)
	}
	if left > farthest.Seconds() {
		return 0
	}
	return int64(math.Ceil(left))
}
