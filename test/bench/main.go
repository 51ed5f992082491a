// Command bench measures Outpost against mbsync, vdirsyncer and the bare wire, on real servers of its own that wait for
// the disk as in real life. All contenders run in one go and in turn, so what is to be compared is the ratio, not the
// seconds of one machine. `make bench` runs it. It may import the other packages below test, and judges the built
// program from outside.
package main

import (
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"outpost/test/servers"
	"outpost/test/testmail"
)

type bench struct {
	mails, items   int
	rounds, passes int
	seed           uint64
	only           []string
	binary         string // "": the others alone
	dir, document  string
	generator      *testmail.Generator
}

// The names that -only takes, by what they choose.
var (
	serverNames = []string{"cyrus", "dovecot", "radicale"}
	corpusNames = []string{"spamassassin", "generated"}
	partNames   = []string{"first", "headers", "changes", "quiet", "dav", "store", "load", "idle"}
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == helperArg {
		helper(os.Args[2:])
		return
	}
	b := &bench{}
	var only string
	flag.IntVar(&b.mails, "mails", 100_000, "how many generated mails")
	flag.IntVar(&b.items, "items", 5000, "how many events, and as many contacts")
	flag.IntVar(&b.rounds, "rounds", 3, "rounds of the first syncs; one with more than 20,000 mails")
	flag.IntVar(&b.passes, "passes", 5, "rounds of the later passes")
	flag.Uint64Var(&b.seed, "seed", 42, "of the generated mails")
	flag.StringVar(&only, "only", "", "a comma-separated choice of "+strings.Join(slices.Concat(serverNames, corpusNames, partNames), ", "))
	flag.StringVar(&b.binary, "outpost", "bin/outpost", "the program to measure; empty for the others alone")
	flag.StringVar(&b.dir, "dir", "", "where everything is written; a folder on the disk to measure (default: a new one in the temp folder)")
	flag.StringVar(&b.document, "o", "", "the document to write the tables into, such as docs/benchmarks.md (default: only printed)")
	flag.Parse()
	if err := b.main(only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) main(only string) (err error) {
	if only != "" {
		b.only = strings.Split(only, ",")
	}
	for _, name := range b.only {
		if !slices.Contains(slices.Concat(serverNames, corpusNames, partNames), name) {
			return fmt.Errorf("-only does not know %q", name)
		}
	}
	if b.wants("load") {
		if err := b.crowds(); err != nil {
			return err
		}
		if len(b.only) == 1 {
			return nil
		}
	}
	if b.binary != "" {
		if b.binary, err = filepath.Abs(b.binary); err != nil {
			return err
		}
		if _, err := os.Stat(b.binary); err != nil {
			return fmt.Errorf("there is no program to measure (make build makes it): %w", err)
		}
	}
	for _, program := range []string{"mbsync", "vdirsyncer"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w: as root on Debian run test/servers/install.sh --bench", err)
		}
	}
	if b.dir == "" {
		if b.dir, err = os.MkdirTemp("", "outpost-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(b.dir)
	}
	if b.dir, err = filepath.Abs(b.dir); err != nil {
		return err
	}
	b.generator = testmail.NewGenerator(b.seed)

	if b.wants("store") {
		if err := b.store(); err != nil {
			return err
		}
	}
	for _, k := range []servers.Kind{servers.CyrusIMAP, servers.DovecotIMAP} {
		if b.wants(strings.ToLower(string(k))) {
			if err := b.onIMAP(k); err != nil {
				return err
			}
		}
	}
	if b.wants("radicale") && b.wants("dav") {
		return b.onRadicale()
	}
	return nil
}

// wants tells whether a server, a corpus or a part is chosen: one of a kind that -only does not mention is.
func (b *bench) wants(name string) bool {
	for _, kind := range [][]string{serverNames, corpusNames, partNames} {
		if slices.Contains(kind, name) {
			return slices.Contains(b.only, name) || !slices.ContainsFunc(b.only, func(o string) bool { return slices.Contains(kind, o) })
		}
	}
	return false
}

// corpora are what -only chose.
func (b *bench) corpora() ([]corpus, error) {
	var all []corpus
	if b.wants("spamassassin") {
		pkg, err := testmail.SpamAssassinPath()
		if err != nil {
			return nil, err
		}
		all = append(all, corpus{"spamassassin", "6,046 mails of SpamAssassin", func() iter.Seq2[testmail.Mail, error] { return testmail.SpamAssassin(pkg) }})
	}
	if b.wants("generated") {
		all = append(all, corpus{fmt.Sprintf("generated-%d", b.mails), fmt.Sprintf("%d generated mails", b.mails), func() iter.Seq2[testmail.Mail, error] {
			return func(yield func(testmail.Mail, error) bool) {
				for n := range b.mails {
					if !yield(b.generator.Generate(n), nil) {
						return
					}
				}
			}
		}})
	}
	return all, nil
}

// start starts a server that does not wait for the disk, to be loaded.
func (b *bench) start(k servers.Kind) (*servers.Server, func(), error) {
	b.say("start %s", k)
	return servers.Start(k, "", servers.Options{})
}

// durable starts a loaded server again, now one that waits for the disk.
func (b *bench) durable(s *servers.Server) error {
	if err := s.Stop(); err != nil {
		return err
	}
	s.Durable = true
	return s.Start()
}

func (b *bench) onIMAP(k servers.Kind) error {
	mail := b.wants("first") || b.wants("headers") || b.wants("changes")
	dav := k == servers.CyrusIMAP && b.wants("dav")
	if !mail && !dav && !b.wants("quiet") && !b.wants("idle") {
		return nil
	}
	s, stop, err := b.start(k)
	if err != nil {
		return err
	}
	defer stop()
	var boxes []*box
	var quiet, idle, groupware servers.User
	if mail {
		all, err := b.corpora()
		if err != nil {
			return err
		}
		for _, c := range all {
			x, err := b.load(s, c)
			if err != nil {
				return err
			}
			boxes = append(boxes, x)
		}
	}
	if b.wants("quiet") {
		if quiet, err = b.loadQuiet(s, quietFolders); err != nil {
			return err
		}
	}
	if b.wants("idle") && b.binary != "" {
		if idle, err = b.loadQuiet(s, idleFolders); err != nil {
			return err
		}
	}
	if dav {
		if groupware, err = b.loadDAV(s); err != nil {
			return err
		}
	}
	if err := b.durable(s); err != nil {
		return err
	}
	for _, x := range boxes {
		have, err := b.first(s, x)
		if err != nil {
			return err
		}
		if b.wants("changes") && b.wants("first") {
			if err := b.changed(s, x, have); err != nil {
				return err
			}
		}
		if err := b.clear(); err != nil {
			return err
		}
	}
	if b.wants("quiet") {
		if err := b.quiet(s, quiet); err != nil {
			return err
		}
	}
	if idle.Name != "" {
		if err := b.idle(s, idle); err != nil {
			return err
		}
	}
	if dav {
		if err := b.dav(s, groupware); err != nil {
			return err
		}
	}
	return b.clear()
}

func (b *bench) onRadicale() error {
	s, stop, err := b.start(servers.RadicaleDAV)
	if err != nil {
		return err
	}
	defer stop()
	u, err := b.loadDAV(s)
	if err != nil {
		return err
	}
	if err := b.durable(s); err != nil {
		return err
	}
	return errors.Join(b.dav(s, u), b.clear())
}

// fresh makes an empty folder for one round.
func (b *bench) fresh(name string) (string, error) {
	dir := filepath.Join(b.dir, "work", strings.ToLower(name))
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o700)
}

// clear removes what the contenders stored.
func (b *bench) clear() error { return os.RemoveAll(filepath.Join(b.dir, "work")) }

// done prints a table and writes it into the document.
func (b *bench) done(t *table) error {
	fmt.Println("\n" + t.markdown())
	if b.document == "" {
		return nil
	}
	return t.write(b.document)
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s  %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
}
