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
	name = unix.ByteSliceToString(fstypename(&st))
	return name, uint64(st.Flags)&unix.MNT_LOCAL == 0, nil
}

func fstypename(st *unix.Statfs_t) []byte { return []byte(string(st.Fstypename[:])) }
