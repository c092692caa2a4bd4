package transporttest

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/event"
	"everything.local/transport"
	"everything.local/transport/ndjson"
)

// slow are clients that say a byte a second, and when the hub loses patience.
var slow = map[string]struct {
	// says is what, after a TLS handshake unless plain.
	says  string
	plain bool
	// within is the hub's bound, of a head and of a whole request.
	within time.Duration
}{
	"TLS handshake": {says: "\x16\x03\x01\x01\x00" + strings.Repeat("\x01", 256), plain: true, within: 10 * time.Second},
	"head":          {says: "GET /v1/feed?topics=menu HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + strings.Repeat("s", 256), within: 10 * time.Second},
	"body":          {says: "POST /v1/feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 256\r\n\r\n" + strings.Repeat("s", 256), within: 30 * time.Second},
	"HTTP/2":        {says: "PRI * HTTP/2.0\r\n", within: 10 * time.Second},
}

// TestSlowloris: hundreds of clients that are about to say something are each
// given the time that a bad line needs, and no more.
func TestSlowloris(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, HTTPWays(ndjson.Wire{}, ReadNDJSON)[0], setup{pipes: true})
		f := newFollower(event.Menu)
		beside := w.follow(w.client(), Ask{Topics: "menu"})
		untilLive(t, beside, f)
		var wg sync.WaitGroup
		const each = 100
		for name, client := range slow {
			for range each {
				wg.Go(func() {
					start := time.Now()
					if err := w.dribble(client.says, client.plain); err == nil {
						t.Errorf("%s: everything was taken", name)
					}
					if took := time.Since(start); took > client.within+2*time.Second {
						t.Errorf("%s: the hub took it for %v", name, took)
					}
				})
			}
		}
		for second := range 40 {
			start := time.Now()
			untilAt(t, beside, f, w.happen(put(event.Menu, "latte", second)))
			if took := time.Since(start); took > time.Second {
				t.Errorf("the feed beside took %v", took)
			}
			time.Sleep(time.Second)
		}
		wg.Wait()
		if n := w.server.Stats().Open; n != 1 {
			t.Errorf("%d connections are open, want the feed's", n)
		}
	})
}

// dribble says a byte a second until the hub hangs up, and returns how it did.
func (w *world) dribble(what string, plain bool) error {
	c, err := w.target.Dial(context.Background(), "tcp", "localhost:443")
	if err != nil {
		w.t.Error(err)
		return err
	}
	defer func() { _ = c.Close() }()
	if !plain {
		over := tls.Client(c, &tls.Config{RootCAs: w.target.Roots, ServerName: "localhost"})
		if err := over.HandshakeContext(context.Background()); err != nil {
			w.t.Error(err)
			return err
		}
		c = over
	}
	var end error
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if _, end = io.Copy(io.Discard, c); end == nil {
			end = io.EOF
		}
	}()
	for i := range len(what) {
		if _, err := io.WriteString(c, what[i:i+1]); err != nil {
			<-gone
			return end
		}
		select {
		case <-gone:
			return end
		case <-time.After(time.Second):
		}
	}
	_ = c.Close()
	<-gone
	return nil
}

// TestTooManyOpen: one address takes as many connections as it may have, says
// nothing on them, and nobody else is in want of one.
func TestTooManyOpen(t *testing.T) {
	s := besiege(t, false, setup{})
	const open = transport.DefaultMaxConnsPerAddress
	const tried = open + 100
	s.during(1, func(ctx context.Context, _ int) (func(), error) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: stranger(0)}}
		var conns []net.Conn
		leave := func() {
			for _, c := range conns {
				_ = c.Close() // the hub may have been first
			}
		}
		for range tried {
			c, err := d.DialContext(ctx, "tcp", s.server.Addr().String())
			if err != nil {
				return leave, err
			}
			conns = append(conns, c)
		}
		return leave, nil
	})
	s.within(settledWithin, func() bool { return s.server.Stats().Refused[transport.TooManyFromAddress] == tried-open },
		func() { t.Errorf("refused %v, want %d", s.server.Stats().Refused, tried-open) })
	// A goroutine for each that is open, one while it shakes hands, and those
	// that are told.
	s.withstood(2*open+200, 48<<20)
}
