package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"outpost/internal/backend"
	"outpost/internal/web"
)

const defaultLimit = 100 // items of a list

func (a *app) list() *cobra.Command {
	var o backend.ListOptions
	c := &cobra.Command{
		Use: "list PATH", Short: "List what is in a folder", Args: cobra.ExactArgs(1),
		Example: "  outpost list INBOX\n  outpost list Customers/Miller --sort from --ascending --limit 20 --offset 40 --json",
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error {
				page, err := client.List(c.Context(), args[0], o)
				if err != nil {
					return err
				}
				return a.page(page, o.Offset)
			})
		},
	}
	f := c.Flags()
	f.IntVar(&o.Limit, "limit", defaultLimit, "at most so many; 0: all")
	f.IntVar(&o.Offset, "offset", 0, "leave out so many at the beginning")
	f.StringVar(&o.Sort, "sort", "date", "date, from, subject or size")
	f.BoolVar(&o.Ascending, "ascending", false, "oldest, smallest or first in the alphabet first")
	return c
}

func (a *app) search() *cobra.Command {
	var o backend.SearchOptions
	c := &cobra.Command{
		Use: "search WORDS", Short: "Find what holds all of these words, newest first", Args: cobra.MinimumNArgs(1),
		Example: "  outpost search invoice miller\n  outpost search '\"annual report\"' --folder Customers --json",
		RunE: func(c *cobra.Command, args []string) error {
			o.Words = strings.Join(args, " ")
			return a.with(c.Context(), func(client *web.Client) error {
				page, err := client.Search(c.Context(), o)
				if err != nil {
					return err
				}
				return a.page(page, o.Offset)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&o.Folder, "folder", "", "only in this folder and those in it")
	f.IntVar(&o.Limit, "limit", defaultLimit, "at most so many; 0: all")
	f.IntVar(&o.Offset, "offset", 0, "leave out so many at the beginning")
	return c
}

// page prints a part of a list.
func (a *app) page(p backend.Page, offset int) error {
	return a.print(p.Items, func() {
		var rows [][]string
		for _, it := range p.Items {
			mark := ""
			for _, m := range []struct{ flag, mark string }{{"flagged", "!"}, {"answered", "r"}, {"draft", "d"}} {
				for _, f := range it.Flags {
					if f == m.flag {
						mark += m.mark
					}
				}
			}
			if it.Kind == "mail" && !strings.Contains(" "+strings.Join(it.Flags, " ")+" ", " seen ") {
				mark = "*" + mark
			}
			if it.Files {
				mark += "@"
			}
			rows = append(rows, []string{it.ID, mark, day(it.Date), cut(it.From, 28), cut(it.Subject, 60), cut(it.Folder, 30)})
		}
		table(a.out, rows)
		if n := int64(offset + len(p.Items)); p.Total > n && len(p.Items) > 0 {
			fmt.Fprintf(a.err, "%d to %d of %d; --offset %d shows the next\n", offset+1, n, p.Total, n)
		}
	})
}

func (a *app) show() *cobra.Command {
	var raw bool
	c := &cobra.Command{
		Use: "show ID", Short: "Show an item", Args: cobra.ExactArgs(1),
		Example: "  outpost show 1.42\n  outpost show 1.42 --raw > message.eml",
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error {
				if raw {
					p := newProgress(a.err)
					err := client.Fetch(c.Context(), args[0], p.show)
					p.end()
					if err != nil {
						return err
					}
					b, err := client.Raw(c.Context(), args[0])
					if err == nil {
						_, err = a.out.Write(b)
					}
					return err
				}
				s, err := client.Show(c.Context(), args[0])
				if err != nil {
					return err
				}
				return a.print(s, func() { a.shown(s) })
			})
		},
	}
	c.Flags().BoolVar(&raw, "raw", false, "the item's own bytes (message, iCalendar, vCard), fetched from the server if need be")
	return c
}

func (a *app) shown(s backend.Shown) {
	for _, f := range s.Fields {
		fmt.Fprintf(a.out, "%s: %s\n", f.Name, strings.ReplaceAll(printable(f.Value), "\n", " "))
	}
	fmt.Fprintf(a.out, "Folder: %s\n", printable(s.Folder))
	if len(s.Flags) > 0 {
		fmt.Fprintf(a.out, "Flags: %s\n", strings.Join(s.Flags, " "))
	}
	for _, note := range []struct{ name, text string }{{"Malformed", s.Problem}, {"Why here", s.Reason}} {
		if note.text != "" {
			fmt.Fprintf(a.out, "%s: %s\n", note.name, printable(note.text))
		}
	}
	if text := strings.TrimRight(printable(s.Text), "\n"); text != "" {
		fmt.Fprintf(a.out, "\n%s\n", text)
	}
	if s.Body == "none" {
		fmt.Fprintf(a.out, "\n(The text is not here yet: outpost show %s --raw fetches it.)\n", s.ID)
	}
	if len(s.Files) > 0 {
		fmt.Fprintln(a.out, "\nAttachments:")
		for _, f := range s.Files {
			name := f.Name
			if name == "" {
				name = "(without a name)"
			}
			fmt.Fprintf(a.out, "  %s (%s, %s)\n", printable(name), printable(f.Type), size(f.Size))
		}
	}
}

// content reads the file that an argument names, or standard input.
func (a *app) content(args []string) (name string, content []byte, err error) {
	in := a.in
	if len(args) > 0 && args[0] != "-" {
		f, err := os.Open(args[0])
		if err != nil {
			return "", nil, fmt.Errorf("read the file: %w", err)
		}
		defer f.Close()
		in, name = f, filepath.Base(args[0])
	}
	if content, err = io.ReadAll(io.LimitReader(in, backend.MaxContent+1)); err != nil {
		return "", nil, fmt.Errorf("read the content: %w", err)
	}
	if len(strings.TrimSpace(string(content[:min(len(content), 4096)]))) == 0 {
		return "", nil, &backend.Error{Code: backend.CodeInvalid, Text: "there is no content: give a file, or write it to standard input"}
	}
	return name, content, nil
}

// added prints the ids of what was added.
func (a *app) added(added backend.Added, err error) error {
	if err != nil {
		return err
	}
	return a.print(added, func() { fmt.Fprintln(a.out, strings.Join(added.IDs, "\n")) })
}

func (a *app) add() *cobra.Command {
	return &cobra.Command{
		Use: "add PATH [FILE]", Short: "Put a message, event, task, note or contact (.eml, .ics, .vcf) into a folder", Args: cobra.RangeArgs(1, 2),
		Example: "  outpost add Calendar meeting.ics\n  outpost add Drafts < letter.eml",
		RunE: func(c *cobra.Command, args []string) error {
			name, content, err := a.content(args[1:])
			if err != nil {
				return err
			}
			return a.with(c.Context(), func(client *web.Client) error {
				added, err := client.Add(c.Context(), args[0], name, content)
				return a.added(added, err)
			})
		},
	}
}

func (a *app) edit() *cobra.Command {
	return &cobra.Command{
		Use: "edit ID [FILE]", Short: "Give an event, task, contact, note or draft new content", Args: cobra.RangeArgs(1, 2),
		Example: "  outpost show 1.42 --raw > meeting.ics\n  outpost edit 1.42 meeting.ics",
		RunE: func(c *cobra.Command, args []string) error {
			name, content, err := a.content(args[1:])
			if err != nil {
				return err
			}
			return a.with(c.Context(), func(client *web.Client) error { return client.Edit(c.Context(), args[0], name, content) })
		},
	}
}

func (a *app) flag() *cobra.Command {
	return &cobra.Command{
		Use: "flag ID +FLAG -FLAG ...", Short: "Add and remove flags and keywords of a message",
		Long:               "Flags: seen, answered, flagged, draft, deleted, or any keyword.",
		Example:            "  outpost flag 1.42 +seen -flagged +invoice",
		DisableFlagParsing: true, // -flagged is no flag of the command line
		RunE: func(c *cobra.Command, args []string) error {
			var add, remove, rest []string
			for _, arg := range args {
				switch {
				case strings.HasPrefix(arg, "+") && len(arg) > 1:
					add = append(add, arg[1:])
				case len(arg) > 1 && arg[0] == '-' && arg[1] != '-' && arg != "-h":
					remove = append(remove, arg[1:])
				default:
					rest = append(rest, arg)
				}
			}
			c.DisableFlagParsing = false
			if err := c.ParseFlags(rest); err != nil {
				return wrong("%v", err)
			}
			if help, err := c.Flags().GetBool("help"); err == nil && help {
				return c.Help()
			}
			ids := c.Flags().Args()
			if len(ids) != 1 || len(add)+len(remove) == 0 {
				return wrong("give one id, and what to add and remove, like: outpost flag 1.42 +seen -flagged")
			}
			return a.with(c.Context(), func(client *web.Client) error { return client.Flag(c.Context(), ids[0], add, remove) })
		},
	}
}

func (a *app) move() *cobra.Command {
	return &cobra.Command{
		Use: "move ID PATH", Short: "Put an item into another folder", Example: "  outpost move 1.42 Customers/Miller", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error { return client.Move(c.Context(), args[0], args[1]) })
		},
	}
}

func (a *app) copy() *cobra.Command {
	return &cobra.Command{
		Use: "copy ID PATH", Short: "Put a copy of an item into a folder; prints its id", Example: "  outpost copy 1.42 Customers/Miller", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error {
				added, err := client.Copy(c.Context(), args[0], args[1])
				return a.added(added, err)
			})
		},
	}
}

func (a *app) delete() *cobra.Command {
	return &cobra.Command{
		Use: "delete ID", Short: "Move a message to the trash; delete it there, and everything else, for good", Example: "  outpost delete 1.42", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error {
				d, err := client.Delete(c.Context(), args[0])
				if err != nil || a.json {
					return either(err, a.printJSON(d))
				}
				if d.Trash != "" {
					fmt.Fprintf(a.out, "moved to %s\n", printable(d.Trash))
				}
				return nil
			})
		},
	}
}

func (a *app) send() *cobra.Command {
	return &cobra.Command{
		Use: "send [FILE]", Short: "Send a message (.eml): it goes to Outbox, out when online, and a copy to Sent", Args: cobra.MaximumNArgs(1),
		Example: "  outpost send letter.eml\n  printf 'From: anna@example.org\\nTo: ben@example.org\\nSubject: Lunch?\\n\\nAt noon?\\n' | outpost send",
		RunE: func(c *cobra.Command, args []string) error {
			_, content, err := a.content(args)
			if err != nil {
				return err
			}
			return a.with(c.Context(), func(client *web.Client) error {
				added, err := client.Send(c.Context(), content)
				return a.added(added, err)
			})
		},
	}
}

func (a *app) mode(name string, offline bool) *cobra.Command {
	short := "Leave the servers alone until outpost online, also over restarts"
	if !offline {
		short = "End working offline"
	}
	return &cobra.Command{
		Use: name, Short: short, Example: "  outpost " + name, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error { return client.SetOffline(c.Context(), offline) })
		},
	}
}

func (a *app) verify() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Check the databases and every content in them", Example: "  outpost verify", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error { return a.verified(c.Context(), client) })
		},
	}
}

func (a *app) verified(ctx context.Context, client *web.Client) error {
	p := newProgress(a.err)
	v, err := client.Verify(ctx, p.show)
	p.end()
	if err != nil {
		return err
	}
	bad := int64(0)
	for _, acc := range v.Accounts {
		bad += int64(len(acc.Problems))
	}
	err = a.print(v, func() {
		for _, acc := range v.Accounts {
			if len(acc.Problems) == 0 {
				fmt.Fprintf(a.out, "%s: all is well (%s)\n", acc.Email, size(acc.Bytes))
			}
			for _, problem := range acc.Problems {
				fmt.Fprintf(a.out, "%s: %s\n", acc.Email, printable(problem))
			}
		}
	})
	if err == nil && bad > 0 {
		err = fmt.Errorf("%s found: keep a copy of the data folder; the server still has what was synchronised", count(bad, "problem was", "problems were"))
	}
	return err
}

func either(first, second error) error {
	if first != nil {
		return first
	}
	return second
}
