package transport

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// response is a ResponseWriter that keeps the slices it is given, as HTTP/2 may
// after a failure.
type response struct {
	http.ResponseWriter
	kept      [][]byte
	deadlines []time.Time
	err       error
	takes     time.Duration
}

func (r *response) Write(b []byte) (int, error) {
	r.kept = append(r.kept, b)
	time.Sleep(r.takes)
	return len(b), r.err
}
func (r *response) FlushError() error { return nil }
func (r *response) SetWriteDeadline(t time.Time) error {
	r.deadlines = append(r.deadlines, t)
	return nil
}

func sinkOn(major int, stall time.Duration) (*bodySink, *response) {
	r := &response{ResponseWriter: httptest.NewRecorder()}
	return newBodySink(r, &http.Request{ProtoMajor: major}, stall), r
}

// TestSinkKeepsNothing: what net/http may still hold after Send is not the
// hub's buffer, which is another client's by then.
func TestSinkKeepsNothing(t *testing.T) {
	s, r := sinkOn(2, time.Second)
	b := bytes.Repeat([]byte("mine "), piece)
	r.err = errors.New("stream reset")
	if err := s.Send(b); !errors.Is(err, r.err) || errors.Is(err, ErrStalled) {
		t.Errorf("Send: %v", err)
	}
	for i := range b {
		b[i] = '!'
	}
	for _, kept := range r.kept {
		if bytes.ContainsRune(kept, '!') {
			t.Fatal("the response holds the buffer that was sent")
		}
	}
}

// TestSinkPieces: an HTTP/2 stream is given at most a piece at a time, with a
// deadline that is lifted afterwards, because it would fire in the pause.
func TestSinkPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := sinkOn(2, time.Minute)
		if err := s.Send(make([]byte, 2*piece+1)); err != nil {
			t.Fatal(err)
		}
		if len(r.kept) != 3 || len(r.kept[0]) != piece {
			t.Errorf("%d pieces", len(r.kept))
		}
		set, last := 0, r.deadlines[len(r.deadlines)-1]
		for _, d := range r.deadlines {
			if d.Equal(time.Now().Add(time.Minute)) {
				set++
			}
		}
		if set != 3 || !last.IsZero() {
			t.Errorf("deadlines %v", r.deadlines)
		}
	})
}

func TestSinkStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := sinkOn(2, time.Minute)
		r.err, r.takes = errors.New("stream closed"), time.Minute
		if err := s.Send([]byte("x")); !errors.Is(err, ErrStalled) {
			t.Errorf("Send: %v", err)
		}
	})
}
