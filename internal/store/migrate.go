package store

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed sql/*.sql
var migrations embed.FS

// Application ids (PRAGMA application_id) of the databases: "OutP", "OutM", "OutI".
const (
	profileApplication = 0x4f757450
	mailboxApplication = 0x4f75744d
	indexApplication   = 0x4f757449
)

// migrate brings a database of the kind named by prefix ("profile", "mailbox", "index") to the newest format, one
// transaction a migration, in order. A database of another application or of a newer format is refused.
func migrate(c *conn, prefix string, application int64) error {
	return migrateFrom(migrations, c, prefix, application)
}

func migrateFrom(files fs.FS, c *conn, prefix string, application int64) error {
	names, err := fs.Glob(files, "sql/"+prefix+"-*.sql") // sorted
	if err != nil {
		return err
	}
	app, err := c.number("PRAGMA application_id")
	if err != nil {
		return err
	}
	have, err := c.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	switch {
	case app != application && (app != 0 || have != 0):
		return fmt.Errorf("%s is not a database of this kind of Outpost (application id %#x)", c.path, app)
	case have > int64(len(names)):
		return &VersionError{Path: c.path, Have: int(have), Know: len(names)}
	}
	for v := have; v < int64(len(names)); v++ {
		name := names[v]
		if want := fmt.Sprintf("sql/%s-%03d.sql", prefix, v+1); name != want {
			return fmt.Errorf("migration %s is missing", strings.TrimPrefix(want, "sql/"))
		}
		sql, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		// Foreign keys are checked at the end of a migration, so that it may build tables anew.
		script := fmt.Sprintf("BEGIN IMMEDIATE; PRAGMA defer_foreign_keys=ON; %s\n; PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
			sql, application, v+1)
		if err := c.script(script); err != nil {
			_ = c.script("ROLLBACK") // fails when the error has already ended the transaction
			return fmt.Errorf("migrate %s to format %d: %w", c.path, v+1, err)
		}
	}
	return nil
}
