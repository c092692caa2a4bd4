package transport

import (
	"net/http"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// Extension is a protocol that shares QUIC connections with HTTP/3, as
// WebTransport does. Its sessions are opened by requests, and its streams are
// told from those of HTTP/3 by the number that they begin with.
type Extension interface {
	// Attach is called once, before the first connection, with the server that
	// answers requests: its settings are the extension's to add to.
	Attach(*http3.Server)
	// StreamTypes are the numbers that its bidirectional and its unidirectional
	// streams begin with.
	StreamTypes() (bidi, uni uint64)
	// Join returns what takes the streams of a connection.
	Join(*quic.Conn) Streams
}

// Streams takes the streams of an Extension that clients open on one
// connection. Each method is called on a goroutine of the stream's own, which it
// may keep, with a stream of which the type has been read; what follows is to
// come before a read deadline that is set already.
type Streams interface {
	Serve(*quic.Stream)
	ServeUni(*quic.ReceiveStream)
}

// StreamsOf returns what takes the extension's streams on the connection of r,
// nil on TCP and without an Extension.
func StreamsOf(r *http.Request) Streams {
	u, ok := r.Context().Value(usageKey{}).(*usage)
	if !ok {
		return nil
	}
	return u.streams
}
