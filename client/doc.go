// Package client follows a hub's feeds and gives it commands from Go.
//
// Dial finds a hub of a site. Watch follows topics and yields what changes: it
// resumes where it was, drops what comes twice, notices a silent line, goes along
// when a hub asks its clients to leave, and to the next hub where one is lost.
// Place and its like give commands that take effect once, however often they have
// to be sent. Follow is the plain feed below a Watch: one connection, over any
// wire, until it ends.
//
// # Changing networks
//
// A feed over QUIC (WT, or HTTP3 with any other wire) outlives the network it was
// opened on. The client sends a heartbeat at the feed's pace, which repairs a NAT
// that has forgotten the connection and is how a restarted hub is noticed. When
// frames have followed one another closely and then do not, when a heartbeat is
// not answered, or when the machine's interfaces, addresses or routes change, it
// asks at once, probes the other paths, and takes the connection along to the
// first that leads to the hub (RFC 9000, section 9). Status.Moved tells of it.
// Where no path answers, a Watch opens a second connection beside the first, over
// TCP too, and leaves the first once the second is live. Commands go along with
// such a feed, and so over a path that is known to work.
//
// The machine's networks are seen through Config.Network. That of the kernel is
// the default; an app on a system that hands out networks itself brings its own.
//
// # Errors
//
// What was refused is an *Error with the hub's code and a sentence for a person;
// event.CodeOf tells the code. Untrusted tells a certificate that the client does
// not trust. A Config that cannot work is an *event.Error with the Field at fault.
// docs/protocol.md says what the frames mean.
package client
