package main

import (
	"context"
	"crypto/tls"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"everything.local/transport/transporttest"
)

// TestRestartIsNoticed kills the hub under a QUIC connection and starts it
// again. The first packet that the client sends is answered with a stateless
// reset (RFC 9000, section 10.3), by the key of before: it need not wait for
// its idle timeout to know.
func TestRestartIsNoticed(t *testing.T) {
	t.Parallel()
	data, addr := t.TempDir(), transporttest.LastingAddr(t)
	p := start(t, data, "--listen", addr)
	c := &tls.Config{
		RootCAs: pool(t, filepath.Join(tlsDir(data), "ca.pem")), ServerName: "localhost",
		MinVersion: tls.VersionTLS13, NextProtos: []string{http3.NextProtoH3},
	}
	conn, err := quic.DialAddr(t.Context(), addr, c, &quic.Config{EnableDatagrams: true, MaxIdleTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseWithError(0, "") }()
	// Its tokens come with the connection's first ids.
	if _, err := conn.AcceptUniStream(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.kill()
	start(t, data, "--listen", addr)
	// A packet has to be longer than a reset to be answered with one; a
	// heartbeat of 20 bytes is.
	began := time.Now()
	if err := conn.SendDatagram(make([]byte, 20)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-conn.Context().Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the client was not told")
	}
	if err := context.Cause(conn.Context()); !errors.As(err, new(*quic.StatelessResetError)) {
		t.Errorf("the connection ended with %v", err)
	}
	t.Logf("noticed %v after the heartbeat", time.Since(began).Round(time.Millisecond))
}
