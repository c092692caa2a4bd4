package transport

import (
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTune(t *testing.T) {
	s := NewServer(complete(t, ServerConfig{}))
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.mainListener.Close() }()
	client, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	accepted, err := s.mainListener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = accepted.Close() }()
	raw, err := accepted.(*conn).Conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for name, opt := range map[string]struct{ option, want int }{
		"TCP_NOTSENT_LOWAT": {unix.TCP_NOTSENT_LOWAT, notSent},
		"TCP_USER_TIMEOUT":  {unix.TCP_USER_TIMEOUT, 45_000},
	} {
		err := raw.Control(func(fd uintptr) {
			if got, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, opt.option); err != nil || got != opt.want {
				t.Errorf("%s is %d, %v, want %d", name, got, err, opt.want)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
