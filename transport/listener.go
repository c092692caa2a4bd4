package transport

import (
	"net"
	"time"

	"everything.local/transport/poll"
)

// listener accepts the connections that its limiter admits, and some of those
// that it does not, for turnAway to tell them.
type listener struct {
	net.Listener
	limits *limiter
	stall  time.Duration
	// carrier is for connections that are taken over, nil for none.
	carrier poll.Carrier
	trim    *trimmer
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		release, why := l.limits.admit(addrOf(c.RemoteAddr()))
		if why != "" {
			var ok bool
			if release, ok = l.limits.tell(); !ok {
				_ = c.Close() // it never was a connection of ours
				continue
			}
		}
		tune(c, l.stall)
		l.trim.connected()
		own := newConn(c, l.stall, why, release)
		own.carrier = l.carrier
		return own, nil
	}
}
