package poll

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// LastWords is how long a client may take for what is still to be sent to it
// when its line is to be closed.
const LastWords = 5 * time.Second

// Handler is who has taken over a connection. Its methods are called by the
// goroutines of the carrier and must not wait. Sent may be called during the
// others, which are called by one goroutine at a time.
type Handler interface {
	// Receive takes what the client has said. B is the handler's until it
	// returns.
	Receive(b []byte)
	// Sent is called when all that was put has gone, if that was not so when it
	// was put. Something else may have been put since.
	Sent()
	// Gone is called once, when the client has closed the connection (io.EOF), or
	// it is lost, or takes nothing (ErrStalled), and is not when this side has.
	// The handler still has to Close or Cut the line.
	Gone(err error)
}

// Carrier moves the bytes of lines.
type Carrier interface {
	// attach is called when s is taken over by l.
	attach(l *Line) error
	// begin is called when l is to be read.
	begin(l *Line) error
	// detach is called once when l is closed.
	detach(l *Line)
}

// Line is a connection that was taken over. Its methods may be called by
// several goroutines at once.
type Line struct {
	// top is what is written to and read from: a TLS connection, or sock.
	top     net.Conn
	sock    *Socket
	carrier Carrier
	handler Handler
	// direct reads and writes without waiting; nil where goroutines do it. It is
	// sys, but in tests.
	direct descriptor
	sys    sysConn
	// id tells a line from others that have had the same descriptor.
	id int32

	// waits says that something is pending.
	waits atomic.Bool
	ended atomic.Bool // cut, closed or gone

	mu sync.Mutex
	// pending is what the kernel has yet to take.
	pending []byte
	// moved is how many bytes have gone, seen how many had at the last look, and
	// still how many looks ago that was.
	moved, seen uint64
	still       int
	// err is why nothing goes any more.
	err error
	// closing says that the line is to be closed when nothing is pending.
	closing bool
	// sending says that a goroutine is at it.
	sending bool
	// polled says that a Poller reads the line.
	polled bool
}

// NewLine takes over a connection of net/http's for h: top is s, or TLS on it.
// Nothing is read before Start.
func NewLine(c Carrier, top net.Conn, s *Socket, h Handler) (*Line, error) {
	l := &s.line
	l.top, l.sock, l.carrier, l.handler = top, s, c, h
	if err := c.attach(l); err != nil {
		return nil, err
	}
	s.taken.Store(true)
	return l, nil
}

// Start has the handler told what the client says, beginning with what was read
// of that already. It is called once.
func (l *Line) Start(read []byte) {
	if len(read) > 0 {
		l.handler.Receive(read)
	}
	if err := l.carrier.begin(l); err != nil {
		l.gone(err)
	}
}

// Put sends b, or keeps what does not go at once; it never waits. It keeps no
// reference to b. Who puts more while the line is not Clear has memory grow.
func (l *Line) Put(b []byte) error {
	_, err := l.top.Write(b)
	return err
}

// Clear reports whether all that was put has gone.
func (l *Line) Clear() bool { return !l.waits.Load() }

// write sends what comes from above, through TLS or not, or keeps what does not
// go at once.
func (l *Line) write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	done := 0
	if l.direct != nil && len(l.pending) == 0 && l.err == nil {
		done = l.try(b)
	}
	if l.err != nil {
		return done, l.err
	}
	if done < len(b) {
		if len(l.pending) == 0 {
			l.seen, l.still = l.moved, 0
		}
		l.pending = append(l.pending, b[done:]...)
		l.waits.Store(true)
	}
	if l.direct == nil {
		l.sendWaiting()
	}
	return len(b), l.err
}

// try sends as much of b as goes at once, and returns how much that is; l.mu is
// held.
func (l *Line) try(b []byte) (done int) {
	for done < len(b) && l.err == nil {
		n, err := l.direct.tryWrite(b[done:])
		done += n
		if errors.Is(err, errAgain) {
			break
		}
		l.err = err
	}
	l.moved += uint64(done)
	return done
}

// send sends what is pending, as far as it goes; l.mu is held.
func (l *Line) send() {
	if l.direct == nil {
		return // a goroutine is at it
	}
	if len(l.pending) > 0 && l.err == nil {
		l.pending = l.pending[l.try(l.pending):]
	}
	l.settle()
}

// settle says whether something is pending, and holds no memory if not; l.mu is
// held.
func (l *Line) settle() {
	if l.err != nil || len(l.pending) == 0 {
		l.pending = nil
	}
	l.waits.Store(len(l.pending) > 0)
}

// disconnect keeps from writing to a descriptor that is about to be closed, and
// may be another connection's then.
func (l *Line) disconnect() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = net.ErrClosed
	}
	l.settle()
}

// Look is to be called Looks times in a stall timeout while the line is not
// Clear. It sends what there is room for, for which the kernel does not always
// call, and returns ErrStalled once nothing has gone for as long.
func (l *Line) Look() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.direct == nil || l.err != nil {
		return l.err // Socket looks for itself
	}
	l.send()
	if l.still++; l.moved != l.seen {
		l.seen, l.still = l.moved, 0
	}
	if l.still == Looks && l.err == nil {
		l.err = ErrStalled
	}
	return l.err
}

// Close sends what is pending and closes the connection then, in order for TLS,
// after LastWords at the latest. It does not wait for that.
func (l *Line) Close() {
	if t, ok := l.top.(*tls.Conn); ok {
		_ = t.CloseWrite()
	}
	l.ended.Store(true)
	l.mu.Lock()
	l.closing = true
	l.send()
	waits := l.waits.Load()
	l.mu.Unlock()
	if waits {
		time.AfterFunc(LastWords, l.Cut)
		return
	}
	l.Cut()
}

// errEnded is a carrier that takes no more lines.
var errEnded = errors.New("poll: the carrier has ended")

// abandon ends a line whose carrier ends. It tells the handler only where the
// caller is who reads: of goroutines the line's own does when it finds the end,
// and a line that is not started yet says so when it is.
func (l *Line) abandon() {
	l.mu.Lock()
	if l.err == nil {
		l.err = errEnded
	}
	polled := l.polled
	l.mu.Unlock()
	_ = l.sock.Close()
	if polled {
		l.gone(errEnded)
	}
}

// Cut closes the connection at once. It may be called at any time and again.
func (l *Line) Cut() {
	l.ended.Store(true)
	_ = l.sock.Close()
	l.carrier.detach(l) // behind it, for begin comes before or not at all
}

// gone tells the handler that the connection is, unless this side has ended it.
func (l *Line) gone(err error) {
	if l.ended.CompareAndSwap(false, true) {
		l.handler.Gone(err)
	}
}
