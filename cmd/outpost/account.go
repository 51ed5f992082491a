package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"outpost/internal/backend"
	"outpost/internal/web"
)

func (a *app) account() *cobra.Command {
	var n backend.NewAccount
	var fromStdin bool
	add := &cobra.Command{
		Use:   "add EMAIL",
		Short: "Add an account, or give one a new password or other servers",
		Long: "Tries every service of the account and, when all of them work, stores it. Without any URL the servers are found by\n" +
			"the address. The password is asked for, or read as one line from standard input with --password-stdin.\n" +
			"URLs: imaps://host:port  imap://host:port?tls=starttls  smtps://...  smtp://...?tls=starttls  https://...\n" +
			"tls=none and http:// only on this computer, or with --allow-plaintext.",
		Example: "  outpost account add anna@example.org\n" +
			"  pass mail | outpost account add anna@example.org --password-stdin --imap imaps://mail.example.org --smtp smtps://mail.example.org --caldav https://dav.example.org/",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			n.Email = args[0]
			if n.Password, err = a.password(n.Email, fromStdin); err != nil {
				return err
			}
			return a.open(c.Context(), true, func(client *web.Client) error {
				check, err := client.AddAccount(c.Context(), n)
				if err != nil {
					return err
				}
				return a.print(check, func() {
					for _, line := range check.Discovered {
						fmt.Fprintln(a.out, printable(line))
					}
					a.services(check)
					fmt.Fprintf(a.out, "%s is added; outpost sync brings its mailbox here.\n", check.Account.Email)
				})
			})
		},
	}
	f := add.Flags()
	f.BoolVar(&fromStdin, "password-stdin", false, "read the password as one line from standard input")
	f.StringVar(&n.Name, "name", "", "your `name` as others see it")
	f.StringVar(&n.Login, "user", "", "the `login` at the server, where it is not the address")
	f.StringVar(&n.IMAP, "imap", "", "`URL` of the mail server")
	f.StringVar(&n.SMTP, "smtp", "", "`URL` of the server for sending")
	f.StringVar(&n.CalDAV, "caldav", "", "`URL` of the calendar server")
	f.StringVar(&n.CardDAV, "carddav", "", "`URL` of the contacts server")
	f.StringVar(&n.TrustCertificate, "trust-certificate", "", "accept the certificate with this `SHA-256` fingerprint although it cannot be verified")
	f.BoolVar(&n.AllowPlaintext, "allow-plaintext", false, "send the password unprotected if the URL says so")

	list := &cobra.Command{
		Use: "list", Short: "List the accounts", Example: "  outpost account list\n  outpost account list --json", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error {
				accounts, err := client.Accounts(c.Context())
				if err != nil {
					return err
				}
				return a.print(accounts, func() {
					var rows [][]string
					for _, acc := range accounts {
						rows = append(rows, []string{fmt.Sprint(acc.Number), acc.Email, acc.Mode, strings.Join(strings.Fields(acc.IMAP+" "+acc.SMTP+" "+acc.CalDAV+" "+acc.CardDAV), " ")})
					}
					table(a.out, rows)
				})
			})
		},
	}
	check := &cobra.Command{
		Use: "check EMAIL", Short: "Try every service of an account", Example: "  outpost account check anna@example.org", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error {
				check, err := client.CheckAccount(c.Context(), args[0])
				if err != nil {
					return err
				}
				if err := a.print(check, func() { a.services(check) }); err != nil {
					return err
				}
				for _, s := range check.Services {
					if !s.OK {
						return &backend.Error{Code: s.Code, Text: s.Error}
					}
				}
				return nil
			})
		},
	}
	remove := &cobra.Command{
		Use: "remove EMAIL", Short: "Forget an account and its mailbox here; nothing changes at the server",
		Example: "  outpost account remove anna@example.org", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(client *web.Client) error { return client.RemoveAccount(c.Context(), args[0]) })
		},
	}
	return group("account", "Add, list, check, set and remove accounts", "  outpost account add anna@example.org\n  outpost account check anna@example.org",
		add, list, check, a.accountSet(), remove)
}

// services prints what came of trying each service, one a line.
func (a *app) services(check backend.AccountCheck) {
	var rows [][]string
	for _, s := range check.Services {
		state := "works, " + s.Found
		if !s.OK {
			state = "does not work"
		}
		rows = append(rows, []string{s.Service, s.URL, state})
	}
	table(a.out, rows)
}

// password reads a password: one line of standard input, or what a person types, unseen. It is never on a command line.
func (a *app) password(email string, fromStdin bool) (string, error) {
	if f, ok := a.in.(*os.File); ok && !fromStdin && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintf(a.err, "Password of %s: ", printable(email))
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(a.err)
		return string(b), err
	}
	if !fromStdin {
		return "", wrong("how shall the password come in? With --password-stdin it is read as one line from standard input")
	}
	line, err := bufio.NewReader(io.LimitReader(a.in, 64<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
