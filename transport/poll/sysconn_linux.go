package poll

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// sysConn is the descriptor of a connection of package net. It goes through
// syscall.RawConn, which keeps the descriptor from being closed, and given to
// somebody else, within a call. One goroutine reads and one writes at a time.
type sysConn struct {
	fd  int
	raw syscall.RawConn

	// What is given to raw is made once, and has its arguments here.
	reading, writing        func(fd uintptr) bool
	readInto, writeFrom     []byte
	readBytes, writeBytes   int
	readFailed, writeFailed error
}

func newSysConn(raw syscall.RawConn) (*sysConn, error) {
	c := &sysConn{raw: raw}
	c.reading = func(fd uintptr) bool {
		c.readBytes, c.readFailed = uninterrupted(unix.Read, int(fd), c.readInto)
		return true
	}
	c.writing = func(fd uintptr) bool {
		c.writeBytes, c.writeFailed = uninterrupted(unix.Write, int(fd), c.writeFrom)
		return true
	}
	return c, raw.Control(func(fd uintptr) { c.fd = int(fd) })
}

func (c *sysConn) tryRead(b []byte) (int, error) {
	c.readInto = b
	err := c.raw.Read(c.reading)
	c.readInto = nil
	return outcome(c.readBytes, c.readFailed, err)
}

func (c *sysConn) tryWrite(b []byte) (int, error) {
	c.writeFrom = b
	err := c.raw.Write(c.writing)
	c.writeFrom = nil
	return outcome(c.writeBytes, c.writeFailed, err)
}

// outcome is that of a system call, or of not having made it.
func outcome(n int, err, notMade error) (int, error) {
	switch {
	case notMade != nil:
		return 0, notMade
	case errors.Is(err, unix.EAGAIN):
		return 0, errAgain
	case err != nil:
		return 0, err
	}
	return n, nil
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
