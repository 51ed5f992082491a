package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"outpost/internal/backend"
	"outpost/internal/web"
)

func (a *app) failure() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "List what could not be brought over, in either direction", Example: "  outpost failure list\n  outpost failure list --json", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error {
				all, err := client.Failures(c.Context())
				if err != nil {
					return err
				}
				return a.print(all, func() {
					var rows [][]string
					for _, f := range all {
						rows = append(rows, []string{f.ID, day(f.At), failedWords(f), cut(f.Folder, 24), cut(f.Subject, 32), cut(f.Error, 70)})
					}
					table(a.out, rows)
				})
			})
		},
	}
	show := &cobra.Command{
		Use: "show ID", Short: "Tell what failed, why, what happens next and what you can do", Example: "  outpost failure show 1.42\n  outpost failure show 1.f7 --json",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error {
				f, err := client.ShowFailure(c.Context(), args[0])
				if err != nil {
					return err
				}
				return a.print(f, func() { a.failed(f) })
			})
		},
	}
	var all, sendAgain bool
	retry := &cobra.Command{
		Use: "retry ID|--all", Short: "Try once more: read it again, or bring it back from Local Failures to where it was",
		Long: "The next pass tries it: at once where outpost serve runs, else with outpost sync.\n" +
			"A message of which nobody can know whether it was sent is sent again only with --send-again.",
		Example: "  outpost failure retry 1.42\n  outpost failure retry --all\n  outpost failure retry 1.43 --send-again",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if all == (len(args) == 1) {
				return wrong("say what to try again: an id, or --all")
			}
			id := ""
			if !all {
				id = args[0]
			}
			return a.with(c.Context(), func(client *web.Client) error {
				r, err := client.RetryFailure(c.Context(), id, sendAgain)
				if err != nil {
					return err
				}
				if err := a.print(r, func() {
					if len(r.IDs) > 0 {
						fmt.Fprintln(a.out, strings.Join(r.IDs, "\n"))
					}
				}); err != nil {
					return err
				}
				if len(r.Left) > 0 {
					return notInSync(strings.Join(r.Left, ", ") + " may have been sent already and was left alone: outpost failure show tells what to do")
				}
				return nil
			})
		},
	}
	retry.Flags().BoolVar(&all, "all", false, "everything that failed")
	retry.Flags().BoolVar(&sendAgain, "send-again", false, "also what may have been sent already")
	export := &cobra.Command{
		Use: "export ID FILE", Short: "Save the item that a failure is about as it is (.eml, .ics, .vcf); - is standard output",
		Example: "  outpost failure export 1.f7 unreadable.eml\n  outpost failure export 1.42 refused", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error {
				source, err := client.FailureSource(c.Context(), args[0])
				if err != nil {
					return err
				}
				if args[1] == "-" {
					_, err = a.out.Write(source.Bytes)
					return err
				}
				path := args[1]
				if filepath.Ext(path) == "" {
					path += backend.Extension(source.Media)
				}
				if err := newFile(path, func(f *os.File) error { _, err := f.Write(source.Bytes); return err }); err != nil {
					return err
				}
				saved := struct {
					File  string `json:"file"`
					Bytes int    `json:"bytes"`
				}{path, len(source.Bytes)}
				return a.print(saved, func() { fmt.Fprintf(a.out, "%s (%s)\n", path, size(int64(saved.Bytes))) })
			})
		},
	}
	return group("failure", "List, explain, retry and export what could not be brought over",
		"  outpost failure list\n  outpost failure show 1.42\n  outpost failure retry --all", list, show, retry, export)
}

// failedWords says in two words what failed.
func failedWords(f backend.Failure) string {
	words := map[backend.FailureKind]string{backend.FailedRead: "not read", backend.FailedWrite: "not brought there", backend.FailedRefuse: "refused",
		backend.FailedSend: "sent or not"}[f.What]
	if f.Again {
		words += ", tried again"
	}
	return words
}

// failed prints one failure.
func (a *app) failed(f backend.Failure) {
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(a.out, "%s: %s\n", name, strings.ReplaceAll(printable(value), "\n", " "))
		}
	}
	line("What", failedWords(f))
	if f.Number > 0 {
		line("Number", fmt.Sprint(f.Number))
	}
	line("Account", f.Account)
	line("Folder", f.Folder)
	line("Kind", string(f.Kind))
	line("Subject", f.Subject)
	line("Doing", f.Doing)
	line("Code", f.Code)
	line("Why", f.Error)
	line("When", day(f.At))
	if f.Tries > 1 {
		line("Tried", fmt.Sprintf("%d times", f.Tries))
	}
	line("Next", f.Next)
}

// newFile writes a file that is not there yet, readable by its owner only; when that fails, none is left.
func newFile(path string, write func(*os.File) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &backend.Error{Code: backend.CodeExists, Text: fmt.Sprintf("the file %s is there already: give another name", path), Err: err}
	}
	if err != nil {
		return fmt.Errorf("write the file: %w", err)
	}
	err = write(f)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(path)
	}
	return err
}
