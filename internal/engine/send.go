package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"outpost/internal/format"
	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/store"
)

// send hands the messages in the Outbox to the submission server, each at most once (SPEC C11). Just before the final dot
// the state "sending" is saved; a message found in that state later may have been sent and waits for the person's decision.
func (p *pass) send(ctx context.Context) error {
	var queue []store.Submission
	err := p.e.m.View(ctx, func(tx *store.Tx) (err error) {
		queue, err = tx.Submissions()
		return err
	})
	if err != nil || len(queue) == 0 {
		return err
	}
	if queue, err = p.notSentYet(ctx, queue); err != nil {
		return err
	}
	var sub remote.Submitter
	for i, q := range queue {
		if q.State == store.Sending {
			if err := p.unsure(ctx, q, "Outpost was interrupted at the moment of sending."); err != nil {
				return err
			}
			continue
		}
		if q.State != store.Queued {
			continue
		}
		if sub == nil {
			if sub, err = p.e.c.Submit(ctx); err != nil {
				p.errs = append(p.errs, &ServiceError{"smtp", err})
				return nil
			}
			defer sub.Close()
		}
		p.progress(p.role(groupware.RoleOutbox), "sending", Amount{Done: int64(i), Total: int64(len(queue))})
		if err := p.sendOne(ctx, sub, q); err != nil {
			if _, ok := errors.AsType[*remote.Error](err); !ok {
				return err
			}
			p.errs = append(p.errs, &ServiceError{"smtp", err})
			return nil
		}
	}
	return nil
}

// notSentYet leaves out, and files in Sent, what the server's folder Sent already holds: a mailbox that was restored from an older copy does not
// remember that it sent it. What cannot be found out now does not keep mail from being sent.
func (p *pass) notSentYet(ctx context.Context, queue []store.Submission) ([]store.Submission, error) {
	to := p.folders[p.role(groupware.RoleSent)]
	i := slices.IndexFunc(p.sessions, func(s *session) bool { return s.name == to.Service && !s.dead })
	if to.ID == 0 || to.Token == "" || to.RemoteID == "" || i < 0 {
		return queue, nil
	}
	s := p.sessions[i]
	if err := p.observe(ctx, s, to); err != nil {
		if p.stop(ctx, s, err) {
			return nil, err
		}
		return queue, nil
	}
	ids := map[string]store.Submission{}
	var rs []groupware.Remote
	err := p.e.m.View(ctx, func(tx *store.Tx) (err error) {
		if rs, err = tx.Missing(to.ID, joinLimit); err != nil {
			return err
		}
		for _, q := range queue {
			it, err := tx.Item(q.Item)
			if err != nil {
				return err
			}
			if it.MessageID != "" && q.State == store.Queued {
				ids[it.MessageID] = q
			}
		}
		return nil
	})
	if err != nil || len(rs) == 0 || len(ids) == 0 {
		return queue, err
	}
	names, err := s.svc.Identify(ctx, to.RemoteID, remoteIDsOf(rs))
	if err != nil {
		if p.stop(ctx, s, err) {
			return nil, err
		}
		return queue, nil
	}
	for _, r := range rs {
		q, sent := ids[messageID(names[r.RemoteID])]
		if !sent {
			continue
		}
		delete(ids, messageID(names[r.RemoteID]))
		queue = slices.DeleteFunc(queue, func(o store.Submission) bool { return o.Item == q.Item })
		// The copy there is the one to keep: it is read like any other message.
		if err := p.e.m.Update(ctx, func(tx *store.Tx) error { return tx.Delete(q.Item) }); err != nil {
			return nil, err
		}
	}
	return queue, nil
}

func (p *pass) sendOne(ctx context.Context, sub remote.Submitter, q store.Submission) error {
	var raw []byte
	err := p.e.m.View(ctx, func(tx *store.Tx) (err error) {
		raw, err = tx.Raw(q.Item)
		return err
	})
	if err != nil {
		return err
	}
	began := false
	err = sub.Send(ctx, q.From, q.To, format.WithoutBcc(raw), func() error {
		began = true
		q.State, q.Text = store.Sending, ""
		return p.e.m.Update(ctx, func(tx *store.Tx) error { return tx.Submit(q) })
	})
	save := context.WithoutCancel(ctx) // what happened is kept, whatever ends the pass
	re, _ := errors.AsType[*remote.Error](err)
	switch {
	case err == nil:
		return p.e.m.Update(save, func(tx *store.Tx) error { return p.sent(tx, q) })
	case re == nil && began, re != nil && re.Sent:
		return errors.Join(err, p.unsure(save, q, err.Error()))
	case re != nil && refused(err):
		return p.e.m.Update(save, func(tx *store.Tx) error { return p.refuseSending(tx, q, err) })
	}
	q.State, q.Text = store.Queued, err.Error()
	return errors.Join(err, p.e.m.Update(save, func(tx *store.Tx) error { return tx.Submit(q) }))
}

// sent files the message in Sent; the copy goes to the server like any other new item.
func (p *pass) sent(tx *store.Tx, q store.Submission) error {
	to := p.role(groupware.RoleSent)
	if to == 0 {
		id, err := tx.AddFolder(store.Folder{Name: "Sent", Kind: groupware.FolderMail, Role: groupware.RoleSent, Mode: groupware.SyncHeaders})
		if err != nil {
			return fmt.Errorf("create the folder Sent: %w", err)
		}
		to = id
		if p.folders[id], err = tx.Folder(id); err != nil {
			return err
		}
	}
	p.result.Uploaded++
	if err := tx.ClearSubmission(q.Item); err != nil {
		return err
	}
	if err := tx.SetFlags(q.Item, groupware.Flags{System: groupware.Seen}); err != nil {
		return err
	}
	p.touched[to] = true
	return tx.SetFolder(q.Item, to)
}

// unsure keeps a message that may or may not have been sent in the Outbox, visibly, and does not send it again by itself.
func (p *pass) unsure(ctx context.Context, q store.Submission, why string) error {
	p.result.Failures++
	q.State, q.Text = store.Unknown, why+" It may have been sent. Ask a recipient, or send it again yourself."
	return p.e.m.Update(ctx, func(tx *store.Tx) error { return tx.Submit(q) })
}

// refuseSending moves a message that the server refuses to Local Failures with the server's words.
func (p *pass) refuseSending(tx *store.Tx, q store.Submission, no error) error {
	p.result.Failures++
	if err := tx.ClearSubmission(q.Item); err != nil {
		return err
	}
	if err := tx.SetFolder(q.Item, p.role(groupware.RoleLocalFailures)); err != nil {
		return err
	}
	return tx.SetReason(q.Item, store.Reason{Folder: p.paths[p.role(groupware.RoleOutbox)], Text: no.Error(), At: p.e.o.Clock()})
}
