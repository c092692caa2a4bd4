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
		if got := q.stats()[TooFast]; got != 11 {
			t.Errorf("%d are counted as refused, want 11", got)
		}
	})
}

// TestOpenRequestsAreLimitedPerAddress: one address cannot have all the feeds.
func TestOpenRequestsAreLimitedPerAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leave := make(chan struct{})
		q := newRequests(plainError)
		h := q.limit(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-leave }))
		for range DefaultMaxFeeds / 4 {
			go asks(h, 1, "127.0.0.1:1000") // also for a program on this machine
		}
		synctest.Wait()
		_, last := asks(h, 1, "127.0.0.1:1000")
		if last.Body.String() != string(event.Unavailable) || last.Header().Get("Retry-After") == "" || q.stats()[TooManyFromAddress] != 1 {
			t.Errorf("one more is answered %s, Retry-After %q", last.Body, last.Header().Get("Retry-After"))
		}
		go asks(h, 1, "192.0.2.1:1000")
		synctest.Wait()
		close(leave)
		synctest.Wait()
		if n, _ := asks(h, 1, "127.0.0.1:1000"); n > 0 || len(q.open) > 0 {
			t.Errorf("once they have left %d are refused, %v are open", n, q.open)
		}
	})
}

// TestCountRequest: what a session asks for is counted as if it had been asked
// for one by one.
func TestCountRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newRequests(plainError)
		session := func(addr string, ask func(*http.Request)) {
			r := httptest.NewRequest(http.MethodConnect, "/v1/feed", nil)
			r.RemoteAddr = addr
			q.limit(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ask(r) })).ServeHTTP(httptest.NewRecorder(), r)
		}
		session("192.0.2.1:1000", func(r *http.Request) {
			for n := 1; ; n++ { // the session is one, too
				end, err := CountRequest(r)
				if err == nil {
					end()
					continue
				}
				if event.CodeOf(err) != event.TooManyRequests || n != requestsAtOnce {
					t.Errorf("request %d: %v", n, err)
				}
				return
			}
		})
		session("127.0.0.1:1000", func(r *http.Request) {
			for n := 1; ; n++ {
				end, err := CountRequest(r)
				if err == nil {
					defer end()
					continue
				}
				if event.CodeOf(err) != event.Unavailable || n != requestsOpen {
					t.Errorf("open request %d: %v", n, err)
				}
				return
			}
		})
		if len(q.open) > 0 {
			t.Errorf("%v are open when all have ended", q.open)
		}
		if _, err := CountRequest(httptest.NewRequest(http.MethodConnect, "/v1/feed", nil)); err != nil {
			t.Errorf("where nobody counts: %v", err)
		}
	})
}
