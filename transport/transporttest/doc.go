// Package transporttest is one list of scenarios that every way to follow a
// feed must pass: Run takes the ways, which are a wire on a protocol each.
//
// The scenarios run against the real thing: a hub over an in-memory log, the
// feed handler, the server with its listeners, and a client that uses the
// standard library's HTTP and reads frames more strictly than any client should.
// Only the fold is scripted, so that a scenario can have exactly the events it
// is about. What takes time (heartbeats, tokens that expire, slow readers) runs
// in a bubble of testing/synctest over pipes; what is about sockets and their
// buffers runs over TLS on loopback.
package transporttest
