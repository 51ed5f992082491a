package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"outpost/internal/backend"
	"outpost/internal/web"
)

const defaultListen = "127.0.0.1:8145"

func (a *app) serve() *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use: "serve", Short: "Run the daemon: keeps all accounts in step; the other commands talk to it while it runs",
		Example: "  outpost serve\n  outpost serve --listen 127.0.0.1:9000", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			data, err := a.dataFolder("outpost")
			if err != nil {
				return err
			}
			log, closeLog, err := openLog(data, a.err)
			if err != nil {
				return err
			}
			defer closeLog()
			b, err := backend.Open(c.Context(), backend.Options{Data: data, Encrypt: a.encrypt, Force: a.force, Log: log})
			if err != nil {
				return err
			}
			err = web.Serve(c.Context(), web.ServeOptions{Data: data, Backend: b, Listen: listen, Log: log})
			return errors.Join(err, b.Close())
		},
	}
	c.Flags().StringVar(&listen, "listen", defaultListen, "the loopback `address` to serve on; port 0 means any free one")
	return c
}

// openLog returns a log that goes to w and, as JSON, to the log file of the data folder.
func openLog(data string, w io.Writer) (*slog.Logger, func() error, error) {
	f, err := openRotating(backend.LogFile(data))
	if err != nil {
		return nil, nil, fmt.Errorf("open the log: %w", err)
	}
	return slog.New(slog.NewMultiHandler(slog.NewTextHandler(w, nil), slog.NewJSONHandler(f, nil))), f.Close, nil
}

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Example: "  outpost version", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			v := backend.ThisBuild()
			return a.print(v, func() { fmt.Fprintf(a.out, "Outpost %s (commit %s), %s, %s\n", v.Version, v.Commit, v.Go, v.OS) })
		},
	}
}

// program is how a person calls this program: as just now, or through go run when it lies in a temporary folder.
func program() string {
	exe, err := os.Executable()
	if err == nil && filepath.Base(filepath.Dir(exe)) == "exe" {
		return "go run ./cmd/outpost"
	}
	return os.Args[0]
}
