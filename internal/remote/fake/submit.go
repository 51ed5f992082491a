package fake

import (
	"context"
	"slices"

	"outpost/internal/remote"
)

// submitter is one connection to the submission server.
type submitter struct{ *conn }

// Submit signs in to the submission server. Its calls are "Submit" and "Send", of service "smtp".
func (s *Server) Submit(ctx context.Context) (remote.Submitter, error) {
	if s.o.NoSubmission {
		return nil, &remote.Error{Kind: remote.NotFound, Doing: "send mail", Text: "the account has no submission server"}
	}
	c, err := s.connect(ctx, "smtp", "Submit")
	if err != nil {
		return nil, err
	}
	return submitter{c}, nil
}

// Send accepts a message. A fault in the Middle loses the message after the final dot (Sent true, not accepted); one
// After loses only the answer (Sent true, accepted); OneItem refuses the message after commit, finally (Sent false).
func (c submitter) Send(ctx context.Context, from string, to []string, raw []byte, commit func() error) error {
	k, err := c.begin(ctx, "Send", "send mail")
	if err != nil {
		return err
	}
	for _, a := range to {
		if c.s.o.RefuseRecipient != nil && c.s.o.RefuseRecipient(a) {
			return &remote.Error{Kind: remote.Invalid, Doing: "send mail to " + a, Text: "550 5.1.1 no such user"}
		}
	}
	if len(to) == 0 {
		return &remote.Error{Kind: remote.Invalid, Doing: "send mail", Text: "554 5.5.1 no valid recipients"}
	}
	if max := c.s.o.MaxSize; max > 0 && int64(len(raw)) > max {
		return &remote.Error{Kind: remote.TooLarge, Doing: "send mail", Text: "552 5.3.4 message too big"}
	}
	if err := commit(); err != nil {
		return err
	}
	c.out.Add(int64(len(raw)))
	if err := k.refused(); err != nil {
		return err
	}
	if err := k.step(); err != nil {
		return unknown(err)
	}
	c.locked(func(s *Server) error {
		s.sent = append(s.sent, Sent{From: from, To: slices.Clone(to), Raw: slices.Clone(raw), At: s.o.Clock()})
		return nil
	})
	return unknown(k.end())
}

// unknown marks an error as one after which the message may have been accepted.
func unknown(err error) error {
	switch e, ok := err.(*remote.Error); {
	case err == nil:
		return nil
	case ok:
		e.Sent = true
		return e
	}
	return &remote.Error{Kind: remote.Offline, Doing: "send mail", Text: err.Error(), Sent: true, Err: err}
}
