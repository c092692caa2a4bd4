package poll

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Looks is how often within a stall timeout it is looked whether bytes have
// moved: a client is given up after one timeout to one and a quarter.
const Looks = 4

// ErrStalled is a client that has taken no byte for the stall timeout.
var ErrStalled = errors.New("poll: the client takes no bytes")

// Socket is an accepted connection. Until a Line takes it over, its Write waits
// for as long as bytes move, however few, and fails with ErrStalled when none
// has for the stall timeout. It sits below TLS, because a TLS connection is lost
// with the first write that fails.
type Socket struct {
	net.Conn
	stall time.Duration

	// closed is called by the first Close.
	closed func()
	once   sync.Once

	// taken says that it is a line from now on. That lies here, for both are
	// looked at with every write.
	taken atomic.Bool
	line  Line

	mu sync.Mutex
	// deadline is the one set from above, which Write keeps to.
	deadline time.Time
}

// Init makes s the socket of c. Closed is called once, when it is closed. Nothing
// else is called before.
func (s *Socket) Init(c net.Conn, stall time.Duration, closed func()) {
	s.Conn, s.stall, s.closed = c, stall, closed
}

// Read implements net.Conn.
func (s *Socket) Read(b []byte) (int, error) {
	if s.taken.Load() {
		return s.line.read(b)
	}
	return s.Conn.Read(b)
}

// Write implements net.Conn.
func (s *Socket) Write(b []byte) (int, error) {
	if s.taken.Load() {
		return s.line.write(b)
	}
	return s.waitingWrite(b)
}

// waitingWrite returns when b is written, the client stalled or the deadline
// has passed.
func (s *Socket) waitingWrite(b []byte) (int, error) {
	done, still := 0, 0
	for {
		if err := s.nextLook(); err != nil {
			return done, err
		}
		n, err := s.Conn.Write(b[done:])
		done += n
		if !errors.Is(err, os.ErrDeadlineExceeded) || s.late() {
			return done, err
		}
		if still++; n > 0 {
			still = 0
		}
		if still == Looks {
			return done, fmt.Errorf("%w: %w", ErrStalled, err)
		}
	}
}

// nextLook bounds the next attempt to write.
func (s *Socket) nextLook() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	look := time.Now().Add(s.stall / Looks)
	if !s.deadline.IsZero() && s.deadline.Before(look) {
		look = s.deadline
	}
	return s.Conn.SetWriteDeadline(look)
}

// late reports whether the deadline set from above has passed.
func (s *Socket) late() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.deadline.IsZero() && !time.Now().Before(s.deadline)
}

// SetWriteDeadline implements net.Conn. A line has none, for its writes do not
// wait.
func (s *Socket) SetWriteDeadline(t time.Time) error {
	if s.taken.Load() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	if t.IsZero() {
		return nil // a write in progress keeps its look
	}
	return s.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (s *Socket) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// Close implements net.Conn.
func (s *Socket) Close() error {
	s.once.Do(s.closed)
	s.line.disconnect()
	return s.Conn.Close()
}
