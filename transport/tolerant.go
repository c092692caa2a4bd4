package transport

import (
	"errors"
	"net"
	"slices"
	"syscall"
)

// tolerant is a UDP socket on which a packet that has no way out is a packet
// lost. QUIC closes a connection when sending fails, and while a network
// changes under a client, or under the hub, every packet to it does: the
// connection would be gone just when it is to prove that it outlives that.
type tolerant struct{ *net.UDPConn }

// noWay are the errors of a route that may come back.
var noWay = []error{
	syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EADDRNOTAVAIL,
	// A firewall's rule (EPERM), the answer to an earlier packet
	// (ECONNREFUSED), a full queue of the interface (ENOBUFS).
	syscall.EPERM, syscall.ECONNREFUSED, syscall.ENOBUFS,
}

// WriteMsgUDP sends a packet; it is what quic-go calls for every one of them.
func (t tolerant) WriteMsgUDP(b, oob []byte, to *net.UDPAddr) (int, int, error) {
	n, oobn, err := t.UDPConn.WriteMsgUDP(b, oob, to)
	if hasNoWay(err) {
		return len(b), len(oob), nil
	}
	return n, oobn, err
}

// WriteTo is WriteMsgUDP for packets that belong to no connection.
func (t tolerant) WriteTo(b []byte, to net.Addr) (int, error) {
	n, err := t.UDPConn.WriteTo(b, to)
	if hasNoWay(err) {
		return len(b), nil
	}
	return n, err
}

func hasNoWay(err error) bool {
	return err != nil && slices.ContainsFunc(noWay, func(e error) bool { return errors.Is(err, e) })
}
