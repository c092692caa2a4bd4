package transport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"
)

const (
	// queueMost is how many bytes of a feed lie in QUIC's queue, and have left
	// the flow control of the client, before it is waited for them to leave. They
	// are what a path has to take within a stall timeout, and what a client costs
	// whose path is dead.
	queueMost = 16 << 10
	// queueAtOnce is how many are put there at once: QUIC takes what is queued
	// apart packet by packet, and copies all the rest for each.
	queueAtOnce = 4 << 10
)

// streamOutlet is the Outlet of a feed on a stream of QUIC. Nobody waits to
// write while the client keeps up. Once enough is queued, or the client's windows
// are full, a goroutine waits for the stream to take what comes next: QUIC tells
// nobody else when its queue has gone.
type streamOutlet struct {
	StreamConfig
	session *Session // nil for a refusal
	stall   time.Duration
	// queued is how much may be in QUIC's queue.
	queued int

	mu sync.Mutex
	// writing says that a goroutine is, failed why it could not, and ended why
	// the session is over, "" while it is not.
	writing bool
	failed  error
	ended   Reason
}

// buffers are for what is to be sent, its frame included.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Put implements Outlet.
func (o *streamOutlet) Put(b []byte) error {
	if !o.DataFrames && o.queue(b) {
		return nil
	}
	framed := buffers.Get().(*[]byte)
	*framed = (*framed)[:0]
	if o.DataFrames {
		const dataFrame = 0
		*framed = quicvarint.Append(append(*framed, dataFrame), uint64(len(b)))
	}
	*framed = append(*framed, b...)
	if o.DataFrames && o.queue(*framed) {
		buffers.Put(framed)
		return nil
	}
	if err := context.Cause(o.Stream.Context()); err != nil {
		buffers.Put(framed)
		return err
	}
	o.mu.Lock()
	o.writing = true
	o.mu.Unlock()
	o.queued = 0
	go o.write(framed) // Ended is not called before it is done
	return nil
}

// queue reports whether all of b is queued, which nothing is but all. It is not
// if the stream has ended, either.
func (o *streamOutlet) queue(b []byte) bool {
	if len(b) > queueAtOnce || o.queued+len(b) > queueMost {
		return false
	}
	if o.Limit != nil {
		if n := o.Limit.Take(len(b)); n < len(b) {
			o.Limit.Return(n)
			return false
		}
	}
	if o.Stream.TryWriteAll(b) != nil {
		if o.Limit != nil {
			o.Limit.Return(len(b))
		}
		return false
	}
	o.queued += len(b)
	return true
}

// write waits until the stream has taken b, or fails to within a stall timeout
// for each piece.
func (o *streamOutlet) write(b *[]byte) {
	var err error
	for p := range slices.Chunk(*b, piece) {
		if err = o.writePiece(p); err != nil {
			break
		}
	}
	buffers.Put(b)
	o.mu.Lock()
	o.writing, o.failed = false, err
	ended := o.ended
	o.mu.Unlock()
	switch {
	case ended != "":
		o.finish(ended)
	case err != nil:
		o.session.Leave(lost(err))
	default:
		o.session.Wake()
	}
}

func (o *streamOutlet) writePiece(b []byte) error {
	until := time.Now().Add(o.stall)
	err := o.Stream.SetWriteDeadline(until)
	if err == nil {
		err = o.writeLimited(b, until)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrStalled, err)
	}
	return err
}

func (o *streamOutlet) writeLimited(b []byte, until time.Time) error {
	if o.Limit == nil {
		_, err := o.Stream.Write(b)
		return err
	}
	for {
		n, err := o.Stream.WriteWithLimit(b, o.Limit.Take)
		if b = b[n:]; !errors.Is(err, quic.ErrWriteLimitReached) {
			return err
		}
		if err := o.await(o.Limit.Wait(), until); err != nil {
			return err
		}
	}
}

// await waits for the client to let more be sent.
func (o *streamOutlet) await(raised <-chan struct{}, until time.Time) error {
	patience := time.NewTimer(time.Until(until))
	defer patience.Stop()
	select {
	case <-raised:
		return nil
	case <-o.Stream.Context().Done():
		return context.Cause(o.Stream.Context())
	case <-patience.C:
		return os.ErrDeadlineExceeded
	}
}

// Clear implements Outlet.
func (o *streamOutlet) Clear() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.writing && o.failed == nil
}

// Look implements Outlet: who writes looks for itself.
func (o *streamOutlet) Look() error { return nil }

// End implements Outlet.
func (o *streamOutlet) End(why Reason) {
	if why == ClientGone || why == Stalled {
		o.Stream.CancelWrite(o.code(why)) // whoever writes is done then
	}
	o.mu.Lock()
	o.ended = why
	writing := o.writing
	o.mu.Unlock()
	if !writing {
		o.finish(why)
	}
}

func (o *streamOutlet) code(why Reason) quic.StreamErrorCode {
	if why == Stalled {
		return o.Stalled
	}
	return o.Gone
}

// finish ends the stream when all is said.
func (o *streamOutlet) finish(why Reason) {
	o.mu.Lock()
	failed := o.failed
	o.mu.Unlock()
	switch {
	case why == ClientGone, why == Stalled: // it is reset
	case failed != nil:
		o.Stream.CancelWrite(o.code(lost(failed)))
	default:
		_ = o.Stream.Close() // the last frame says why
	}
	o.Ended()
}
