package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"outpost/internal/backend"
	"outpost/internal/web"
)

// Exit codes.
const (
	exitDone = iota
	exitFailed
	exitUsage
	exitNotInSync
)

// notInSync ends a command with exit code 3: nothing is wrong, but something is left to do. Its text may be "".
type notInSync string

func (e notInSync) Error() string { return string(e) }

// app is one run of the program.
type app struct {
	in       io.Reader
	out, err io.Writer
	running  bool // the command line was understood

	data    string
	json    bool
	encrypt bool
	force   bool
}

// run runs the program with a command line and returns its exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	a := &app{in: in, out: out, err: errs}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	c, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	code := exitFailed
	text := sentence(err)
	var left notInSync
	switch {
	case errors.As(err, &left):
		code = exitNotInSync
	case !a.running:
		code, text = exitUsage, misunderstood(c, text)
	case backend.CodeOf(err) == backend.CodeUsage:
		code = exitUsage
	case errors.Is(err, context.Canceled):
		text = "stopped before it was done; what was done is kept"
	}
	if text != "" {
		fmt.Fprintln(errs, "outpost: "+text)
	}
	return code
}

// misunderstood is what a person is told whose command line makes no sense, with how the command is used.
func misunderstood(c *cobra.Command, text string) string {
	if before, _, ok := strings.Cut(text, ": strconv."); ok {
		text = before // how Go reads numbers is of no use
	}
	if c.Runnable() {
		text += ": use it like " + c.UseLine()
	}
	return text + "; " + c.CommandPath() + " --help shows more"
}

// sentence is an error as one line.
func sentence(err error) string {
	return printable(strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; "))
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "outpost",
		Short: "Your mailbox at the desk: mail, calendar, contacts, tasks and notes, with and without a network",
		Long: "Outpost keeps a mailbox at your desk in step with the mailbox at your server (IMAP, SMTP, CalDAV, CardDAV).\n" +
			"Everything works the same with and without a network.",
		Example:           "  outpost demo\n  outpost account add anna@example.org\n  outpost sync\n  outpost search invoice",
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRun:  func(*cobra.Command, []string) { a.running = true },
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	f := root.PersistentFlags()
	f.StringVar(&a.data, "data", os.Getenv("OUTPOST_DATA"), "the data `folder` (also OUTPOST_DATA; default: Outpost's folder in your per-user data folder)")
	f.BoolVar(&a.json, "json", false, "print JSON")
	f.BoolVar(&a.encrypt, "encrypt", false, "encrypt the databases; when the data folder is made")
	f.BoolVar(&a.force, "allow-network-folder", false, "take the risk of a data folder on a network file system")
	root.AddCommand(a.account(), a.folder(), a.sync(), a.status(), a.list(), a.show(), a.search(), a.add(), a.edit(), a.flag(), a.move(), a.copy(),
		a.delete(), a.send(), a.conflict(), a.failure(), a.supportBundle(), a.mode("offline", true), a.mode("online", false), a.serve(), a.demo(), a.verify(), a.version())
	return root
}

// group is a command that only holds others.
func group(use, short, example string, commands ...*cobra.Command) *cobra.Command {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name())
	}
	c := &cobra.Command{Use: use, Short: short, Example: example, Args: cobra.NoArgs, RunE: func(c *cobra.Command, args []string) error {
		return wrong("say what to do: outpost %s %s", use, strings.Join(names, ", "))
	}}
	c.AddCommand(commands...)
	return c
}

// wrong is an error of usage.
func wrong(format string, args ...any) error {
	return &backend.Error{Code: backend.CodeUsage, Text: fmt.Sprintf(format, args...)}
}

// dataFolder is the data folder of this run; name is that of the default one.
func (a *app) dataFolder(name string) (string, error) {
	dir := a.data
	if dir == "" {
		base, err := userDataDir()
		if err != nil {
			return "", fmt.Errorf("find your data folder: %w; name one with --data", err)
		}
		dir = filepath.Join(base, name)
	}
	return filepath.Abs(dir)
}

// userDataDir is the system's per-user data folder.
func userDataDir() (string, error) {
	switch runtime.GOOS {
	case "windows":
		return os.UserCacheDir() // %LocalAppData%
	case "darwin":
		return os.UserConfigDir() // ~/Library/Application Support
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "share"), err
}

// with opens the data folder, or finds its daemon, and runs do.
func (a *app) with(ctx context.Context, do func(*web.Client) error) error {
	return a.open(ctx, false, do)
}

func (a *app) open(ctx context.Context, create bool, do func(*web.Client) error) (err error) {
	data, err := a.dataFolder("outpost")
	if err != nil {
		return err
	}
	if !create {
		if _, err := os.Stat(filepath.Join(data, "outpost.db")); errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("there is no mailbox in %s yet: make one with outpost account add, or try outpost demo", data)
		}
	}
	client, closeIt, err := web.Connect(ctx, backend.Options{Data: data, Encrypt: a.encrypt, Force: a.force})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeIt()) }()
	return do(client)
}

// printJSON prints an answer as JSON.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// print prints the answer of a command: as JSON where that is wished, else as text does.
func (a *app) print(v any, text func()) error {
	if a.json {
		return a.printJSON(v)
	}
	text()
	return nil
}
