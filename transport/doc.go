// Package transport brings the hub's feeds to clients and owns the sockets
// everything else is served on.
//
// Three parts, each usable without the others:
//
//   - Feed answers GET /v1/feed: it reads what the client asks for, lets auth
//     decide topic by topic, picks a Wire by the Accept header, and runs a
//     Session until the client leaves, its token expires or the hub drains.
//   - Session is what all wires share. It owns every write to its client: the
//     bytes pending after the client's position, heartbeats, goaway, the last
//     word when a token expires. A wire gives it an Encoding for the hub's
//     rings and an Outlet or a Sink that takes bytes, nothing else.
//   - Server owns the listeners (HTTP/1.1 and HTTP/2 over TLS, and an optional
//     plain one for a public board), their limits, and the drain: the phases of
//     a stop and their budgets are in drain.go.
//
// A slow client is never cut and costs the hub no queue: what it missed is
// conflated by the hub. A stalled one, which takes no byte for StallTimeout, is
// closed and counted, and resumes by its cursor. How the two are told apart on
// a socket is in transport/poll, on an HTTP/2 stream in sink.go, on a stream of
// QUIC in streamoutlet.go.
//
// Who may come in at all is decided before anything is spent on it: connections
// by limiter.go (caps, and a rate for each address), QUIC handshakes by a Retry
// as well, requests by requests.go, and everything that is new by the memory
// budget in budget.go. Every read and write has a bound: server.go's for
// requests, usage.go's for QUIC connections that ask for nothing, a wire's own
// for what it takes over.
//
// Goroutines: a worker for each core and network owns thousands of sessions and
// waits for none of them (worker.go): whoever was woken or is due is asked for
// what lies behind its position, as long as its Outlet is clear. What is written
// to many at once therefore leaves at once while the hub idles; under load a pass
// takes longer, and each client gets more with one write. Connections of HTTP/1.1
// are taken over (taken.go) and read by one goroutine for all (transport/poll).
// On HTTP/2 a session runs on its request's goroutine, by Session.Run.
package transport
