package client

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
)

// tcpConnections are HTTP/1.1 and HTTP/2. They are closed themselves, for
// http.Transport closes only what is idle, which a feed that was left may not
// be for a moment yet.
type tcpConnections struct {
	*http.Transport

	network Network

	mu     sync.Mutex
	open   map[net.Conn]struct{}
	closed bool
	// unwatch ends the watch of the network, which begins with the first
	// connection.
	unwatch  context.CancelFunc
	watching sync.WaitGroup
}

// dial is the Transport's DialContext.
func (t *tcpConnections) dial(ctx context.Context, _, address string) (net.Conn, error) {
	conn, err := t.network.DialTCP(ctx, address)
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
	if t.unwatch == nil {
		watching, unwatch := context.WithCancel(context.WithoutCancel(ctx)) // for the next ones too
		t.unwatch = unwatch
		t.watching.Go(func() { t.network.Watch(watching, t.cut) })
	}
	return tcpConn{conn, t}, nil
}

// cut closes the connections whose path has gone. TCP would try to reach the
// hub from an address that is not there any more, for minutes.
func (t *tcpConnections) cut() {
	t.mu.Lock()
	var cut []net.Conn
	for conn := range t.open {
		if !t.stands(conn) {
			cut = append(cut, conn)
		}
	}
	t.mu.Unlock()
	for _, conn := range cut {
		_ = conn.Close() // its reader is told, and whoever waits for an answer
	}
}

// stands reports whether a connection's path is there, as far as can be seen.
func (t *tcpConnections) stands(conn net.Conn) bool {
	local, lok := conn.LocalAddr().(*net.TCPAddr)
	remote, rok := conn.RemoteAddr().(*net.TCPAddr)
	if !lok || !rok {
		return true
	}
	at := local.AddrPort().Addr().Unmap().WithZone("")
	paths, err := t.network.Paths(remote.AddrPort().Addr().Unmap())
	return err != nil || len(paths) == 0 || slices.ContainsFunc(paths, func(p Path) bool { return p.Local.WithZone("") == at })
}

// Close implements connections.
func (t *tcpConnections) Close() {
	t.CloseIdleConnections()
	t.mu.Lock()
	t.closed = true
	for conn := range t.open {
		_ = conn.Close() // it may have been closed
	}
	clear(t.open)
	unwatch := t.unwatch
	t.mu.Unlock()
	if unwatch != nil {
		unwatch()
		t.watching.Wait()
	}
}

// carrier implements connections.
func (*tcpConnections) carrier() *quicCarrier { return nil }

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
