package transport

import (
	"bytes"
	"context"
	"log"
	"log/slog"
	"slices"
)

// clientFaults are how net/http begins what it says of a client that breaks off
// a handshake, as every browser does that meets a new CA, speaks something else
// than HTTP/2 after agreeing to, breaks its rules, or says that the hub did.
// Anybody on the network can cause as many as they like: they must neither fill
// the disk nor hide what matters.
var clientFaults = [][]byte{
	[]byte("http: TLS handshake error"),
	[]byte("http2: server: error reading preface"),
	[]byte("timeout waiting for SETTINGS frames"),
	[]byte("http2: server connection error from"),
	[]byte("http2: server closing client connection"),
	[]byte("http2: received GOAWAY"),
}

// newErrorLog returns what net/http complains to. What a client did wrong by
// itself is nobody's fault here; anything else is worth a look.
func newErrorLog(l *slog.Logger) *log.Logger {
	return log.New(errorWriter{l}, "", 0)
}

type errorWriter struct{ log *slog.Logger }

// Write implements io.Writer; net/http writes a line at a time.
func (w errorWriter) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if slices.ContainsFunc(clientFaults, func(fault []byte) bool { return bytes.HasPrefix(line, fault) }) {
		level = slog.LevelDebug
	}
	w.log.Log(context.Background(), level, "http server", "error", string(bytes.TrimSpace(line)))
	return len(line), nil
}
