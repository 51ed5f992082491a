package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"outpost/internal/backend"
	"outpost/internal/web"
)

func (a *app) accountSet() *cobra.Command {
	var push, every, onStart, onChange, conflicts string
	c := &cobra.Command{
		Use: "set EMAIL", Short: "Choose when an account is synchronised, and what becomes of what was changed on both sides",
		Long: "push: at once when the server tells of a change. every: by the clock. on-start: when Outpost starts. on-change: at once when\n" +
			"something is changed here. conflicts: merge what can be merged and keep the other version in the folder Conflicts, or keep\n" +
			"both as duplicates. What is not given stays as it is; outpost sync synchronises in any case.",
		Example: "  outpost account set anna@example.org --every 5m\n  outpost account set anna@example.org --push off --every off",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			n := backend.NewSettings{Email: args[0]}
			for name, to := range map[string]struct {
				text string
				into **bool
			}{"push": {push, &n.Push}, "on-start": {onStart, &n.OnStart}, "on-change": {onChange, &n.OnChange}} {
				if !c.Flags().Changed(name) {
					continue
				}
				if to.text != "on" && to.text != "off" {
					return wrong("--%s wants on or off", name)
				}
				*to.into = new(to.text == "on")
			}
			if c.Flags().Changed("every") {
				n.Every = &every
			}
			if c.Flags().Changed("conflicts") {
				n.Conflicts = &conflicts
			}
			if n == (backend.NewSettings{Email: args[0]}) {
				return wrong("say what to set: --push, --every, --on-start, --on-change or --conflicts")
			}
			return a.with(c.Context(), func(client *web.Client) error {
				acc, err := client.SetAccount(c.Context(), n)
				if err != nil {
					return err
				}
				return a.print(acc, func() {
					fmt.Fprintf(a.out, "%s: push %s, every %s, on start %s, on change %s, conflicts %s\n", printable(acc.Email), onOff(acc.Push), acc.Every,
						onOff(acc.OnStart), onOff(acc.OnChange), acc.Conflicts)
				})
			})
		},
	}
	f := c.Flags()
	f.StringVar(&push, "push", "", "`on` or off")
	f.StringVar(&every, "every", "", "a `time` like 5m, or off")
	f.StringVar(&onStart, "on-start", "", "`on` or off")
	f.StringVar(&onChange, "on-change", "", "`on` or off")
	f.StringVar(&conflicts, "conflicts", "", "`merge` or duplicate")
	return c
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
