package store

import (
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"
)

// fileSystem says whether a folder is on a network drive or share.
func fileSystem(path string) (name string, network bool, err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", false, err
	}
	volume := filepath.VolumeName(abs)
	if strings.HasPrefix(volume, `\\`) && !strings.HasPrefix(volume, `\\?\`) {
		return "network share", true, nil
	}
	root, err := windows.UTF16PtrFromString(volume + `\`)
	if err != nil {
		return "", false, err
	}
	if windows.GetDriveType(root) == windows.DRIVE_REMOTE {
		return "network drive", true, nil
	}
	return "local", false, nil
}

// freeBytes is the room on the disk of a folder, very much where that cannot be known.
func freeBytes(path string) (free uint64) {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil || windows.GetDiskFreeSpaceEx(p, &free, nil, nil) != nil {
		return 1 << 62
	}
	return free
}
