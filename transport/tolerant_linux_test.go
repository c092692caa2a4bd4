package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/sys/unix"
)

// TestRouteLostAndFound takes the network away under a QUIC connection on which
// the hub sends, so that sending fails, and gives it back: the connection goes
// on where it was.
func TestRouteLostAndFound(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a network of its own, to be taken down, is for root to make")
	}
	n := newNetwork(t)
	const beat = 20 * time.Millisecond
	var beats atomic.Int64
	s := NewServer(complete(t, ServerConfig{QUIC: &QUICConfig{TLS: certified(t)}}))
	s.quic.http.Handler = timed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write([]byte{byte(beats.Add(1))}); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush() // the next write fails as well
			<-time.After(beat)
		}
	}))
	if err := s.ListenOn(Sockets{Main: n.tcp, QUIC: n.hub}); err != nil {
		t.Fatal(err)
	}
	running(t, s)

	client := &quic.Transport{Conn: tolerant{n.client}}
	defer n.client.Close()
	defer client.Close()
	tr := &http3.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		QUICConfig:      &quic.Config{MaxIdleTimeout: 5 * time.Second},
		Dial: func(ctx context.Context, _ string, c *tls.Config, q *quic.Config) (*quic.Conn, error) {
			return client.DialEarly(ctx, n.hub.LocalAddr(), c, q)
		},
	}
	defer tr.Close()
	resp, err := (&http.Client{Transport: tr}).Get("https://localhost/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	want := byte(0)
	read := func(count int) {
		t.Helper()
		b := make([]byte, 1)
		for range count {
			if _, err := io.ReadFull(resp.Body, b); err != nil {
				t.Fatalf("after %d beats: %v", want, err)
			}
			if want++; b[0] != want {
				t.Fatalf("beat %d came, want %d", b[0], want)
			}
		}
	}
	read(10)
	n.lose()
	lost := time.Now()
	for start := beats.Load(); beats.Load() < start+10; { // the hub sends in vain
		if <-time.After(beat); time.Since(lost) > 5*time.Second {
			t.Fatal("the hub has given up")
		}
	}
	n.find()
	read(50)
	if open, _ := s.quic.stats(); open != 1 {
		t.Errorf("%d connections are open, want the one", open)
	}
}

// network is a network namespace with nothing but loopback in it, and sockets
// there: the hub's, and a client's on an address that can be taken away.
type network struct {
	t           *testing.T
	hub, client *net.UDPConn
	tcp         net.Listener
	// control is a socket to switch interfaces by.
	control int
}

// clientAddr is the client's, on an interface of its own name.
const clientInterface = "lo:1"

var clientAddr = net.IPv4(10, 0, 0, 2).To4()

// newNetwork makes a namespace. It is the thread's that makes the sockets, and
// lasts as long as they do.
func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{t: t, control: -1}
	made := make(chan error)
	go func() { // never unlocked: the thread ends with the goroutine
		runtime.LockOSThread()
		made <- n.make()
	}()
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(n.control) })
	return n
}

func (n *network) make() (err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	if n.control, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	if err := errors.Join(n.set("lo", true), n.address()); err != nil {
		return err
	}
	loopback := net.IPv4(127, 0, 0, 1)
	if n.hub, err = net.ListenUDP("udp4", &net.UDPAddr{IP: loopback}); err != nil {
		return err
	}
	if n.client, err = net.ListenUDP("udp4", &net.UDPAddr{IP: clientAddr}); err != nil {
		return err
	}
	n.tcp, err = net.ListenTCP("tcp4", &net.TCPAddr{IP: loopback})
	return err
}

// lose takes the client's address away, and with it the hub's way there; find
// gives it back.
func (n *network) lose() {
	n.t.Helper()
	if err := n.set(clientInterface, false); err != nil {
		n.t.Fatal(err)
	}
	if _, err := n.hub.WriteTo([]byte{0}, n.client.LocalAddr()); !errors.Is(err, syscall.ENETUNREACH) {
		n.t.Fatalf("sending without a route: %v", err)
	}
}

func (n *network) find() {
	n.t.Helper()
	if err := n.address(); err != nil {
		n.t.Fatal(err)
	}
}

// address gives the client its address.
func (n *network) address() error {
	i, err := unix.NewIfreq(clientInterface)
	if err != nil {
		return err
	}
	if err := i.SetInet4Addr(clientAddr); err != nil {
		return err
	}
	return unix.IoctlIfreq(n.control, unix.SIOCSIFADDR, i)
}

func (n *network) set(name string, up bool) error {
	i, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(n.control, unix.SIOCGIFFLAGS, i); err != nil {
		return err
	}
	flags := i.Uint16() &^ unix.IFF_UP
	if up {
		flags |= unix.IFF_UP
	}
	i.SetUint16(flags)
	return unix.IoctlIfreq(n.control, unix.SIOCSIFFLAGS, i)
}
