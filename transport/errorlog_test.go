package transport

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
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
