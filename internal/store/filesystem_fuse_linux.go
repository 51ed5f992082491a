package store

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// fuse tells FUSE file systems on the network from local ones by the type that /proc/self/mountinfo gives.
func fuse(path string, _ unix.Fsid) (name string, network bool, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return "", false, err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "fuse", false, nil // it cannot be known
	}
	defer f.Close()
	name = "fuse"
	longest := -1
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// proc_pid_mountinfo(5): fields, "-", then the type.
		before, after, ok := strings.Cut(lines.Text(), " - ")
		fields := strings.Fields(before)
		if !ok || len(fields) < 5 {
			continue
		}
		at := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`).Replace(fields[4])
		if (path == at || at == "/" || strings.HasPrefix(path, at+"/")) && len(at) >= longest {
			longest = len(at)
			name, _, _ = strings.Cut(after, " ")
		}
	}
	return name, networkFuse(name), nil
}

// networkFuse knows the FUSE file systems that lie on the network.
func networkFuse(name string) bool {
	for _, n := range []string{"sshfs", "davfs", "s3fs", "rclone", "glusterfs", "curlftpfs", "gvfsd-fuse", "ceph-fuse", "smbnetfs", "moosefs", "nfs"} {
		if strings.TrimPrefix(name, "fuse.") == n {
			return true
		}
	}
	return false
}
