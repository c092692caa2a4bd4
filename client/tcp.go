package client

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// tcpConnections are HTTP/1.1 and HTTP/2. They are closed themselves, for
// http.Transport closes only what is idle, which a feed that was left may not
// be for a moment yet.
type tcpConnections struct {
	*http.Transport

	mu     sync.Mutex
	open   map[net.Conn]struct{}
	closed bool
}

// dial is the Transport's DialContext.
func (t *tcpConnections) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: connectWithin}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	t.open[conn] = struct{}{}
	return tcpConn{conn, t}, nil
}

// Close implements connections.
func (t *tcpConnections) Close() {
	t.CloseIdleConnections()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for conn := range t.open {
		_ = conn.Close() // it may have been closed
	}
	clear(t.open)
}

// tcpConn is forgotten when it is closed.
type tcpConn struct {
	net.Conn

	of *tcpConnections
}

// Close implements net.Conn.
func (c tcpConn) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c.Conn)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
