package transport

import (
	"net"
	"time"

	"everything.local/transport/poll"
)

// conn is an accepted TCP connection.
type conn struct {
	poll.Socket
	refused Refusal // not empty: to be told so, and closed
	// carrier is whose the connection becomes when a feed takes it over; nil if
	// none can.
	carrier poll.Carrier
}

// newConn returns the connection that c is served as. Release is called once,
// when it is closed.
func newConn(c net.Conn, stall time.Duration, refused Refusal, release func()) *conn {
	if refused != "" {
		end := time.AfterFunc(refusedFor, func() { _ = c.Close() }) // net/http notices
		open := release
		release = func() { end.Stop(); open() }
	}
	own := &conn{refused: refused}
	own.Init(c, stall, release)
	return own
}
