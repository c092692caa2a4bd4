package transporttest

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// framed is an HTTP/2 connection on which anything may be said.
type framed struct {
	*http2.Framer
	net.Conn
	head    []byte // of a GET of a feed
	reading sync.WaitGroup
}

// hostile opens one. Read says that what the hub answers is read, and dropped.
func (s *siege) hostile(ctx context.Context, read bool, settings ...http2.Setting) (*framed, error) {
	d := tls.Dialer{Config: &tls.Config{RootCAs: s.target.Roots, ServerName: "localhost", NextProtos: []string{"h2"}}}
	c, err := d.DialContext(ctx, "tcp", s.server.Addr().String())
	if err != nil {
		return nil, err
	}
	f := &framed{Framer: http2.NewFramer(c, c), Conn: c, head: feedHead()}
	// An attacker that the hub has stopped reading from has lost, too.
	_ = c.SetWriteDeadline(time.Now().Add(attackFor))
	if read {
		f.reading.Go(func() { _, _ = io.Copy(io.Discard, c) })
	}
	if _, err = io.WriteString(c, http2.ClientPreface); err == nil {
		err = f.WriteSettings(settings...)
	}
	return f, err
}

// flood takes steps until the hub has had enough.
func (f *framed) flood(steps int, step func(*framed, int) error) {
	for n := range steps {
		if step(f, n) != nil {
			return
		}
	}
}

func (f *framed) end() {
	_ = f.Close() // the hub may have been first
	f.reading.Wait()
}

func feedHead() []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, h := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", "/v1/feed?topics=menu"}} {
		if err := e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1], Sensitive: true}); err != nil { // in no table
			panic(err) // a buffer takes everything
		}
	}
	return b.Bytes()
}

// request sends the head of a request on the nth stream.
func (f *framed) request(n int, ended bool) error {
	return f.WriteHeaders(http2.HeadersFrameParam{StreamID: streamID(n), BlockFragment: f.head, EndHeaders: true, EndStream: ended})
}

func streamID(n int) uint32 { return uint32(2*n + 1) }

// floodsHTTP2 are attacks of so many steps on a connection.
var floodsHTTP2 = map[string]struct {
	steps int
	step  func(f *framed, n int) error
	// deaf attackers read no answers.
	deaf bool
	// blind ones let the hub send nothing on their streams.
	blind bool
}{
	// CVE-2023-44487.
	"rapid reset": {steps: 20_000, step: func(f *framed, n int) error {
		if err := f.request(n, true); err != nil {
			return err
		}
		return f.WriteRSTStream(streamID(n), http2.ErrCodeCancel)
	}},
	"thousands of streams":   {steps: 5_000, step: func(f *framed, n int) error { return f.request(n, true) }},
	"bodies that never come": {steps: 5_000, step: func(f *framed, n int) error { return f.request(n, false) }},
	"pings":                  {steps: 200_000, step: ping},
	"unread pings":           {steps: 200_000, step: ping, deaf: true},
	"settings":               {steps: 100_000, step: func(f *framed, _ int) error { return f.WriteSettings() }},
	"unread settings":        {steps: 100_000, step: func(f *framed, _ int) error { return f.WriteSettings() }, deaf: true},
	"empty data": {steps: 100_000, step: func(f *framed, n int) error {
		if n == 0 {
			return f.request(0, false)
		}
		return f.WriteData(streamID(0), false, nil)
	}},
	// CVE-2023-45288: a header block without an end.
	"continuations": {steps: 5_000, step: func(f *framed, n int) error {
		if n == 0 {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: streamID(0), BlockFragment: f.head})
		}
		return f.WriteContinuation(streamID(0), false, filler)
	}},
	"huge headers": {steps: 200, step: func(f *framed, n int) error {
		err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: streamID(n), BlockFragment: filler})
		for i := 0; err == nil && i < 20; i++ {
			err = f.WriteContinuation(streamID(n), i == 19, filler)
		}
		return err
	}},
	"readers without a window": {steps: 64, step: func(f *framed, n int) error { return f.request(n, true) }, blind: true},
}

// filler is a header field of 16 KiB less a little, not indexed, in no code.
var filler = func() []byte {
	const size = 16<<10 - 100
	b := append([]byte{0x00, 1, 'x'}, hpackLength(size)...)
	return append(b, bytes.Repeat([]byte{'x'}, size)...)
}()

// hpackLength is a string's length (RFC 7541, section 5.1).
func hpackLength(n int) []byte {
	b := []byte{127}
	for n -= 127; n >= 128; n /= 128 {
		b = append(b, byte(n%128+128))
	}
	return append(b, byte(n))
}

func ping(f *framed, n int) error { return f.WritePing(false, [8]byte{byte(n)}) }

// TestFloodHTTP2: the attackers call from where no rate holds them, so that it
// is the protocol's bounds that do.
func TestFloodHTTP2(t *testing.T) {
	const attackers = 4
	for name, flood := range floodsHTTP2 {
		t.Run(name, func(t *testing.T) {
			s := besiege(t, false, setup{})
			s.during(attackers, func(ctx context.Context, _ int) (func(), error) {
				var settings []http2.Setting
				if flood.blind {
					settings = append(settings, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
				}
				f, err := s.hostile(ctx, !flood.deaf, settings...)
				if err != nil {
					return nil, fmt.Errorf("connect: %w", err)
				}
				f.flood(flood.steps, flood.step)
				return f.end, nil
			})
			// 64 streams a connection, of two goroutines at most.
			s.withstood(attackers*64*2+100, 48<<20)
		})
	}
}
