package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"outpost/internal/backend"
	"outpost/internal/web"
)

func (a *app) supportBundle() *cobra.Command {
	var items []string
	c := &cobra.Command{
		Use: "support-bundle FILE.zip", Short: "Pack logs and states for somebody who helps: no passwords, no mail but the items that you name",
		Long: "The file holds the logs, the accounts without passwords, how they and their folders are, what failed, and whether the databases are\n" +
			"in order. Subjects and addresses are taken out of it. Items are in it only where you name them with --item.\n" +
			"Look into it before you give it away.",
		Example: "  outpost support-bundle outpost.zip\n  outpost support-bundle outpost.zip --item 1.42 --item 1.f7", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			err := a.with(c.Context(), func(client *web.Client) error {
				return newFile(args[0], func(f *os.File) error { return client.SupportBundle(c.Context(), f, items) })
			})
			if code := backend.CodeOf(err); err != nil && (code == backend.CodeLocked || code == backend.CodeDataFolder) {
				err = a.logBundle(args[0], err)
			}
			if err != nil {
				return err
			}
			info, err := os.Stat(args[0])
			if err != nil {
				return err
			}
			packed := struct {
				File  string `json:"file"`
				Bytes int64  `json:"bytes"`
				Items int    `json:"items"`
			}{args[0], info.Size(), len(items)}
			return a.print(packed, func() {
				fmt.Fprintf(a.out, "%s (%s): logs, states and %s. Look into it before you give it away.\n", args[0], size(packed.Bytes), count(int64(len(items)), "item", "items"))
			})
		},
	}
	c.Flags().StringArrayVar(&items, "item", nil, "also this item, whole, by its `id`; may be repeated")
	return c
}

// logBundle packs what there is of a data folder that cannot be opened.
func (a *app) logBundle(path string, why error) error {
	data, err := a.dataFolder("outpost")
	if err != nil {
		return errors.Join(why, err)
	}
	fmt.Fprintln(a.err, "outpost: "+sentence(why)+"; only the logs are packed")
	return newFile(path, func(f *os.File) error { return backend.LogBundle(f, data, why, time.Now()) })
}
