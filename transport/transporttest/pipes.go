package transporttest

import (
	"context"
	"net"
	"sync"
)

// Pipes is a network of net.Pipe connections, for bubbles, where nothing may
// wait for the kernel. It is the listener and the dialer at once.
type Pipes struct {
	accept chan net.Conn
	once   sync.Once
	closed chan struct{}
}

// NewPipes returns a network without connections.
func NewPipes() *Pipes {
	return &Pipes{accept: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (p *Pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *Pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *Pipes) Addr() net.Addr { return pipeAddr{} }

// Dial connects to whoever accepts.
func (p *Pipes) Dial(ctx context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.accept <- theirs:
		return ours, nil
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
