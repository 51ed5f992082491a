package store

import (
	"golang.org/x/sys/unix"
)

// fileSystem names the file system of a folder and says whether it is on the network. 9p is not: containers and WSL use
// it for local disks.
func fileSystem(path string) (name string, network bool, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return "", false, err
	}
	switch uint32(st.Type) {
	case unix.NFS_SUPER_MAGIC:
		return "nfs", true, nil
	case unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC:
		return "smb", true, nil
	case unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC:
		return "afs", true, nil
	case unix.CEPH_SUPER_MAGIC:
		return "ceph", true, nil
	case unix.CODA_SUPER_MAGIC:
		return "coda", true, nil
	case unix.NCP_SUPER_MAGIC:
		return "ncp", true, nil
	case unix.FUSE_SUPER_MAGIC:
		return fuse(path, st.Fsid)
	}
	return "local", false, nil
}

// freeBytes is the room on the disk of a folder, very much where that cannot be known.
func freeBytes(path string) uint64 {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 1 << 62
	}
	return st.Bavail * uint64(st.Bsize)
}
