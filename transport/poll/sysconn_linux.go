package poll

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// sysConn is the descriptor of a connection of package net.
type sysConn struct {
	fd  int
	raw syscall.RawConn
}

func newSysConn(raw syscall.RawConn) (c sysConn, err error) {
	c.raw = raw
	err = raw.Control(func(fd uintptr) { c.fd = int(fd) })
	return c, err
}

// tryRead goes through syscall.RawConn, which keeps the descriptor from being
// closed, and given to somebody else, within a call.
func (c *sysConn) tryRead(b []byte) (n int, err error) {
	failed := c.raw.Read(func(fd uintptr) bool {
		n, err = uninterrupted(unix.Read, int(fd), b)
		return true
	})
	if failed != nil {
		return 0, failed
	}
	return outcome(n, err)
}

// tryWrite has no need of that: Line.disconnect comes before the descriptor is
// closed, and waits for a write.
func (c *sysConn) tryWrite(b []byte) (int, error) {
	return outcome(uninterrupted(unix.Write, c.fd, b))
}

// outcome is that of a system call.
func outcome(n int, err error) (int, error) {
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, unix.EAGAIN):
		return 0, errAgain
	}
	return 0, err
}

// uninterrupted makes a system call again that a signal has interrupted.
func uninterrupted(call func(int, []byte) (int, error), fd int, b []byte) (int, error) {
	for {
		n, err := call(fd, b)
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
