package ws

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	// readBuffer holds a subscribe line of the usual length. It is there as long
	// as the connection, so it is small.
	readBuffer = 512
	// lastWords is how long a client may take for what is still sent to it when
	// its connection is to be closed.
	lastWords = 5 * time.Second
	// closeWait is how long the hub waits for the close frame that answers its
	// own.
	closeWait = time.Second
	// lateMost is how many bytes it takes when they do not count any more: what
	// was on its way already.
	lateMost = 1 << 20

	// How many frames that are no messages a client may send: heartbeats of
	// libraries come every few seconds, and fragments are for messages longer
	// than any of the hub's. Messages are counted by the session.
	controlsPerSecond = 10
	controlsAtOnce    = 30
)

// conn is a WebSocket connection after its opening handshake. One goroutine
// receives at a time; any number may write.
type conn struct {
	nc   net.Conn
	in   reader
	buf  [readBuffer]byte
	rest []byte // of what was read, what is not looked at yet
	// controls limits the frames that are no messages.
	controls *rate.Limiter

	// turn holds one element while somebody writes, so that no pong comes
	// within a frame. Who receives waits with a pong for its turn and reads
	// nothing meanwhile, so pongs never queue up.
	turn chan struct{}
	// answered says that the client has nothing more to say, and late is how many
	// bytes it has said in vain. They belong to who receives.
	answered bool
	late     int
	// closed says that the close frame is sent, after which nothing is; it
	// belongs to whose turn it is.
	closed bool
	// leaving says that the client is waiting for the close frame alone.
	leaving atomic.Bool
}

// errClosed is a write behind the close frame, or to who has sent one.
var errClosed = errors.New("ws: the connection is closing")

// takeOver takes the connection from net/http, with what the client has sent
// already, and lifts the deadlines that are for requests.
func takeOver(w http.ResponseWriter) (*conn, error) {
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, fmt.Errorf("ws: take over the connection: %w", err)
	}
	rest, err := buffered(rw.Reader)
	if err == nil {
		err = nc.SetDeadline(time.Time{})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ws: take over the connection: %w", err), nc.Close())
	}
	return newConn(nc, rest), nil
}

// buffered returns a copy of what lies in r, so that r may go.
func buffered(r *bufio.Reader) ([]byte, error) {
	b := make([]byte, r.Buffered())
	_, err := io.ReadFull(r, b)
	return b, err
}

func newConn(nc net.Conn, rest []byte) *conn {
	return &conn{
		nc: nc, rest: rest, in: reader{limit: maxMessage},
		controls: rate.NewLimiter(controlsPerSecond, controlsAtOnce),
		turn:     make(chan struct{}, 1),
	}
}

// receive returns the client's next message, valid until the next call, and
// answers its pings. Errors are *closedError, *violation, or of the connection.
func (c *conn) receive() ([]byte, error) {
	for {
		for len(c.rest) > 0 {
			got, rest, err := c.in.next(c.rest)
			c.rest = rest
			switch {
			case err != nil:
				return nil, err
			case got.kind == text:
				return got.payload, nil
			}
			if err := c.obey(got); err != nil {
				return nil, err
			}
		}
		if _, err := c.fill(); err != nil {
			return nil, err
		}
	}
}

// fill reads what the client has sent.
func (c *conn) fill() (int, error) {
	n, err := c.nc.Read(c.buf[:])
	c.rest = c.buf[:n]
	if n > 0 {
		return n, nil // an error comes again
	}
	return 0, err
}

// obey takes what is no message.
func (c *conn) obey(got received) error {
	if got.kind == nothing {
		return nil
	}
	if got.kind == closing {
		return &closedError{got.code}
	}
	if !c.controls.Allow() {
		return violated(policyViolation, "more pings, pongs and fragments than a client needs")
	}
	if got.kind != ping {
		return nil
	}
	err := c.write(appendFrame(nil, opPong, got.payload))
	if err != nil && !errors.Is(err, errClosed) {
		// It is not the reading that has failed, whatever the reason.
		return fmt.Errorf("ws: answer a ping: %v", err) //nolint:errorlint // deadlines of reading and of writing must not be mixed up
	}
	return nil
}

// Send implements transport.Sink: b is whole frames.
func (c *conn) Send(b []byte) error {
	if c.leaving.Load() {
		return errClosed
	}
	return c.write(b)
}

// write writes whole frames, when nobody else is writing.
func (c *conn) write(b []byte) error {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	if c.closed {
		return errClosed
	}
	_, err := c.nc.Write(b)
	return err
}

// writeClose sends the close frame, once.
func (c *conn) writeClose(code closeCode, reason string) error {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	if c.closed {
		return errClosed
	}
	c.closed = true
	_, err := c.nc.Write(appendClose(nil, code, reason))
	return err
}

// hurry bounds what is still to be written, also a write in progress.
func (c *conn) hurry() { _ = c.nc.SetWriteDeadline(time.Now().Add(lastWords)) }

// part ends the connection: with a closing handshake (RFC 6455, section 7.1),
// if the client takes part in it, else by cutting it.
func (c *conn) part(e ending) {
	defer c.cut()
	if e.code == 0 {
		return
	}
	c.hurry()
	if c.writeClose(e.code, e.reason) != nil {
		return
	}
	if !e.answers && !c.answered {
		_ = c.nc.SetReadDeadline(time.Now().Add(closeWait))
		c.readLate()
	}
	if e.answers || c.answered {
		_ = c.nc.Close() // tells TLS's end, too
	}
}

// readLate takes what the client says when nothing counts any more but that it
// answers the close frame or closes the connection. To close first, with bytes
// of the client's unread, would have the kernel reset the connection and the
// client never see why; to leave them unread would block a client that does not
// read before it has written.
func (c *conn) readLate() {
	for !c.answered && c.late < lateMost {
		for len(c.rest) > 0 {
			got, rest, err := c.in.next(c.rest)
			c.rest = rest
			if got.kind == closing && err == nil {
				c.answered = true
				return
			}
		}
		n, err := c.fill()
		if err != nil {
			c.answered = c.answered || errors.Is(err, io.EOF)
			return
		}
		c.late += n
	}
}

// cut closes the connection at once, without a word of TLS, for which a client
// that takes nothing would have to be waited for. It may be called at any time
// and again.
func (c *conn) cut() {
	if t, ok := c.nc.(*tls.Conn); ok {
		_ = t.NetConn().Close()
		return
	}
	_ = c.nc.Close()
}
