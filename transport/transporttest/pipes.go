package transporttest

import (
	"context"
	"net"
	"sync"
)

// pipes is a network of net.Pipe connections, for bubbles, where nothing may
// wait for the kernel. It is the listener and the dialer at once.
type pipes struct {
	accept chan net.Conn
	once   sync.Once
	closed chan struct{}
	// pace is that of all connections, a client's reading end.
	pace *pace
}

func newPipes(p *pace) *pipes {
	return &pipes{accept: make(chan net.Conn), closed: make(chan struct{}), pace: p}
}

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return pipeAddr{} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.accept <- theirs:
		return &line{Conn: ours, pace: p.pace, closed: make(chan struct{})}, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pipeAddr is the net.Addr of a pipe.
type pipeAddr struct{}

// Network and String implement net.Addr.
func (pipeAddr) Network() string { return "pipe" }

// String returns "pipe".
func (pipeAddr) String() string { return "pipe" }

// line is the client's end of a pipe that does not take bytes any faster than
// its pace.
type line struct {
	net.Conn
	pace   *pace
	once   sync.Once
	closed chan struct{}
}

// Read implements net.Conn.
func (l *line) Read(b []byte) (int, error) {
	return l.Conn.Read(l.pace.wait(b, l.closed))
}

// Close implements net.Conn.
func (l *line) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Conn.Close()
}
