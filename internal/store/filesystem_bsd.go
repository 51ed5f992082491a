//go:build darwin || freebsd

package store

import (
	"golang.org/x/sys/unix"
)

// fileSystem names the file system of a folder and says whether it is on the network.
func fileSystem(path string) (name string, network bool, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return "", false, err
	}
	name = unix.ByteSliceToString(st.Fstypename[:])
	return name, uint64(st.Flags)&unix.MNT_LOCAL == 0, nil
}

// freeBytes is the room on the disk of a folder, very much where that cannot be known.
func freeBytes(path string) uint64 {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 1 << 62
	}
	return uint64(max(int64(st.Bavail), 0)) * uint64(st.Bsize)
}
