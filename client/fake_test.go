package client

import (
	"context"
	"io"
	"net"
	"testing"
)

// opening is a feed that a client asks for on a wire of the test.
type opening struct {
	wire Wire
	ask  subscription
	// left is closed when the client does not want it any more.
	left <-chan struct{}
	feed chan feed
	err  chan error
}

// accept opens the feed.
func (o *opening) accept(first ...string) *script {
	s := &script{left: o.left, frames: make(chan string, 16), end: make(chan error, 1), closed: make(chan struct{})}
	s.send(first...)
	o.feed <- s
	return s
}

func (o *opening) refuse(err error) { o.err <- err }

// script is a feed whose frames the test sends.
type script struct {
	left   <-chan struct{}
	frames chan string
	end    chan error
	closed chan struct{}
	// keeper is given with the feed; nil for one that cannot move.
	keeper *roamer
}

func (s *script) send(frames ...string) {
	for _, f := range frames {
		s.frames <- f
	}
}

func (s *script) next() ([]byte, error) {
	select {
	case f := <-s.frames:
		return []byte(f), nil
	default:
	}
	select {
	case f := <-s.frames:
		return []byte(f), nil
	case err := <-s.end:
		return nil, err
	case <-s.left:
		return nil, net.ErrClosed
	}
}

func (*script) protocol() string { return "HTTP/0" }

func (s *script) roamer() *roamer { return s.keeper }

func (s *script) close() { close(s.closed) }

// gone reports whether the client has left.
func (s *script) gone() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// scripted returns a client whose wires are the test's.
func scripted(t *testing.T, c Config) (*Client, <-chan *opening) {
	t.Helper()
	if c.Hubs == nil {
		c.Hubs = []string{"https://hub.example:8443"}
	}
	cl, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan *opening)
	cl.wires = map[Wire]opener{}
	for w, real := range wires {
		cl.wires[w] = opener{real.over, func(ctx context.Context, _ *Client, _ Protocol, ask subscription) (feed, error) {
			o := &opening{w, ask, ctx.Done(), make(chan feed), make(chan error)}
			select {
			case opened <- o:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			select {
			case f := <-o.feed:
				return f, nil
			case err := <-o.err:
				return nil, err
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}}
	}
	return cl, opened
}

var (
	errRefusedByNobody = &net.OpError{Op: "dial", Err: io.ErrClosedPipe}
	liveAt             = func(cursor string) string { return `{"live":true,"cursor":"` + cursor + `"}` }
)
