package transport

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/http2"
)

func TestErrorLog(t *testing.T) {
	var out bytes.Buffer
	l := newErrorLog(slog.New(slog.NewTextHandler(&out, nil)))
	l.Printf("http: TLS handshake error from 192.0.2.1:4711: remote error: tls: unknown certificate")
	l.Printf("http2: server: error reading preface from client 192.0.2.1:4711: bogus greeting %q", "GET / HTTP/1.1")
	l.Printf("timeout waiting for SETTINGS frames from 192.0.2.1:4711")
	if out.Len() > 0 {
		t.Errorf("what a client does to itself is worth a line: %s", out.String())
	}
	l.Printf("http: panic serving 192.0.2.1:4711: boom")
	if got := out.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "boom") {
		t.Errorf("a panic is logged as %q", got)
	}
}

// logged is a log that may be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// TestHTTP2FaultsAreNoWarnings: clients break HTTP/2 and leave in anger, with
// words of their own, and the log stays as it is.
func TestHTTP2FaultsAreNoWarnings(t *testing.T) {
	var out logged
	s := serving(t, ServerConfig{Logger: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	for name, fault := range map[string]func(*http2.Framer) error{
		"reset of an idle stream": func(f *http2.Framer) error { return f.WriteRSTStream(1, http2.ErrCodeCancel) },
		"goaway":                  func(f *http2.Framer) error { return f.WriteGoAway(0, http2.ErrCodeInternal, []byte("spam")) },
	} {
		c, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		if err != nil {
			t.Fatal(err)
		}
		f := http2.NewFramer(c, c)
		_, err = io.WriteString(c, http2.ClientPreface)
		if err == nil {
			err = f.WriteSettings()
		}
		if err == nil {
			err = fault(f)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, _ = io.Copy(io.Discard, c) // until the hub hangs up
		_ = c.Close()
	}
	out.mu.Lock()
	defer out.mu.Unlock()
	if out.b.Len() > 0 {
		t.Errorf("logged:\n%s", out.b.String())
	}
}
