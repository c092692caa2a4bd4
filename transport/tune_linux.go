package transport

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// notSent is how many bytes the kernel may hold that are not on their way
	// yet: one chunk. More would be a queue of old news in front of a slow
	// client, out of reach of conflation, and memory in every stalled socket.
	notSent = 16 << 10
	// vanishedAfter is added to the stall timeout for a client that does not
	// even acknowledge. Without TCP_USER_TIMEOUT (RFC 5482) the kernel goes on
	// for a quarter of an hour, in which heartbeats still fit its buffer.
	vanishedAfter = 15 * time.Second
)

// tune bounds what the kernel keeps for a connection. A socket that refuses is
// served all the same: these are bounds, not correctness.
func tune(c net.Conn, stall time.Duration) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSent)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int((stall + vanishedAfter).Milliseconds()))
	})
}
