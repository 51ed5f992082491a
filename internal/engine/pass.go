package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"outpost/internal/groupware"
	"outpost/internal/remote"
	"outpost/internal/store"
)

// maxRounds bounds how often one pass looks again at folders that it has itself changed. Two are enough where the
// server keeps what it is given; the third is for one that rewrites it.
const maxRounds = 4

// pass is one run over the whole mailbox. It lives in one goroutine.
type pass struct {
	e           *Engine
	only        []groupware.FolderID // nil: all
	foldersOnly bool
	first       func() groupware.FolderID
	news        func() []groupware.FolderID
	all         Amount // to read, and read
	sessions    []*session
	folders     map[groupware.FolderID]store.Folder
	paths       map[groupware.FolderID]string
	touched     map[groupware.FolderID]bool // changed by this pass since they were last observed
	looked      map[groupware.FolderID]bool // known as they are at the server now: all that arrived in them was recognised
	doubted     map[groupware.ItemID]bool   // gone there, and perhaps only on their way to another folder
	lookAgain   bool                        // because of them
	failed      map[groupware.ItemID]bool   // not tried again in this pass
	unread      map[place]bool              // not read in this pass: perhaps what waits here to be stored
	lost        map[groupware.FolderID]bool // gone there, and here until what was filed out of them is found there or stored again
	holds       []store.Hold
	told        bool // invitations were put into the Outbox
	result      Result
	errs        []error
}

// place names an item of a server.
type place struct {
	folder groupware.FolderID
	id     string
}

// session is one service within a pass.
type session struct {
	name   string
	svc    remote.Service
	dead   bool                                 // the connection is of no more use in this pass
	states map[groupware.FolderID]remote.Folder // as listed
	away   map[groupware.FolderID]bool          // gone there, and here until a person agrees
}

// Pass is one complete two-way synchronisation. An error of one service or folder stops no other; all of them are joined
// in the returned error, and errors.As finds the *remote.Error of each. Progress is saved as it goes.
func (e *Engine) Pass(ctx context.Context, o PassOptions) (Result, error) {
	p := &pass{e: e, only: o.Folders, foldersOnly: o.FoldersOnly, first: o.First, news: o.News, touched: map[groupware.FolderID]bool{}, looked: map[groupware.FolderID]bool{},
		doubted: map[groupware.ItemID]bool{}, failed: map[groupware.ItemID]bool{}, unread: map[place]bool{}, lost: map[groupware.FolderID]bool{}}
	if p.first == nil {
		p.first = func() groupware.FolderID { return 0 }
	}
	if p.news == nil {
		p.news = func() []groupware.FolderID { return nil }
	}
	defer p.close()
	err := p.run(ctx)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	p.close()
	for _, h := range p.holds {
		if h.Confirmed < h.Items {
			p.result.Held++
		}
	}
	left := e.m.View(context.WithoutCancel(ctx), func(tx *store.Tx) (err error) {
		p.result.Left, err = tx.PendingCount()
		return err
	})
	return p.result, errors.Join(append(p.errs, err, left)...)
}

func (p *pass) run(ctx context.Context) error {
	if err := p.load(ctx); err != nil {
		return err
	}
	if err := p.e.m.View(ctx, func(tx *store.Tx) (err error) { p.holds, err = tx.Holds(); return err }); err != nil {
		return err
	}
	for _, name := range p.e.c.Services() {
		if p.only != nil && !slices.ContainsFunc(p.only, func(id groupware.FolderID) bool { return p.folders[id].Service == name }) {
			continue
		}
		svc, err := p.e.c.Connect(ctx, name)
		if err != nil {
			p.errs = append(p.errs, &ServiceError{name, err})
			continue
		}
		s := &session{name: name, svc: svc, away: map[groupware.FolderID]bool{}}
		p.sessions = append(p.sessions, s)
	}
	if !p.foldersOnly {
		if err := errors.Join(p.retry(ctx), p.send(ctx)); err != nil {
			return err
		}
	}
	for _, s := range p.sessions {
		if p.only != nil && s.name == "imap" && !slices.ContainsFunc(p.only, func(id groupware.FolderID) bool { return p.folders[id].RemoteID == "" }) {
			continue // they are known, and what became of the others can wait
		}
		err := p.settleFolders(ctx, s)
		if p.stop(ctx, s, err) {
			return err
		}
		s.dead = s.dead || err != nil // what its folders are now, and whether it sends invitations, is not known
	}
	if p.foldersOnly {
		return nil
	}
	for _, s := range p.sessions {
		if err := p.recover(ctx, s); p.stop(ctx, s, err) {
			return err
		}
	}
	if err := p.exchange(ctx); err != nil {
		return err
	}
	if err := p.release(ctx); err != nil {
		return err
	}
	return p.fill(ctx)
}

// exchange brings changes both ways for the folders that have been listed before, until nothing of it touches a folder again.
func (p *pass) exchange(ctx context.Context) error {
	for round := range maxRounds {
		look, all := p.touched, p.lookAgain
		p.lookAgain = false
		p.touched = map[groupware.FolderID]bool{}
		for _, s := range p.sessions {
			fs := p.inOrder(s)
			for _, f := range fs {
				if f.Token == "" || round > 0 && !look[f.ID] && !all {
					continue
				}
				if round == 0 && s.states[f.ID].State != "" && s.states[f.ID].State == f.Token {
					p.looked[f.ID] = true
					continue
				}
				err := p.observe(ctx, s, f)
				if p.looked[f.ID] = err == nil; p.stop(ctx, s, err) {
					return err
				}
			}
			if err := p.recogniseMoves(ctx, s); err != nil {
				if clear(p.looked); p.stop(ctx, s, err) {
					return err
				}
			}
			pending, err := p.ask(ctx, (*store.Tx).PendingFolders)
			if err != nil {
				return err
			}
			if round == 0 {
				fs = append(fs, p.unwatched(s)...)
			}
			for _, f := range append(fs, p.lostOf(s)...) {
				if !pending[f.ID] || f.Token == "" && f.Mode != groupware.SyncOff && !p.lost[f.ID] { // fill looks at what was never listed before it does anything there
					continue
				}
				if err := p.bring(ctx, s, f); p.stop(ctx, s, err) {
					return err
				}
			}
		}
		if p.told {
			p.told = false
			if err := p.send(ctx); err != nil {
				return err
			}
		}
		if len(p.touched) == 0 && !p.lookAgain {
			break
		}
	}
	return nil
}

// ask makes a set of the folders that a question to the store names.
func (p *pass) ask(ctx context.Context, question func(*store.Tx) ([]groupware.FolderID, error)) (map[groupware.FolderID]bool, error) {
	set := map[groupware.FolderID]bool{}
	err := p.e.m.View(ctx, func(tx *store.Tx) error {
		ids, err := question(tx)
		for _, id := range ids {
			set[id] = true
		}
		return err
	})
	return set, err
}

// fill reads what is only at the server, the most wanted folders first.
func (p *pass) fill(ctx context.Context) error {
	type job struct {
		s *session
		download
	}
	wanting, err := p.ask(ctx, (*store.Tx).Wanting)
	if err != nil {
		return err
	}
	var jobs []*job
	for _, s := range p.sessions {
		for _, f := range p.inOrder(s) {
			if f.Token == "" || wanting[f.ID] {
				jobs = append(jobs, &job{s: s, download: download{pass: p, f: f.ID}})
			}
		}
	}
	slices.SortStableFunc(jobs, func(a, b *job) int { return cmp.Compare(urgency(p.folders[a.f]), urgency(p.folders[b.f])) })
	if err := p.expectMissing(ctx); err != nil {
		return err
	}
	for page := 0; len(jobs) > 0; page++ {
		if page > 0 {
			told := p.news()
			if err := p.meanwhile(ctx, told); err != nil {
				return err
			}
			for _, s := range p.sessions {
				for _, f := range p.inOrder(s) {
					if slices.Contains(told, f.ID) && !slices.ContainsFunc(jobs, func(j *job) bool { return j.f == f.ID }) {
						jobs = slices.Insert(jobs, 0, &job{s: s, download: download{pass: p, f: f.ID}})
					}
				}
			}
		}
		i := max(0, slices.IndexFunc(jobs, func(j *job) bool { return j.f == p.first() }))
		j := jobs[i]
		done, err := true, error(nil)
		if p.folders[j.f].Token == "" {
			err = p.meet(ctx, j.s, j.f)
		}
		if err == nil && !j.s.dead {
			done, err = j.more(ctx, j.s)
		}
		if _, ok := errors.AsType[spent](err); ok {
			p.errs = append(p.errs, err)
			return nil
		}
		if p.stop(ctx, j.s, err) {
			return err
		}
		if done || err != nil {
			jobs = slices.Delete(jobs, i, i+1)
		}
	}
	return nil
}

// meanwhile does between two pages what ought not to wait for the end of a long reading: the folders that the server told of are looked at, and what
// a person did here since goes there.
func (p *pass) meanwhile(ctx context.Context, told []groupware.FolderID) error {
	if err := p.send(ctx); err != nil {
		return err
	}
	for _, s := range p.sessions {
		for _, f := range p.inOrder(s) {
			if f.Token == "" || !slices.Contains(told, f.ID) {
				continue
			}
			err := p.observe(ctx, s, f)
			if err == nil {
				err = p.recogniseMoves(ctx, s)
			}
			if p.looked[f.ID] = err == nil; p.stop(ctx, s, err) {
				return err
			}
		}
	}
	pending, err := p.ask(ctx, (*store.Tx).PendingFolders)
	if err != nil || len(pending) == 0 {
		return err
	}
	for _, s := range p.sessions {
		for _, f := range append(p.inOrder(s), p.unwatched(s)...) {
			if !pending[f.ID] || f.Token == "" && f.Mode != groupware.SyncOff {
				continue
			}
			if err := p.bring(ctx, s, f); p.stop(ctx, s, err) {
				return err
			}
		}
	}
	return p.expectMissing(ctx)
}

// bring agrees on what is in a folder on both sides.
func (p *pass) bring(ctx context.Context, s *session, f store.Folder) error {
	if s.dead {
		return nil
	}
	if err := p.joinOwn(ctx, s, f); err != nil {
		return err
	}
	return p.execute(ctx, s, f)
}

// meet lists a folder for the first time, and brings together what is in it on both sides.
func (p *pass) meet(ctx context.Context, s *session, id groupware.FolderID) error {
	err := p.observe(ctx, s, p.folders[id])
	if err == nil {
		err = p.recogniseMoves(ctx, s)
	}
	if p.looked[id] = err == nil; err != nil {
		return err
	}
	if err := p.bring(ctx, s, p.folders[id]); err != nil {
		return err
	}
	return p.expectMissing(ctx)
}

// urgency orders folders for reading: the Inbox, then what is small and wanted every day, then other mail.
func urgency(f store.Folder) int {
	switch {
	case f.Role == groupware.RoleInbox:
		return 0
	case f.Kind != groupware.FolderMail:
		return 1
	case f.Role == groupware.RoleDrafts || f.Role == groupware.RoleSent:
		return 2
	case f.Role == groupware.RoleTrash || f.Role == groupware.RoleJunk || f.Role == groupware.RoleArchive:
		return 4
	}
	return 3
}

// inOrder lists the folders of a service that take part, unless its connection is lost.
func (p *pass) inOrder(s *session) []store.Folder {
	return p.choose(s, func(f store.Folder) bool { return f.Mode != groupware.SyncOff })
}

// unwatched lists the folders of a service that are not synchronised. What a person does with the items that are here all the same, or files
// there, goes to the server, but nobody looks what else is there.
func (p *pass) unwatched(s *session) []store.Folder {
	return p.choose(s, func(f store.Folder) bool { return f.Mode == groupware.SyncOff })
}

func (p *pass) choose(s *session, wanted func(store.Folder) bool) (fs []store.Folder) {
	for _, f := range p.folders {
		if !s.dead && f.Service == s.name && f.RemoteID != "" && !f.Deleted && !p.lost[f.ID] && !s.away[f.ID] && !f.NoItems && wanted(f) && (p.only == nil || slices.Contains(p.only, f.ID)) {
			fs = append(fs, f)
		}
	}
	slices.SortFunc(fs, func(a, b store.Folder) int { return cmp.Compare(a.ID, b.ID) })
	return fs
}

// lostOf lists the folders of a service that are gone there, and here not yet.
func (p *pass) lostOf(s *session) (fs []store.Folder) {
	for id := range p.lost {
		if f, ok := p.folders[id]; ok && f.Service == s.name && p.only == nil {
			fs = append(fs, f)
		}
	}
	slices.SortFunc(fs, func(a, b store.Folder) int { return cmp.Compare(a.ID, b.ID) })
	return fs
}

// stop records an error of a service and says whether the whole pass must end: it must when it was cancelled or when
// the store failed; what a server or the network said ends at most the session.
func (p *pass) stop(ctx context.Context, s *session, err error) bool {
	if err == nil {
		return false
	}
	if _, ok := errors.AsType[*remote.Error](err); !ok || ctx.Err() != nil {
		return true
	}
	if s.dead {
		return false // told already
	}
	p.errs = append(p.errs, &ServiceError{s.name, err})
	switch remote.KindOf(err) {
	case remote.Offline, remote.Unavailable, remote.Auth, remote.Certificate, remote.Protocol:
		s.dead = true
	}
	return false
}

// load reads the folders afresh.
func (p *pass) load(ctx context.Context) error {
	return p.e.m.View(ctx, func(tx *store.Tx) error {
		fs, err := tx.Folders()
		if err != nil {
			return err
		}
		p.folders, p.paths = make(map[groupware.FolderID]store.Folder, len(fs)), make(map[groupware.FolderID]string, len(fs))
		for _, f := range fs {
			p.folders[f.ID] = f
			p.paths[f.ID] = f.Name
			if parent, ok := p.paths[f.Parent]; ok {
				p.paths[f.ID] = parent + "/" + f.Name
			}
		}
		return nil
	})
}

// role returns the folder of a role, the first when there are several, 0 when there is none.
func (p *pass) role(r groupware.Role) (found groupware.FolderID) {
	for id, f := range p.folders {
		if f.Role == r && !f.Deleted && (found == 0 || id < found) {
			found = id
		}
	}
	return found
}

// fail keeps the server's words with an item or, before it is one, with its remote id.
func (p *pass) fail(tx *store.Tx, f store.Failure, why error) error {
	f.At, f.Text = p.e.o.Clock(), why.Error()
	if re, ok := errors.AsType[*remote.Error](why); ok {
		f.Code = re.Kind.String()
	}
	p.result.Failures++
	p.failed[f.Item] = true
	err := tx.SetFailure(f)
	if f.Item != 0 {
		err = ignoreNotFound(err) // it was deleted meanwhile
	}
	return err
}

func (p *pass) close() {
	for _, s := range p.sessions {
		in, out := s.svc.Traffic()
		p.result.BytesIn += in
		p.result.BytesOut += out
		s.svc.Close()
	}
	p.sessions = nil
}
