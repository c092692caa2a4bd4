// Package ws is the feed over WebSocket (RFC 6455), for browsers and networks
// that have no WebTransport.
//
// A GET /v1/feed that asks to change to the WebSocket protocol is taken over
// from net/http. The client's first text message says what to follow, as
// docs/protocol.md has it, and each frame of the feed is a text message. There
// are no extensions, so no compression, and no subprotocols. One connection is
// one subscription.
//
// Only HTTP/1.1 can be upgraded. A WebSocket in a stream of HTTP/2 (RFC 8441)
// would need the extended CONNECT, which net/http's server does not offer:
// clients that have an HTTP/2 connection open another one, as browsers do by
// themselves.
//
// The parts: frame.go writes frames, reader.go makes out a client's, however
// they are cut; handshake.go is the opening handshake; conn.go is a connection
// after it, which receives, sends and closes; serve.go runs a feed on one.
//
// Goroutines: a connection runs on its request's goroutine, which owns the
// session, and has one more, which listens to the client while the session
// runs. Both have ended when Serve returns.
package ws
