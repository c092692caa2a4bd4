package transport

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
)

// streamPair is a stream on loopback, its hub's end and its client's. The client
// has a window of 8 KiB.
func streamPair(t *testing.T) (hub, client *quic.Stream) {
	t.Helper()
	c := complete(t, ServerConfig{}).TLS.Clone()
	c.NextProtos = []string{http3.NextProtoH3}
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := quic.Listen(socket, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	const window = 8 << 10
	dialled, err := quic.DialAddr(t.Context(), ln.Addr().String(),
		&tls.Config{InsecureSkipVerify: true, NextProtos: c.NextProtos},
		&quic.Config{InitialStreamReceiveWindow: window, MaxStreamReceiveWindow: window})
	if err != nil {
		t.Fatal(err)
	}
	if client, err = dialled.OpenStream(); err == nil {
		_, err = client.Write([]byte("hello"))
	}
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := ln.Accept(t.Context())
	if err == nil {
		hub, err = accepted.AcceptStream(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = dialled.CloseWithError(0, "")
		_ = accepted.CloseWithError(0, "")
		_ = ln.Close()
		_ = socket.Close()
	})
	return hub, client
}

// grudging is a Limit that is raised by little when somebody waits.
type grudging struct {
	mu   sync.Mutex
	left int
}

// Take implements Limit.
func (g *grudging) Take(n int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n = min(n, g.left)
	g.left -= n
	return n
}

// Return implements Limit.
func (g *grudging) Return(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left += n
}

// Wait implements Limit.
func (g *grudging) Wait() <-chan struct{} {
	g.Return(700)
	now := make(chan struct{})
	close(now)
	return now
}

// outletOn returns an outlet, what wakes its session, and what is closed when it
// is done with.
func outletOn(stream *quic.Stream, stall time.Duration) (*streamOutlet, bell, <-chan struct{}) {
	woken, ended := make(bell, 1), make(chan struct{})
	o := &streamOutlet{session: &Session{server: woken}, stall: stall, StreamConfig: StreamConfig{
		Stream: stream, Gone: 1, Stalled: 2, Ended: func() { close(ended) },
	}}
	return o, woken, ended
}

// putAll puts chunks as a worker does.
func putAll(t *testing.T, o *streamOutlet, woken bell, chunks [][]byte) {
	t.Helper()
	for _, b := range chunks {
		for !o.Clear() {
			<-woken
			o.session.woken.Store(false)
		}
		if err := o.Put(b); err != nil {
			t.Error(err)
			break
		}
		clear(b) // the outlet keeps none of it
	}
	o.End(Drained)
}

// chunksOf are chunks of sizes around all that matters to an outlet, and all of
// them in one.
func chunksOf(n int) (chunks [][]byte, all []byte) {
	sizes := []int{1, 200, 1400, 1500, queueAtOnce, queueAtOnce + 1, queueMost, queueMost + 1, 40_000}
	for i := range n {
		b := bytes.Repeat([]byte{byte(i)}, 1+rand.IntN(sizes[rand.IntN(len(sizes))]))
		chunks, all = append(chunks, b), append(all, b...)
	}
	return chunks, all
}

// dataFrames returns what frames of HTTP/3 hold.
func dataFrames(r io.Reader) (all []byte, err error) {
	v := quicvarint.NewReader(r)
	for {
		typ, err := quicvarint.Read(v)
		if err != nil {
			return all, err
		}
		n, err := quicvarint.Read(v)
		if err != nil || typ != 0 {
			return all, fmt.Errorf("a frame of type %d: %w", typ, err)
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(v, body); err != nil {
			return all, err
		}
		all = append(all, body...)
	}
}

// TestStreamOutlet: a client gets what is put, all of it and in order, however
// it is cut and whatever is in its way, and then the end.
func TestStreamOutlet(t *testing.T) {
	for _, framed := range []bool{false, true} {
		for _, limited := range []bool{false, true} {
			t.Run(fmt.Sprintf("frames=%v limit=%v", framed, limited), func(t *testing.T) {
				hub, client := streamPair(t)
				o, woken, ended := outletOn(hub, time.Minute)
				o.DataFrames = framed
				if limited {
					o.Limit = new(grudging)
				}
				chunks, want := chunksOf(100)
				go putAll(t, o, woken, chunks) // ends with ended
				var got []byte
				var err error
				if framed {
					got, err = dataFrames(client)
				} else {
					got, err = io.ReadAll(client)
				}
				if err != nil && !errors.Is(err, io.EOF) || !bytes.Equal(got, want) {
					t.Errorf("got %d bytes of %d, %v", len(got), len(want), err)
				}
				<-ended
			})
		}
	}
}

// outcome waits until the outlet has said why the client is left.
func outcome(o *streamOutlet, woken bell) Reason {
	for {
		if why := o.session.place.left.Load(); why != nil {
			return *why
		}
		<-woken
		o.session.woken.Store(false)
	}
}

// TestStreamOutletStalls: a client that takes nothing is found out in a stall
// timeout, nothing more is put then, and its stream is reset.
func TestStreamOutletStalls(t *testing.T) {
	hub, client := streamPair(t)
	const stall = time.Second / 10
	o, woken, ended := outletOn(hub, stall)
	start := time.Now()
	if err := o.Put(make([]byte, 100_000)); err != nil {
		t.Fatal(err)
	}
	if why := outcome(o, woken); why != Stalled || o.Clear() {
		t.Errorf("it is %s, and clear: %v", why, o.Clear())
	}
	if took := time.Since(start); took < stall {
		t.Errorf("it was found out after %v", took)
	}
	o.End(Stalled)
	<-ended
	_, err := io.Copy(io.Discard, client)
	if e, ok := errors.AsType[*quic.StreamError](err); !ok || e.ErrorCode != 2 {
		t.Errorf("the stream ended with %v", err)
	}
}

// TestStreamOutletLeft: a client that stops listening is gone, also while it is
// waited for.
func TestStreamOutletLeft(t *testing.T) {
	hub, client := streamPair(t)
	o, woken, ended := outletOn(hub, time.Minute)
	if err := o.Put(make([]byte, 100_000)); err != nil {
		t.Fatal(err)
	}
	client.CancelRead(0)
	if why := outcome(o, woken); why != ClientGone {
		t.Errorf("it is %s", why)
	}
	o.End(ClientGone)
	<-ended

	o, _, ended = outletOn(hub, time.Minute)
	if o.Put(make([]byte, 1000)) == nil {
		t.Error("something is put for a client that has gone")
	}
	o.End(ClientGone)
	<-ended
}
