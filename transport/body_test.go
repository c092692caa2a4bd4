package transport

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"everything.local/event"
)

// sent is a body that counts what is taken of it: the client may still be
// reading it when the answer is there.
type sent struct {
	from  io.Reader
	taken atomic.Int64
}

// Read implements io.Reader.
func (s *sent) Read(b []byte) (int, error) {
	n, err := s.from.Read(b)
	s.taken.Add(int64(n))
	return n, err
}

// TestRefusedBodyIsTakenToItsEnd holds that a client which is still sending
// when it is refused gets to read why.
func TestRefusedBodyIsTakenToItsEnd(t *testing.T) {
	cfg := complete(t, ServerConfig{})
	cfg.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		plainError(w, r, event.Errorf(event.TooLarge, "too large"))
	})
	s := NewServer(cfg)
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	running(t, s)
	c := client(t, true)
	for _, tc := range []struct {
		name  string
		size  int
		whole bool
	}{
		{"by mistake", 2 << 20, true},
		{"without end", 4 * discardMost, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			body := &sent{from: bytes.NewReader(make([]byte, tc.size))}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.Addr().String()+"/", io.NopCloser(body))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if text, err := io.ReadAll(answer.Body); string(text) != string(event.TooLarge) || err != nil {
				t.Errorf("answered %q, %v", text, err)
			}
			left := int64(tc.size) - body.taken.Load()
			if whole := left == 0; whole != tc.whole {
				t.Errorf("%d bytes of %d were not taken", left, tc.size)
			}
		})
	}
}
