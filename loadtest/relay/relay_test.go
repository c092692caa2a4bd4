package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
)

// soon is when a datagram over loopback has come, late when it will not come any
// more.
const (
	soon = 5 * time.Second
	late = 100 * time.Millisecond
)

// echo is a hub that sends back what it is sent, and says from where it came.
type echo struct {
	at   netip.AddrPort
	from chan netip.AddrPort
}

func newEcho(t *testing.T) *echo {
	t.Helper()
	s, err := Listen(netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = s.UDP.Close(), s.TCP.Close() })
	e := &echo{s.UDP.LocalAddr().(*net.UDPAddr).AddrPort(), make(chan netip.AddrPort, 100)}
	go func() { // ends with its socket
		b := make([]byte, maxDatagram)
		for {
			n, from, err := s.UDP.ReadFromUDPAddrPort(b)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			e.from <- from
			_, _ = s.UDP.WriteToUDPAddrPort(b[:n], from)
		}
	}()
	go func() { // ends with its listener
		for {
			c, err := s.TCP.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	return e
}

// open runs a relay before an echo, and returns a client's socket to it.
func open(t *testing.T, c Config) (*Relay, *net.UDPConn) {
	t.Helper()
	var err error
	if c.Listen, err = Listen(netip.MustParseAddr("127.0.0.1")); err != nil {
		t.Fatal(err)
	}
	r := New(c)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	client, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(r.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return r, client
}

// passes sends a datagram and reports whether it comes back.
func passes(t *testing.T, client *net.UDPConn, within time.Duration) bool {
	t.Helper()
	what, b := []byte(time.Now().String()), make([]byte, maxDatagram)
	if _, err := client.Write(what); err != nil {
		t.Fatal(err)
	}
	if err := client.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	for {
		n, err := client.Read(b)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return false
		case err != nil:
			t.Fatal(err)
		case bytes.Equal(b[:n], what):
			return true
		}
	}
}

// TestRebind holds that a client has another address then, and that the old one
// leads nowhere.
func TestRebind(t *testing.T) {
	t.Parallel()
	e := newEcho(t)
	r, client := open(t, Config{To: e.at})
	for range 2 {
		if !passes(t, client, soon) {
			t.Fatal("a datagram got lost")
		}
	}
	first := <-e.from
	if again := <-e.from; again != first {
		t.Errorf("one client came from %s and %s", first, again)
	}
	r.Rebind()
	if !passes(t, client, soon) {
		t.Fatal("a datagram got lost")
	}
	if second := <-e.from; second == first {
		t.Error("the address is as before")
	}
	if c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(first)); err != nil {
		t.Errorf("the old address is still in use: %v", err)
	} else {
		_ = c.Close()
	}
}

// TestVia holds what the hub sees.
func TestVia(t *testing.T) {
	t.Parallel()
	e := newEcho(t)
	_, client := open(t, Config{To: e.at, Via: func(netip.Addr) netip.Addr { return netip.MustParseAddr("127.78.0.1") }})
	if !passes(t, client, soon) {
		t.Fatal("a datagram got lost")
	}
	if from := <-e.from; from.Addr().Unmap() != netip.MustParseAddr("127.78.0.1") {
		t.Errorf("the hub sees %s", from)
	}
}

// TestWeather holds what happens to datagrams.
func TestWeather(t *testing.T) {
	t.Parallel()
	e := newEcho(t)
	r, client := open(t, Config{To: e.at})
	r.SetWeather(Weather{Blocked: true})
	if passes(t, client, late) {
		t.Error("passed although blocked")
	}
	r.SetWeather(Weather{})
	r.Darken(netip.MustParseAddr("127.0.0.1"))
	if passes(t, client, late) {
		t.Error("passed in the dark")
	}
	r.Darken(netip.Addr{})
	r.SetWeather(Weather{Delay: 50 * time.Millisecond})
	began := time.Now()
	if !passes(t, client, soon) || time.Since(began) < 100*time.Millisecond {
		t.Errorf("came back after %v", time.Since(began))
	}
}

// TestFate holds the odds.
func TestFate(t *testing.T) {
	t.Parallel()
	w := Weather{Loss: 0.5, Delay: time.Second, Jitter: time.Second}
	lost := 0
	const tries = 10_000
	for range tries {
		after, arrives := w.fate()
		if !arrives {
			lost++
		} else if after < time.Second || after >= 2*time.Second {
			t.Fatalf("after %v", after)
		}
	}
	if lost < tries*45/100 || lost > tries*55/100 { // ten standard deviations
		t.Errorf("%d of %d lost", lost, tries)
	}
}

// TestTCP holds that bytes pass, are held in the dark, and are cut when blocked.
func TestTCP(t *testing.T) {
	t.Parallel()
	e := newEcho(t)
	r, _ := open(t, Config{To: e.at})
	line, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	say := func(within time.Duration) error {
		if _, err := line.Write([]byte("x")); err != nil {
			return err
		}
		if err := line.SetReadDeadline(time.Now().Add(within)); err != nil {
			return err
		}
		_, err := line.Read(make([]byte, 1))
		return err
	}
	if err := say(soon); err != nil {
		t.Fatal(err)
	}
	r.Darken(netip.MustParseAddr("127.0.0.1"))
	if err := say(late); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("in the dark: %v", err)
	}
	r.Darken(netip.Addr{})
	if err := say(soon); err != nil {
		t.Error(err)
	}
	r.BlockTCP(true)
	for err = say(soon); err == nil; err = say(soon) { // what was held comes first
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("not cut")
	}
	if c, err := net.Dial("tcp", r.Addr().String()); err == nil {
		_ = c.SetReadDeadline(time.Now().Add(soon))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a new line is not cut: %v", err)
		}
		_ = c.Close()
	}
}
