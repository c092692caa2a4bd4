// Package poll keeps connections that are read and written without a goroutine
// each. What writes to thousands of clients must wait for none of them.
//
// A listener wraps what it accepts in a [Socket], below TLS. To net/http that is
// a connection like any other. A wire that takes a connection over makes a
// [Line] of it: from then on writing never waits, for the line keeps what the
// kernel does not take at once, and what the client says comes to a [Handler].
// TLS goes on above it, because crypto/tls does not hold temporary errors of a
// read against a connection, and is never given one of a write.
//
// There are two carriers of lines. [Poller] serves all of them with one
// goroutine and epoll(7). [Goroutines] serves each with a goroutine that reads
// and, while something waits to be sent, one that writes: for systems without
// epoll and for connections that are no sockets. The two differ in cost alone.
package poll
