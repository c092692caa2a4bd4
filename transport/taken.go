package transport

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"everything.local/transport/poll"
)

type connKey struct{}

// withConn is an http.Server's ConnContext: requests know their connection.
func withConn(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if own, ok := c.(*conn); ok {
		return context.WithValue(ctx, connKey{}, own)
	}
	return ctx
}

// connOf returns the connection of r, nil for a stream of HTTP/2 or QUIC, and
// for one of another server.
func connOf(r *http.Request) *conn {
	c, ok := r.Context().Value(connKey{}).(*conn)
	if !ok || r.ProtoMajor != 1 {
		return nil
	}
	return c
}

// errNotOurs is a connection that no listener of a Server has accepted.
var errNotOurs = errors.New("transport: this connection cannot be taken over")

// TakeOver takes the connection of r from net/http, for h. It returns also what
// the client has sent already, for Line.Start. On an error that wraps
// http.ErrNotSupported nothing has changed; after any other the connection is
// closed.
func TakeOver(w http.ResponseWriter, r *http.Request, h poll.Handler) (*poll.Line, []byte, error) {
	own := connOf(r)
	if own == nil || own.carrier == nil {
		return nil, nil, fmt.Errorf("%w: %w", errNotOurs, http.ErrNotSupported)
	}
	top, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("transport: take over a connection: %w", err)
	}
	read, err := buffered(rw.Reader)
	if err == nil {
		err = top.SetDeadline(time.Time{})
	}
	var l *poll.Line
	if err == nil {
		l, err = poll.NewLine(own.carrier, top, &own.Socket, h)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("transport: take over a connection: %w", err), own.Close())
	}
	return l, read, nil
}

// buffered returns a copy of what lies in r, so that r may go.
func buffered(r *bufio.Reader) ([]byte, error) {
	if r.Buffered() == 0 {
		return nil, nil
	}
	b := make([]byte, r.Buffered())
	_, err := io.ReadFull(r, b)
	return b, err
}

// unheardMost is how many bytes a client may send to a feed that takes none: the
// next request of one that pipelines, which is not answered.
const unheardMost = 64 << 10

// bodyOutlet is the Outlet of feeds that are the body of an HTTP/1.1 response,
// which ends with its connection (RFC 9112, section 6.3).
type bodyOutlet struct {
	*poll.Line
	session *Session
	unheard int
}

// serveBody has a worker send the feed as the body of the response to r. It
// reports false if that is not possible.
func (f *Feed) serveBody(w http.ResponseWriter, r *http.Request, s *Session) bool {
	if r.ProtoMajor == 3 {
		return f.serveStream(w, r, s)
	}
	return f.serveConn(w, r, s)
}

// serveConn takes over the connection of r for a feed.
func (f *Feed) serveConn(w http.ResponseWriter, r *http.Request, s *Session) bool {
	o := &bodyOutlet{session: s}
	l, read, err := TakeOver(w, r, o)
	if errors.Is(err, http.ErrNotSupported) {
		return false
	}
	if err != nil {
		s.close(ClientGone)
		return true
	}
	o.Line = l
	if l.Put(responseHead(w.Header())) != nil {
		s.close(ClientGone)
		l.Cut()
		return true
	}
	f.Serve(s, o, TCP)
	l.Start(read)
	return true
}

// responseHead is that of a feed, with the header fields of h.
func responseHead(h http.Header) []byte {
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	h.Set("Connection", "close")
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 200 OK\r\n")
	_ = h.Write(&b) // memory takes all
	b.WriteString("\r\n")
	return b.Bytes()
}

// Receive implements poll.Handler: nothing that the client says counts.
func (o *bodyOutlet) Receive(b []byte) {
	if o.unheard += len(b); o.unheard > unheardMost {
		o.session.Leave(ClientGone)
	}
}

// Sent implements poll.Handler.
func (o *bodyOutlet) Sent() { o.session.Wake() }

// Gone implements poll.Handler.
func (o *bodyOutlet) Gone(err error) { o.session.Leave(lost(err)) }

// End implements Outlet.
func (o *bodyOutlet) End(why Reason) {
	if why == ClientGone || why == Stalled {
		o.Cut()
		return
	}
	o.Close()
}
