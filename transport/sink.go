package transport

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// piece is how many bytes a stream of HTTP/2 or QUIC must take within a stall
// timeout. Within a piece nothing shows progress, because a stream waits for
// window updates, which clients send for 4 KiB and more. On HTTP/1.1 it is a
// matter of the connection, see conn.
const piece = 4 << 10

// bodySink is the Sink of feeds that are the body of an HTTP response.
type bodySink struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	stall time.Duration
	// copied holds the piece that an HTTP/2 stream is sending; nil on HTTP/1.1.
	// Net/http may still be at it when a write has failed because the stream
	// was reset, and by then the hub's buffer holds another client's frames.
	copied []byte
	// opened says that the response's head is sent.
	opened bool
}

func newBodySink(w http.ResponseWriter, r *http.Request, stall time.Duration) *bodySink {
	s := &bodySink{w: w, rc: http.NewResponseController(w), stall: stall}
	if r.ProtoMajor > 1 {
		s.copied = make([]byte, 0, 512) // most of what is sent live is less
	}
	return s
}

// open sends the response's head, so that a client knows where it is also when
// there is nothing to send yet. The server's timeout is for answers that have
// an end; a feed has a measure of its own for clients that take nothing.
func (s *bodySink) open() error {
	s.opened = true
	if err := s.rc.SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("transport: lift the write deadline: %w", err)
	}
	return s.rc.Flush()
}

// Send implements Sink.
func (s *bodySink) Send(b []byte) error {
	if !s.opened {
		if err := s.open(); err != nil {
			return err
		}
	}
	if s.copied == nil {
		return s.write(b)
	}
	for p := range slices.Chunk(b, piece) {
		if err := s.sendPiece(p); err != nil {
			return err
		}
	}
	return nil
}

// sendPiece sends a piece on an HTTP/2 stream with a deadline of its own.
func (s *bodySink) sendPiece(b []byte) error {
	s.copied = append(s.copied[:0], b...)
	start := time.Now()
	err := s.rc.SetWriteDeadline(start.Add(s.stall))
	if err == nil {
		err = s.write(s.copied)
	}
	if err == nil {
		// A stream is reset when its deadline passes, also while nothing is
		// being written.
		err = s.rc.SetWriteDeadline(time.Time{})
	}
	if err != nil && time.Since(start) >= s.stall {
		return fmt.Errorf("%w: %w", ErrStalled, err) // net/http says only that the stream is closed
	}
	return err
}

func (s *bodySink) write(b []byte) error {
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	return s.rc.Flush()
}
