package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"outpost/internal/backend"
	"outpost/internal/web"
)

func (a *app) conflict() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "List the items that were changed here and at the server at the same time", Example: "  outpost conflict list\n  outpost conflict list --json",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error {
				all, err := client.Conflicts(c.Context())
				if err != nil {
					return err
				}
				return a.print(all, func() {
					var rows [][]string
					for _, x := range all {
						rows = append(rows, []string{x.ID, day(x.At), string(x.Kind), cut(x.Subject, 40), cut(x.Folder, 30), cut(strings.Join(x.Clashes, ", "), 50)})
					}
					table(a.out, rows)
				})
			})
		},
	}
	show := &cobra.Command{
		Use: "show ID", Short: "Compare both versions; * marks what was changed on both sides", Example: "  outpost conflict show 1.42\n  outpost conflict show 1.42 --json",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error {
				x, err := client.ShowConflict(c.Context(), args[0])
				if err != nil {
					return err
				}
				return a.print(x, func() { a.compared(x) })
			})
		},
	}
	var local, server, both bool
	keep := &cobra.Command{
		Use: "keep ID --local|--server|--both", Short: "Decide which version stays",
		Long: "--local: your version takes the place of the server's, here now and at the server with the next pass.\n" +
			"--server: the server's version stays; yours goes.\n" +
			"--both: your version becomes an item of its own beside the server's.\n" +
			"The message \"Message in conflict!\" goes away with the decision.",
		Example: "  outpost conflict keep 1.42 --local\n  outpost conflict keep 1.42 --both", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var keep []backend.Keep
			for k, wished := range map[backend.Keep]bool{backend.KeepLocal: local, backend.KeepServer: server, backend.KeepBoth: both} {
				if wished {
					keep = append(keep, k)
				}
			}
			if len(keep) != 1 {
				return wrong("say which version stays: one of --local (yours), --server (the server's) and --both")
			}
			return a.with(c.Context(), func(client *web.Client) error {
				kept, err := client.KeepConflict(c.Context(), args[0], keep[0])
				if err != nil {
					return err
				}
				return a.print(kept, func() {
					if kept.ID != "" {
						fmt.Fprintf(a.out, "%s in %s\n", kept.ID, printable(kept.Folder))
					}
				})
			})
		},
	}
	f := keep.Flags()
	f.BoolVar(&local, "local", false, "your version")
	f.BoolVar(&server, "server", false, "the server's version")
	f.BoolVar(&both, "both", false, "both, as two items")
	return group("conflict", "List, compare and decide what was changed here and at the server at the same time",
		"  outpost conflict list\n  outpost conflict show 1.42\n  outpost conflict keep 1.42 --local", list, show, keep)
}

const comparedWidth = 36 // characters of a value in a column

// compared prints both versions of a conflict side by side.
func (a *app) compared(x backend.ConflictShown) {
	where := x.Folder
	if where == "" {
		where = "a folder that is gone"
	}
	fmt.Fprintf(a.out, "%s %q in %s, since %s\n", x.Kind, cut(x.Subject, 60), printable(where), day(x.At))
	if x.Of == "" {
		fmt.Fprintf(a.out, "The server's version is gone. Yours: outpost show %s\n", x.ID)
		return
	}
	fmt.Fprintf(a.out, "Yours is %s, the server's is %s.\n\n", x.ID, x.Of)
	if len(x.Differences) == 0 {
		fmt.Fprintln(a.out, "There is no difference that a person would see.")
		return
	}
	rows := [][]string{{"", "", "YOURS", "SERVER'S", "BEFORE"}}
	place := ""
	for _, d := range x.Differences {
		if d.Where != place {
			place = d.Where
			rows = append(rows, []string{"", cut(place, 40) + ":", "", "", ""})
		}
		mark := ""
		if d.Clash {
			mark = "*"
		}
		columns := [][]string{wrapped(d.Local), wrapped(d.Server), wrapped(d.Base)}
		for line := 0; line < max(len(columns[0]), len(columns[1]), len(columns[2])); line++ {
			row := []string{"", ""}
			if line == 0 {
				row = []string{mark, cut(d.Property, 40)}
			}
			for _, c := range columns {
				text := ""
				if line < len(c) {
					text = c[line]
				}
				row = append(row, text)
			}
			rows = append(rows, row)
		}
	}
	table(a.out, rows)
	fmt.Fprintf(a.out, "\n* changed on both sides. Decide with outpost conflict keep %s --local, --server or --both.\n", x.ID)
}

// wrapped breaks a value into lines of a column, between words where that is possible. What is absent is a dash.
func wrapped(text string) []string {
	const maxLines = 12
	if strings.TrimSpace(text) == "" {
		return []string{"\u2013"}
	}
	var lines []string
	for _, paragraph := range strings.Split(strings.ReplaceAll(printable(text), "\t", " "), "\n") {
		line := []rune{}
		for _, word := range strings.Fields(paragraph) {
			w := []rune(word)
			if len(line) > 0 && len(line)+1+len(w) > comparedWidth {
				lines, line = append(lines, string(line)), nil
			}
			for len(w) > comparedWidth {
				lines, w = append(lines, string(w[:comparedWidth])), w[comparedWidth:]
			}
			if len(line) > 0 {
				line = append(line, ' ')
			}
			line = append(line, w...)
		}
		lines = append(lines, string(line))
	}
	if len(lines) > maxLines {
		lines = append(lines[:maxLines-1], "\u2026")
	}
	return lines
}
