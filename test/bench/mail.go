package main

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"outpost/test/servers"
	"outpost/test/testmail"
)

// corpus is mail to load into one folder of one account.
type corpus struct {
	key, name string
	mails     func() iter.Seq2[testmail.Mail, error]
}

// folder is where the corpus lies. Its name says nothing of its use, so the program gives it its default: headers and
// plain text.
const folder = "Bulk"

// box is a loaded account.
type box struct {
	corpus corpus
	user   servers.User
	count  int
	bytes  int64
}

// load fills a new account with a corpus. The message with the marker comes first, so it is the oldest.
func (b *bench) load(s *servers.Server, c corpus) (*box, error) {
	start := time.Now()
	u, err := s.AddUser()
	if err != nil {
		return nil, err
	}
	if err := s.CreateMailbox(u, folder); err != nil {
		return nil, err
	}
	conn, err := s.DialIMAP(u)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var failed error
	done, err := conn.Append(folder, func(yield func(servers.Mail) bool) {
		if !yield(oldest()) {
			return
		}
		for m, err := range c.mails() {
			if err != nil {
				failed = err
				return
			}
			if !yield(servers.Mail{Raw: m.Raw, Flags: m.Flags, Date: m.Date}) {
				return
			}
		}
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, fmt.Errorf("load %s into %s: %w", c.name, s.Kind, err)
	}
	for i, refused := range done.Refused {
		if i == 3 {
			b.say("… and %d more refused", len(done.Refused)-i)
			break
		}
		b.say("%s refuses a mail: %v", s.Kind, refused)
	}
	b.say("%s: loaded %d mails, %d MiB, in %.1f s (%s)", s.Kind, done.Messages, done.Bytes>>20, time.Since(start).Seconds(), c.name)
	return &box{c, u, done.Messages, done.Bytes}, nil
}

func oldest() servers.Mail {
	date := time.Date(1995, 1, 1, 0, 0, 0, 0, time.UTC)
	return servers.Mail{Date: date, Raw: fmt.Appendf(nil, "From: First <first@mail.example>\r\nTo: me@north.example\r\nSubject: The oldest\r\nDate: %s\r\n"+
		"Message-ID: <oldest@mail.example>\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s\r\n", date.Format(time.RFC1123Z), marker)}
}

// bare fetches everything with one command and throws it away, which also warms the server's page cache.
func (b *bench) bare(s *servers.Server, x *box) (cost, error) {
	conn, err := s.DialIMAP(x.user)
	if err != nil {
		return cost{}, err
	}
	defer conn.Close()
	if _, err := conn.Command("EXAMINE %s", folder); err != nil {
		return cost{}, err
	}
	before, start := s.CPU(), time.Now()
	n, err := conn.Discard("UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])")
	c := cost{Wall: time.Since(start), Server: s.CPU() - before}
	if err == nil && n < x.bytes {
		err = fmt.Errorf("the bare loop got %d bytes of %d", n, x.bytes)
	}
	return c, err
}

// clones are an Outpost and a Maildir that have everything of an account.
type clones struct {
	outpost *outpost
	mbsync  *mbsync
}

// first measures the first sync of one account, all contenders in turn, each after a bare loop that warms the cache.
func (b *bench) first(s *servers.Server, x *box) (*clones, error) {
	goal := 0.25
	if s.Kind == servers.DovecotIMAP {
		goal = 0.5
	}
	t := newTable("first-"+strings.ToLower(string(s.Kind))+"-"+x.corpus.key, fmt.Sprintf("First sync, %s, %s", s.Kind, x.corpus.name))
	var bare, readable, whole, headers, defaults, unsafe []cost
	var have clones
	var stored, headersStored int64
	rounds := b.rounds
	if x.count > 20000 {
		rounds = 1
	}
	for round := range rounds {
		dir, err := b.fresh(fmt.Sprintf("first-%s-%s-%d", s.Kind, x.corpus.key, round))
		if err != nil {
			return nil, err
		}
		steps := []struct {
			name string
			skip bool
			do   func() error
		}{
			{"bare loop", false, func() error {
				c, err := b.bare(s, x)
				bare = append(bare, c)
				return err
			}},
			{"outpost, whole", !b.wants("first"), func() error {
				o, err := newOutpost(b.binary, filepath.Join(dir, "outpost"), s, x.user)
				if err != nil {
					return err
				}
				f, err := o.first(folder, true, "--imap", s.IMAP)
				if err != nil {
					return err
				}
				if f.result.Downloaded != x.count {
					return fmt.Errorf("outpost downloaded %d of %d messages", f.result.Downloaded, x.count)
				}
				readable, whole = append(readable, f.readable), append(whole, f.all)
				have.outpost = o
				stored, err = folderSize(o.data)
				return err
			}},
			{"mbsync", false, func() error {
				m, err := newMbsync(filepath.Join(dir, "mbsync"), s, x.user, true)
				if err != nil {
					return err
				}
				c, err := measure(s, m.sync())
				if err != nil {
					return err
				}
				defaults = append(defaults, c)
				have.mbsync = m
				n, err := countFiles(m.dir, folder+"/[cn][ue][rw]/*")
				if err == nil && n != x.count {
					err = fmt.Errorf("mbsync has %d of %d messages", n, x.count)
				}
				return err
			}},
			{"outpost, headers and text", !b.wants("headers"), func() error {
				o, err := newOutpost(b.binary, filepath.Join(dir, "outpost-headers"), s, x.user)
				if err != nil {
					return err
				}
				f, err := o.first(folder, false, "--imap", s.IMAP)
				if err != nil {
					return err
				}
				headers = append(headers, f.all)
				headersStored, err = folderSize(o.data)
				return err
			}},
			{"mbsync, FSync no", !b.wants("first"), func() error {
				m, err := newMbsync(filepath.Join(dir, "mbsync-nofsync"), s, x.user, false)
				if err != nil {
					return err
				}
				c, err := measure(s, m.sync())
				unsafe = append(unsafe, c)
				return errors.Join(err, os.RemoveAll(filepath.Dir(m.dir)))
			}},
		}
		for _, step := range steps {
			if step.skip || b.binary == "" && strings.HasPrefix(step.name, "outpost") {
				continue
			}
			if _, err := b.bare(s, x); err != nil {
				return nil, err
			}
			b.say("%s, %s: %s (round %d)", s.Kind, x.corpus.name, step.name, round+1)
			if err := step.do(); err != nil {
				return nil, fmt.Errorf("%s: %w", step.name, err)
			}
		}
	}
	t.run("bare loop: one FETCH, thrown away", x.count, median(bare))
	if len(whole) > 0 {
		t.run("Outpost, whole: readable", x.count, median(readable))
		t.run("Outpost, whole: readable and searchable", x.count, median(whole))
	}
	if len(headers) > 0 {
		t.run("Outpost, headers and text: readable and searchable", x.count, median(headers))
	}
	t.run("mbsync", x.count, median(defaults))
	if len(unsafe) > 0 {
		t.run("mbsync, FSync no", x.count, median(unsafe))
	}
	if len(whole) > 0 {
		w := median(whole)
		t.ratio("whole, searchable ÷ mbsync", w, median(defaults), goal)
		t.ratio("whole, readable ÷ mbsync", median(readable), median(defaults), 0)
		t.ratio("whole, searchable ÷ mbsync with FSync no", w, median(unsafe), 0)
		t.ratio("whole, searchable ÷ bare loop", w, median(bare), 0)
		t.figure("peak memory", float64(w.RSS)/mib, 150, " MiB")
		t.figure("data folder ÷ mail on the server", float64(stored)/float64(x.bytes), 0.7, "")
	}
	if len(headers) > 0 {
		h := median(headers)
		t.ratio("headers and text ÷ mbsync", h, median(defaults), 0)
		t.figure("headers and text: peak memory", float64(h.RSS)/mib, 150, " MiB")
		t.figure("headers and text: data folder ÷ mail on the server", float64(headersStored)/float64(x.bytes), 0, "")
	}
	t.note("%d messages, %.1f MiB; %d round(s), interleaved, the median; before each run everything was fetched once to warm the server's cache.", x.count, float64(x.bytes)/mib, rounds)
	return &have, b.done(t)
}

// changed measures the pass after 100 changes on the server: 50 flags, 25 deletions, 25 new messages.
func (b *bench) changed(s *servers.Server, x *box, have *clones) error {
	t := newTable("changes-"+strings.ToLower(string(s.Kind))+"-"+x.corpus.key, fmt.Sprintf("Pass after 100 changes, %s, %s", s.Kind, x.corpus.name))
	var ours, theirs []cost
	for round := range b.passes {
		if err := b.change(s, x, round); err != nil {
			return err
		}
		if b.binary != "" {
			c, r, err := have.outpost.sync()
			if err != nil {
				return err
			}
			if r.Downloaded < 25 {
				return fmt.Errorf("100 changes on the server, and outpost reports %+v", r)
			}
			ours = append(ours, c)
		}
		c, err := measure(s, have.mbsync.sync())
		if err != nil {
			return err
		}
		theirs = append(theirs, c)
	}
	b.compare(t, "pass after 100 changes", ours, theirs, "mbsync")
	t.note("50 flags set, 25 messages deleted, 25 added in a folder of %d; %d rounds, interleaved, the median.", x.count, b.passes)
	return b.done(t)
}

// compare adds both sides' medians and their ratio. Some runs of mbsync hold a wait of one second, when a Maildir changed
// within the second before; the fastest runs show what is left without it.
func (b *bench) compare(t *table, what string, ours, theirs []cost, peer string) {
	if len(ours) > 0 {
		t.run("Outpost: "+what, 0, median(ours))
	}
	t.run(peer+": "+what, 0, median(theirs))
	if len(ours) > 0 {
		t.ratio(what+" ÷ "+peer, median(ours), median(theirs), 1)
		t.ratio(what+" ÷ "+peer+", the fastest of each", fastest(ours), fastest(theirs), 0)
	}
}

// change makes the 100 changes.
func (b *bench) change(s *servers.Server, x *box, round int) error {
	conn, err := s.DialIMAP(x.user)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Command("SELECT %s", folder); err != nil {
		return err
	}
	lines, err := conn.Command("UID SEARCH ALL")
	if err != nil {
		return err
	}
	var uids []string
	for _, l := range lines {
		if list, ok := strings.CutPrefix(l, "* SEARCH "); ok {
			uids = strings.Fields(list)
		}
	}
	if len(uids) < 100 {
		return fmt.Errorf("%s holds only %d messages to change", folder, len(uids))
	}
	uids = uids[1:] // the oldest is there to be found
	r := rand.New(rand.NewPCG(b.seed, uint64(round)))
	r.Shuffle(len(uids), func(i, j int) { uids[i], uids[j] = uids[j], uids[i] })
	flag, gone := strings.Join(uids[:50], ","), strings.Join(uids[50:75], ",")
	for _, c := range []string{
		"UID STORE " + flag + ` +FLAGS.SILENT (\Flagged)`,
		"UID STORE " + gone + ` +FLAGS.SILENT (\Deleted)`,
		"UID EXPUNGE " + gone,
	} {
		if _, err := conn.Command("%s", c); err != nil {
			return err
		}
	}
	done, err := conn.Append(folder, func(yield func(servers.Mail) bool) {
		for i := range 25 {
			m := b.generator.Generate(1_000_000 + round*25 + i)
			if !yield(servers.Mail{Raw: m.Raw, Flags: m.Flags, Date: m.Date}) {
				return
			}
		}
	})
	if err == nil && done.Messages != 25 {
		err = fmt.Errorf("%d of 25 messages added", done.Messages)
	}
	return err
}

const quietFolders, quietMails = 200, 20

// loadQuiet makes an account with so many folders.
func (b *bench) loadQuiet(s *servers.Server, folders int) (servers.User, error) {
	u, err := s.AddUser()
	if err != nil {
		return u, err
	}
	conn, err := s.DialIMAP(u)
	if err != nil {
		return u, err
	}
	defer conn.Close()
	for f := range folders {
		name := fmt.Sprintf("Folder %03d", f)
		if _, err := conn.Command("CREATE %s", servers.Quote(name)); err != nil {
			return u, err
		}
		done, err := conn.Append(name, func(yield func(servers.Mail) bool) {
			for i := range quietMails {
				m := b.generator.Generate(2_000_000 + f*quietMails + i)
				if !yield(servers.Mail{Raw: m.Raw, Flags: m.Flags, Date: m.Date}) {
					return
				}
			}
		})
		if err == nil && done.Messages != quietMails {
			err = fmt.Errorf("%s holds %d of %d messages", name, done.Messages, quietMails)
		}
		if err != nil {
			return u, err
		}
	}
	return u, nil
}

// quiet measures a pass with nothing to do.
func (b *bench) quiet(s *servers.Server, u servers.User) error {
	t := newTable("quiet-"+strings.ToLower(string(s.Kind)), fmt.Sprintf("Pass with nothing to do, %s, %d folders", s.Kind, quietFolders))
	dir, err := b.fresh("quiet-" + string(s.Kind))
	if err != nil {
		return err
	}
	m, err := newMbsync(filepath.Join(dir, "mbsync"), s, u, true)
	if err != nil {
		return err
	}
	if _, err := measure(s, m.sync()); err != nil {
		return err
	}
	var o *outpost
	if b.binary != "" {
		if o, err = newOutpost(b.binary, filepath.Join(dir, "outpost"), s, u); err != nil {
			return err
		}
		if _, err := o.first("", false, "--imap", s.IMAP); err != nil {
			return err
		}
	}
	ours, theirs, err := b.quietPasses(s, o, m.sync)
	if err != nil {
		return err
	}
	b.compare(t, "nothing to do", ours, theirs, "mbsync")
	t.note("%d folders of %d messages; the whole program each time, from its start to its end; %d rounds, interleaved, the median.", quietFolders, quietMails, b.passes)
	return b.done(t)
}
