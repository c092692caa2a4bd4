package relay

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// Sockets are what clients come to: one for each transport, on one number.
type Sockets struct {
	UDP *net.UDPConn
	TCP *net.TCPListener
}

// tries is how often a number is looked for that is free for both transports.
const tries = 16

// Listen opens sockets on an address, on a number of the kernel's choice.
func Listen(on netip.Addr) (Sockets, error) {
	var failed []error
	for range tries {
		udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(on, 0)))
		if err != nil {
			return Sockets{}, fmt.Errorf("relay: %w", err)
		}
		at := udp.LocalAddr().(*net.UDPAddr).AddrPort()
		tcp, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(on, at.Port())))
		if err == nil {
			_, _ = udp.SetReadBuffer(socketBuffer), udp.SetWriteBuffer(socketBuffer) // the kernel gives what it may
			return Sockets{UDP: udp, TCP: tcp}, nil
		}
		failed = append(failed, err, udp.Close())
	}
	return Sockets{}, fmt.Errorf("relay: no number is free for TCP and UDP: %w", errors.Join(failed...))
}
