package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"outpost/internal/backend"
	"outpost/internal/groupware"
	"outpost/internal/web"
)

func (a *app) folder() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "List all folders", Example: "  outpost folder list\n  outpost folder list --json", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error {
				folders, err := client.Folders(c.Context())
				return a.folders(folders, err)
			})
		},
	}
	var kind string
	create := &cobra.Command{
		Use: "create PATH", Short: "Make a folder", Example: "  outpost folder create Customers/Miller\n  outpost folder create Holidays --kind calendar",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			k, err := groupware.ParseFolderKind(kind)
			if err != nil {
				return wrong("%v", err)
			}
			return a.with(c.Context(), func(client *web.Client) error {
				f, err := client.CreateFolder(c.Context(), args[0], k)
				return a.changed(f, err)
			})
		},
	}
	create.Flags().StringVar(&kind, "kind", "mail", "what it is for: mail, calendar, contacts, tasks or notes")
	rename := &cobra.Command{
		Use: "rename PATH NAME", Short: "Give a folder another name", Example: "  outpost folder rename Customers/Miller Miller-Smith", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error {
				f, err := client.RenameFolder(c.Context(), args[0], args[1])
				return a.changed(f, err)
			})
		},
	}
	move := &cobra.Command{
		Use: "move PATH TO", Short: "Put a folder into another one; / is the top", Example: "  outpost folder move Miller Customers\n  outpost folder move Customers/Miller /",
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error {
				f, err := client.MoveFolder(c.Context(), args[0], args[1])
				return a.changed(f, err)
			})
		},
	}
	remove := &cobra.Command{
		Use: "delete PATH", Short: "Delete a folder with all that is in it, here and at the server", Example: "  outpost folder delete Customers/Miller", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error { return client.DeleteFolder(c.Context(), args[0]) })
		},
	}
	var mode string
	var recursive bool
	set := &cobra.Command{
		Use: "set PATH --sync whole|headers|off", Short: "Choose how much of a folder is kept here",
		Long:    "whole: every byte. headers: headers and plain text, attachments when asked for. off: not synchronised; what is here stays.",
		Example: "  outpost folder set Archive --sync headers --recursive\n  outpost folder set Newsletters --sync off",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			m, err := groupware.ParseSyncMode(mode)
			if err != nil {
				return wrong("say how much to keep with --sync whole, headers or off")
			}
			return a.with(c.Context(), func(client *web.Client) error {
				folders, err := client.SetFolder(c.Context(), args[0], m, recursive)
				return a.folders(folders, err)
			})
		},
	}
	set.Flags().StringVar(&mode, "sync", "", "whole, headers or off")
	set.Flags().BoolVar(&recursive, "recursive", false, "also all folders in it")
	confirm := &cobra.Command{
		Use: "confirm PATH", Short: "Agree to the deletion of much of a folder, which Outpost asks about first",
		Long: "Before more than 20 items and more than a quarter of a folder are deleted, here or at the server, Outpost stops that folder and asks:\n" +
			"outpost status tells which ones. Look whether it is what you want; as long as you say nothing, nothing of it is deleted.",
		Example: "  outpost folder confirm Customers", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error {
				holds, err := client.ConfirmFolder(c.Context(), args[0])
				if err != nil {
					return err
				}
				return a.print(holds, func() {
					for _, h := range holds {
						fmt.Fprintf(a.out, "%s: %d of %d items are deleted %s with the next pass\n", printable(h.Folder), h.Items, h.Of,
							map[string]string{"here": "here", "server": "at the server"}[h.At])
					}
				})
			})
		},
	}
	return group("folder", "List, make, rename, move and delete folders, and choose what is kept of them",
		"  outpost folder list\n  outpost folder create Customers/Miller", list, create, rename, move, remove, set, confirm)
}

// folders prints folders.
func (a *app) folders(folders []backend.Folder, err error) error {
	if err != nil {
		return err
	}
	return a.print(folders, func() {
		rows := [][]string{{"FOLDER", "KIND", "SYNC", "ITEMS", "UNREAD"}}
		for _, f := range folders {
			row := []string{cut(f.Path, 60), string(f.Kind), string(f.Sync), fmt.Sprint(f.Items), fmt.Sprint(f.Unread)}
			if f.ReadOnly {
				row = append(row, "can only be read")
			}
			rows = append(rows, row)
		}
		table(a.out, rows)
	})
}

// changed prints a folder that was changed.
func (a *app) changed(f backend.Folder, err error) error {
	if err != nil {
		return err
	}
	return a.print(f, func() { fmt.Fprintln(a.out, printable(f.Path)) })
}
