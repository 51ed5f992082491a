package main

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"outpost/test/servers"
)

// mbsync is one Maildir that mbsync keeps in step with an account.
type mbsync struct{ dir, config string }

const mbsyncConfig = `%s
IMAPStore far
Host %s
Port %s
User %s
Pass %s
SSLType None
AuthMechs LOGIN

MaildirStore near
Path %[6]s/
Inbox %[6]s/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Near
Expunge Both
SyncState *
`

// newMbsync writes mbsync's configuration: its defaults, or FSync no.
func newMbsync(dir string, s *servers.Server, u servers.User, fsync bool) (*mbsync, error) {
	mail := filepath.Join(dir, "mail")
	if err := os.MkdirAll(mail, 0o700); err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(s.IMAPAddr)
	if err != nil {
		return nil, err
	}
	option := ""
	if !fsync {
		option = "FSync no\n"
	}
	m := &mbsync{mail, filepath.Join(dir, "mbsyncrc")}
	return m, os.WriteFile(m.config, fmt.Appendf(nil, mbsyncConfig, option, host, port, u.Name, u.Password, mail), 0o600)
}

func (m *mbsync) sync() command {
	return command{argv: []string{"mbsync", "-q", "-c", m.config, "all"}}
}

// vdirsyncer is a folder of files that vdirsyncer keeps in step with a collection.
type vdirsyncer struct{ dir, config string }

const vdirsyncerConfig = `[general]
status_path = "%[1]s/status"

[pair calendar]
a = "calendar_near"
b = "calendar_far"
collections = ["bulk-calendar"]

[storage calendar_near]
type = "filesystem"
path = "%[1]s/calendar"
fileext = ".ics"

[storage calendar_far]
type = "caldav"
url = "%[2]s"
username = "%[4]s"
password = "%[5]s"

[pair addressbook]
a = "addressbook_near"
b = "addressbook_far"
collections = ["bulk-addressbook"]

[storage addressbook_near]
type = "filesystem"
path = "%[1]s/addressbook"
fileext = ".vcf"

[storage addressbook_far]
type = "carddav"
url = "%[3]s"
username = "%[4]s"
password = "%[5]s"
`

func newVdirsyncer(dir string, s *servers.Server, u servers.User) (*vdirsyncer, error) {
	for _, kind := range []servers.Collection{servers.Calendar, servers.AddressBook} {
		if err := os.MkdirAll(filepath.Join(dir, string(kind), davCollection(kind)), 0o700); err != nil {
			return nil, err
		}
	}
	v := &vdirsyncer{dir, filepath.Join(dir, "config")}
	return v, os.WriteFile(v.config, fmt.Appendf(nil, vdirsyncerConfig, dir, s.CalDAV, s.CardDAV, u.Name, u.Password), 0o600)
}

// discover is what vdirsyncer wants to have done once before its first sync.
func (v *vdirsyncer) discover() command {
	return command{argv: []string{"vdirsyncer", "-c", v.config, "discover"}, stdin: "y\ny\ny\ny\n"}
}

func (v *vdirsyncer) sync() command {
	return command{argv: []string{"vdirsyncer", "-v", "WARNING", "-c", v.config, "sync"}}
}

// folderSize is what a folder takes on the disk.
func folderSize(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		size += onDisk(info)
		return nil
	})
	return size, err
}

// countFiles counts the files below a folder whose path fits.
func countFiles(dir, pattern string) (n int, err error) {
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	return len(found), err
}
