package transport

import (
	"bytes"
	"context"
	"log"
	"log/slog"
)

// newErrorLog returns what net/http complains to. A client that breaks off a
// handshake, as every browser does that meets a new CA, is nobody's fault;
// anything else is worth a look.
func newErrorLog(l *slog.Logger) *log.Logger {
	return log.New(errorWriter{l}, "", 0)
}

type errorWriter struct{ log *slog.Logger }

// Write implements io.Writer; net/http writes a line at a time.
func (w errorWriter) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if bytes.HasPrefix(line, []byte("http: TLS handshake error")) {
		level = slog.LevelDebug
	}
	w.log.Log(context.Background(), level, "http server", "error", string(bytes.TrimSpace(line)))
	return len(line), nil
}
