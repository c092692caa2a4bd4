package poll

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

const testStall = 20 * time.Second

// pipeSocket returns a Socket and the client's end of it.
func pipeSocket(t *testing.T) (s *Socket, client net.Conn, released *int) {
	t.Helper()
	server, client := net.Pipe()
	released = new(int)
	s = new(Socket)
	s.Init(server, testStall, func() { *released++ })
	t.Cleanup(func() { _ = errors.Join(s.Close(), client.Close()) })
	return s, client, released
}

// TestSocketSlow: a byte every now and then is enough, for ever.
func TestSocketSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, client, _ := pipeSocket(t)
		go func() {
			for range 10 {
				time.Sleep(testStall * 9 / 10)
				_, _ = client.Read(make([]byte, 1))
			}
			_, _ = io.Copy(io.Discard, client)
		}()
		start := time.Now()
		if n, err := c.Write(make([]byte, 100)); n != 100 || err != nil {
			t.Errorf("Write: %d, %v", n, err)
		}
		if took := time.Since(start); took < 9*testStall {
			t.Errorf("took %v: not slow", took)
		}
		_ = client.Close()
	})
}

func TestSocketStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, client, _ := pipeSocket(t)
		go func() { _, _ = client.Read(make([]byte, 30)) }()
		start := time.Now()
		n, err := c.Write(make([]byte, 100))
		if n != 30 || !errors.Is(err, ErrStalled) || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write: %d, %v, want 30 and ErrStalled", n, err)
		}
		if took := time.Since(start); took < testStall || took > testStall*5/4 {
			t.Errorf("took %v, want %v to a quarter more", took, testStall)
		}
	})
}

// TestSocketDeadline: one set from above holds, also when it is set while a write
// is under way, and lifting it lifts it.
func TestSocketDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, _ := pipeSocket(t)
		start := time.Now()
		_ = c.SetDeadline(start.Add(time.Second))
		if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, ErrStalled) || time.Since(start) != time.Second {
			t.Errorf("with a deadline of 1 s: %v after %v", err, time.Since(start))
		}
		_ = c.SetWriteDeadline(time.Time{})
		time.AfterFunc(2*time.Second, func() { _ = c.SetWriteDeadline(time.Now()) })
		start = time.Now()
		if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, ErrStalled) || time.Since(start) != 2*time.Second {
			t.Errorf("with a deadline set meanwhile: %v after %v", err, time.Since(start))
		}
		_ = c.SetWriteDeadline(time.Time{})
		if _, err := c.Write([]byte("x")); !errors.Is(err, ErrStalled) {
			t.Errorf("with no deadline: %v", err)
		}
	})
}

func TestSocketReleasesOnce(t *testing.T) {
	c, _, released := pipeSocket(t)
	_, _ = c.Close(), c.Close()
	if *released != 1 {
		t.Errorf("released %d times", *released)
	}
}
