package transport

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/event"
)

// asks sends n requests from addr to h and counts those that are refused.
func asks(h http.Handler, n int, addr string) (refused int, last *httptest.ResponseRecorder) {
	for range n {
		r := httptest.NewRequest(http.MethodGet, "/v1/menu", nil)
		r.RemoteAddr = addr
		last = httptest.NewRecorder()
		h.ServeHTTP(last, r)
		if last.Code != http.StatusOK {
			refused++
		}
	}
	return refused, last
}

func TestRequestsAreLimitedPerAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newRequests(plainError)
		h := q.limit(answer("hub"))
		if n, _ := asks(h, requestsAtOnce, "192.0.2.1:1000"); n > 0 {
			t.Fatalf("%d of a café's requests are refused", n)
		}
		n, last := asks(h, 10, "192.0.2.1:2000")
		if n != 10 || last.Body.String() != string(event.TooManyRequests) || last.Header().Get("Retry-After") != "1" {
			t.Errorf("%d of 10 are refused, with %s and Retry-After %q", n, last.Body, last.Header().Get("Retry-After"))
		}
		if n, _ := asks(h, 10, "192.0.2.2:1000"); n > 0 {
			t.Errorf("%d of a neighbour's requests are refused", n)
		}
		if n, _ := asks(h, 3*requestsAtOnce, "127.0.0.1:1000"); n > 0 {
			t.Errorf("%d requests of a program on this machine are refused", n)
		}
		time.Sleep(time.Second)
		if n, _ := asks(h, requestsPerSecond+1, "192.0.2.1:1000"); n != 1 {
			t.Errorf("a second later %d of %d are refused, want 1", n, requestsPerSecond+1)
		}
		if got := q.refused.Load(); got != 11 {
			t.Errorf("%d are counted as refused, want 11", got)
		}
	})
}

// TestCountRequest: what a session asks for is counted as if it had been asked
// for one by one.
func TestCountRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var faults int
		h := newRequests(plainError).limit(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			for range requestsAtOnce {
				if err := CountRequest(r); event.CodeOf(err) == event.TooManyRequests {
					faults++
				} else if err != nil {
					t.Fatal(err)
				}
			}
		}))
		r := httptest.NewRequest(http.MethodConnect, "/v1/feed", nil)
		h.ServeHTTP(httptest.NewRecorder(), r)
		if faults != 1 {
			t.Errorf("%d of %d are refused, want 1: the request itself counts", faults, requestsAtOnce)
		}
		if err := CountRequest(httptest.NewRequest(http.MethodConnect, "/v1/feed", nil)); err != nil {
			t.Errorf("where nobody counts: %v", err)
		}
	})
}
