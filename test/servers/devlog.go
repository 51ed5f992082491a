package servers

import (
	"net"
	"os"
)

// logSink is the system's log on a machine where none runs.
type logSink struct {
	conn *net.UnixConn
	file *os.File
}

const devLog = "/dev/log"

// listenDevLog writes what daemons send to the system's log to a file, if no system log listens. Else, or where that is
// not possible, it returns nil: the servers run as well, only a failing test has less to show.
func listenDevLog(file string) *logSink {
	addr := &net.UnixAddr{Name: devLog, Net: "unixgram"}
	if c, err := net.DialUnix("unixgram", nil, addr); err == nil {
		c.Close()
		return nil
	}
	if info, err := os.Lstat(devLog); err == nil {
		if info.Mode()&os.ModeSocket == 0 {
			return nil // a link to where a system log would listen
		}
		os.Remove(devLog) // left behind by one that ended
	}
	conn, err := net.ListenUnixgram("unixgram", addr)
	if err != nil {
		return nil
	}
	f, err := os.Create(file)
	if err != nil {
		conn.Close()
		os.Remove(devLog)
		return nil
	}
	os.Chmod(devLog, 0o666)
	go func() {
		buf := make([]byte, 8192)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			f.Write(append(buf[:n:n], '\n'))
		}
	}()
	return &logSink{conn, f}
}

func (l *logSink) close() {
	l.conn.Close()
	l.file.Close()
	os.Remove(devLog)
}
