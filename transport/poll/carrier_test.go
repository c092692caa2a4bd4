package poll

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// carriers are those that this system has, by name.
func carriers(t *testing.T) map[string]runner {
	all := map[string]runner{"goroutines": new(Goroutines)}
	if runtime.GOOS == "linux" {
		p, err := NewPoller()
		if err != nil {
			t.Fatal(err)
		}
		all["poller"] = p
	}
	return all
}

type runner interface {
	Carrier
	Run(context.Context) error
	Idle(context.Context) error
	Open() int
}

// teller is a Handler that tells what it is told. Its channels have room for
// all that a test lets happen.
type teller struct {
	heard chan string
	sent  chan struct{}
	gone  chan error
}

func newTeller() *teller {
	return &teller{make(chan string, 64), make(chan struct{}, 64), make(chan error, 64)}
}

func (h *teller) Receive(b []byte) { h.heard <- string(b) }
func (h *teller) Sent()            { h.sent <- struct{}{} }
func (h *teller) Gone(err error)   { h.gone <- err }

// within waits for what should come soon.
func within[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s did not come", what)
	}
	return v
}

// place is a carrier that runs, and what connects to it.
type place struct {
	t       *testing.T
	carrier runner
	ln      net.Listener
	// end ends the carrier, and waits for it.
	end func()
}

// onCarriers runs a test on each carrier.
func onCarriers(t *testing.T, test func(*testing.T, *place)) {
	for name, c := range carriers(t) {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- c.Run(ctx) }()
			p := &place{t: t, carrier: c, ln: ln}
			over := false
			p.end = func() {
				if over {
					return
				}
				over = true
				cancel()
				if err := within(t, ended, "the carrier's end"); err != nil {
					t.Error(err)
				}
			}
			t.Cleanup(func() { p.end(); _ = ln.Close() })
			test(t, p)
		})
	}
}

const testTimeout = time.Second

// connect returns a client and the line that it is connected to.
func (p *place) connect(h Handler) (*net.TCPConn, *Line) {
	p.t.Helper()
	client := p.dial()
	return client, p.accept(h)
}

func (p *place) dial() *net.TCPConn {
	p.t.Helper()
	client, err := net.Dial("tcp", p.ln.Addr().String())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = client.Close() })
	return client.(*net.TCPConn)
}

func (p *place) accept(h Handler) *Line {
	p.t.Helper()
	c, err := p.ln.Accept()
	if err != nil {
		p.t.Fatal(err)
	}
	s := new(Socket)
	s.Init(c, testTimeout, func() {})
	l, err := NewLine(p.carrier, s, s, h)
	if err != nil {
		p.t.Fatal(err)
	}
	return l
}

// TestLine: what each side says reaches the other, also what was said before the
// line began, and the end.
func TestLine(t *testing.T) {
	onCarriers(t, func(t *testing.T, p *place) {
		h := newTeller()
		client, l := p.connect(h)
		if err := l.Put([]byte("welcome")); err != nil {
			t.Fatal(err)
		}
		l.Start([]byte("early"))
		got := make([]byte, len("welcome"))
		if _, err := io.ReadFull(client, got); err != nil || string(got) != "welcome" {
			t.Fatalf("got %q, %v", got, err)
		}
		if got := within(t, h.heard, "what was said early"); got != "early" {
			t.Errorf("heard %q", got)
		}
		_, _ = client.Write([]byte("late"))
		if got := within(t, h.heard, "what was said late"); got != "late" {
			t.Errorf("heard %q", got)
		}
		_ = client.CloseWrite()
		if err := within(t, h.gone, "the end"); !errors.Is(err, io.EOF) {
			t.Errorf("gone: %v, want EOF", err)
		}
		if p.carrier.Open() != 1 {
			t.Error("the line ended before its handler ended it")
		}
		l.Close()
		if _, err := client.Read(got); !errors.Is(err, io.EOF) {
			t.Errorf("the client got %v, want EOF", err)
		}
		if err := p.carrier.Idle(t.Context()); err != nil || p.carrier.Open() != 0 {
			t.Errorf("idle: %v, %d open", err, p.carrier.Open())
		}
		if err := l.Put([]byte("x")); err == nil {
			t.Error("a closed line takes bytes")
		}
	})
}

// much is more than sockets hold.
var much = bytes.Repeat([]byte("0123456789abcdef"), 1<<20)

// TestSlowReader: what a client does not take at once is kept, the handler is
// told when it has gone, and closing waits for that.
func TestSlowReader(t *testing.T) {
	onCarriers(t, func(t *testing.T, p *place) {
		h := newTeller()
		client, l := p.connect(h)
		l.Start(nil)
		if err := l.Put(much); err != nil {
			t.Fatal(err)
		}
		if l.Clear() {
			t.Fatal("clear, and nobody has read 16 MiB")
		}
		if _, err := io.CopyN(io.Discard, client, int64(len(much))); err != nil {
			t.Fatal(err)
		}
		within(t, h.sent, "the word that it has gone")
		if !l.Clear() {
			t.Error("not clear when all has gone")
		}
		if err := l.Put(much); err != nil {
			t.Fatal(err)
		}
		l.Close()
		if n, err := io.Copy(io.Discard, client); n != int64(len(much)) || err != nil {
			t.Errorf("%d bytes came before the end, %v", n, err)
		}
	})
}

// TestStalled: a client that takes nothing is found so, and one that takes a
// little is not.
func TestStalled(t *testing.T) {
	onCarriers(t, func(t *testing.T, p *place) {
		h := newTeller()
		client, l := p.connect(h)
		l.Start(nil)
		if err := l.Put(much); err != nil {
			t.Fatal(err)
		}
		tick := time.NewTicker(testTimeout / Looks)
		defer tick.Stop()
		for i := range 2 * Looks {
			<-tick.C
			_, _ = io.CopyN(io.Discard, client, 1<<20)
			if err := l.Look(); err != nil {
				t.Fatalf("look %d: %v", i, err)
			}
		}
		looks := 0
		for err := l.Look(); !errors.Is(err, ErrStalled); err = l.Look() {
			<-tick.C
			if looks++; looks > 3*Looks {
				t.Fatalf("after %d looks: %v", looks, err)
			}
		}
		if looks < Looks-1 {
			t.Errorf("stalled after %d looks", looks)
		}
		l.Cut()
	})
}

// TestReset: a connection that breaks is told of once.
func TestReset(t *testing.T) {
	onCarriers(t, func(t *testing.T, p *place) {
		h := newTeller()
		client, l := p.connect(h)
		l.Start(nil)
		_ = client.SetLinger(0) // closing resets
		_ = client.Close()
		if err := within(t, h.gone, "the reset"); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("gone: %v", err)
		}
		l.Cut()
		l.Cut()
		p.end()
		if len(h.gone) > 0 {
			t.Errorf("gone again: %v", <-h.gone)
		}
	})
}

// TestCarrierEnds: lines that are left are cut and their handlers told, and no
// more is taken over.
func TestCarrierEnds(t *testing.T) {
	onCarriers(t, func(t *testing.T, p *place) {
		h := newTeller()
		client, l := p.connect(h)
		l.Start(nil)
		p.end()
		if err := within(t, h.gone, "the end"); !errors.Is(err, errEnded) && !errors.Is(err, net.ErrClosed) {
			t.Errorf("gone: %v", err)
		}
		_ = client.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := client.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the client got %v", err)
		}
		s := new(Socket)
		s.Init(client, testTimeout, func() {})
		if _, err := NewLine(p.carrier, s, s, h); !errors.Is(err, errEnded) {
			t.Errorf("a carrier that has ended says %v", err)
		}
	})
}

// TestCutBeforeStart: a line that was cut before it was started is not read, nor
// is who has its descriptor then.
func TestCutBeforeStart(t *testing.T) {
	onCarriers(t, func(t *testing.T, p *place) {
		for range 20 {
			_, l := p.connect(newTeller())
			client, h := p.dial(), newTeller()
			l.Cut()
			next := p.accept(h) // on the descriptor that was freed
			l.Start(nil)
			next.Start(nil)
			if _, err := client.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
			select {
			case <-h.heard:
			case err := <-h.gone:
				t.Fatalf("gone: %v", err)
			}
			next.Cut()
		}
		if n := p.carrier.Open(); n != 0 {
			t.Errorf("%d lines are open", n)
		}
	})
}

// counter is a Handler that guards nothing.
type counter struct {
	told int
	gone bool
}

func (h *counter) Receive([]byte) { h.told++ }
func (h *counter) Sent()          {}
func (h *counter) Gone(error)     { h.told, h.gone = h.told+1, true }

// TestToldByOne: what the client says and the end are told by one goroutine at a
// time, also when the carrier ends meanwhile. The race detector finds it if not,
// on pipes, where no lock of a socket hides it.
func TestToldByOne(t *testing.T) {
	g, h := new(Goroutines), new(counter)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	server, client := net.Pipe()
	s := new(Socket)
	s.Init(server, testTimeout, func() {})
	l, err := NewLine(g, s, s, h)
	if err != nil {
		t.Fatal(err)
	}
	l.Start(nil)
	if _, err := client.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := within(t, ended, "the carrier's end"); err != nil {
		t.Error(err)
	}
	if !h.gone || h.told != 2 {
		t.Errorf("told %d times, of the end: %t", h.told, h.gone)
	}
}
