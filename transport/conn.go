package transport

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// looks is how often within a stall timeout a blocked write looks whether bytes
// have moved: a client is closed after one timeout to one and a quarter.
const looks = 4

// conn is an accepted TCP connection. Its Write is what tells slow from
// stalled: it goes on for as long as bytes move, however few, and fails with
// ErrStalled when none has for the stall timeout. It sits below TLS, because a
// TLS connection is lost with the first write that fails.
type conn struct {
	net.Conn
	stall   time.Duration
	refused Refusal // not empty: to be told so, and closed
	release func()
	closed  atomic.Bool

	mu sync.Mutex
	// deadline is the one set from above, which Write keeps to.
	deadline time.Time
}

// newConn returns the connection that c is served as. Release is called once,
// when it is closed.
func newConn(c net.Conn, stall time.Duration, refused Refusal, release func()) *conn {
	own := &conn{Conn: c, stall: stall, refused: refused, release: release}
	if refused != "" {
		end := time.AfterFunc(refusedFor, func() { _ = c.Close() }) // net/http notices
		own.release = func() { end.Stop(); release() }
	}
	return own
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	done, still := 0, 0
	for {
		if err := c.nextLook(); err != nil {
			return done, err
		}
		n, err := c.Conn.Write(b[done:])
		done += n
		if !errors.Is(err, os.ErrDeadlineExceeded) || c.late() {
			return done, err
		}
		if still++; n > 0 {
			still = 0
		}
		if still == looks {
			return done, fmt.Errorf("%w: %w", ErrStalled, err)
		}
	}
}

// nextLook bounds the next attempt to write.
func (c *conn) nextLook() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	look := time.Now().Add(c.stall / looks)
	if !c.deadline.IsZero() && c.deadline.Before(look) {
		look = c.deadline
	}
	return c.Conn.SetWriteDeadline(look)
}

// late reports whether the deadline set from above has passed.
func (c *conn) late() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.deadline.IsZero() && !time.Now().Before(c.deadline)
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	if t.IsZero() {
		return nil // a write in progress keeps its look
	}
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Close implements net.Conn.
func (c *conn) Close() error {
	if c.closed.CompareAndSwap(false, true) {
		c.release()
	}
	return c.Conn.Close()
}
