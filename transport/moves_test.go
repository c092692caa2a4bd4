package transport

import (
	"bytes"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/time/rate"

	"everything.local/auth"
)

func udpAddr(addr string) net.Addr { return net.UDPAddrFromAddrPort(netip.MustParseAddrPort(addr)) }

func TestKindOfMove(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     Move
	}{
		{"192.0.2.1:1000", "192.0.2.1:1001", Rebinding},
		{"192.0.2.1:1000", "192.0.2.254:1000", Rebinding},
		{"192.0.2.1:1000", "[::ffff:192.0.2.1]:1001", Rebinding},
		{"192.0.2.1:1000", "192.0.3.1:1000", OtherNetwork},
		{"192.0.2.1:1000", "[2001:db8::1]:1000", OtherNetwork},
		{"[2001:db8::1]:1000", "[2001:db8:0:ffff::1]:1000", Rebinding},
		{"[2001:db8::1]:1000", "[2001:db8:1::1]:1000", OtherNetwork},
		{"[fe80::1%eth0]:1000", "[fe80::2%eth1]:1000", Rebinding},
	} {
		if got := kindOf(udpAddr(c.from), udpAddr(c.to)); got != c.want {
			t.Errorf("from %s to %s: %s, want %s", c.from, c.to, got, c.want)
		}
	}
}

// TestMoveLines: what is logged of moves is bounded for each connection and for
// all together, and has no address but at the level debug.
func TestMoveLines(t *testing.T) {
	var log bytes.Buffer
	q := &quicServer{
		log:   slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		lines: rate.NewLimiter(moveLinesPerSecond, moveLinesAtOnce),
	}
	now := time.Unix(1_800_000_000, 0)
	note := func(u *usage) {
		q.note(moved{u, udpAddr("192.0.2.17:1000"), udpAddr("[2001:db8:0:5::18]:1001")}, OtherNetwork, now)
	}
	logged := func(level string, want int) {
		t.Helper()
		if got := strings.Count(log.String(), "level="+level); got != want {
			t.Errorf("%d lines of level %s, want %d", got, level, want)
		}
	}
	one := new(usage)
	note(one)
	note(one)
	now = now.Add(moveLineEvery - time.Nanosecond)
	note(one)
	logged("INFO", 1)
	now = now.Add(time.Nanosecond)
	note(one)
	logged("INFO", 2)
	for range 1000 {
		note(new(usage))
	}
	logged("INFO", 2+moveLinesAtOnce-1)
	logged("DEBUG", 2+moveLinesAtOnce-1)
	for line := range strings.Lines(log.String()) {
		address := strings.Contains(line, "192.0.2.17") || strings.Contains(line, "::18")
		if debug := strings.Contains(line, "level=DEBUG"); address != debug {
			t.Errorf("logged %s", line)
		}
		if !address && !strings.Contains(line, "kind=network from=192.0.2.0/24 to=2001:db8::/48") {
			t.Errorf("logged %s", line)
		}
	}
}

// TestCountsOutliveAMove: what was counted for an address when a connection or a
// request began is taken off that address when it ends, wherever its client is by
// then.
func TestCountsOutliveAMove(t *testing.T) {
	leave, asked := make(chan struct{}), make(chan string, 2)
	s := servingQUIC(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.RemoteAddr
		<-leave
		w.WriteHeader(http.StatusOK)
	}))
	c := &earlyClient{t, s, &tls.Config{
		InsecureSkipVerify: true, ServerName: "localhost", NextProtos: []string{http3.NextProtoH3},
	}}
	conn, _ := c.connect(false)
	home, away := countedAs("127.0.0.1"), countedAs("127.0.7.1")
	first := c.send(conn, earlyGet)
	<-asked
	counts(t, s, map[netip.Prefix]int{home: 1}, map[netip.Prefix]int{home: 1})

	migrate(t, conn, net.IPv4(127, 0, 7, 1))
	second := c.send(conn, earlyGet)
	if from := <-asked; auth.Network(parseAddr(from)) != away {
		t.Errorf("after the move a request came from %s", from)
	}
	soon(t, "the move is seen", func() bool { return s.Stats().Migrations[OtherNetwork] == 1 })
	counts(t, s, map[netip.Prefix]int{home: 1}, map[netip.Prefix]int{home: 1, away: 1})

	close(leave)
	c.answered(first)
	c.answered(second)
	_ = conn.CloseWithError(h3NoError, "")
	soon(t, "the connection has ended", func() bool { return s.Stats().Open == 0 })
	counts(t, s, nil, nil)
}

// soon waits until something is so.
func soon(t *testing.T, what string, so func() bool) {
	t.Helper()
	const patience = 10 * time.Second
	for start := time.Now(); !so(); runtime.Gosched() {
		if time.Since(start) > patience {
			t.Fatalf("it is not so that %s", what)
		}
	}
}

func countedAs(addr string) netip.Prefix { return auth.Network(netip.MustParseAddr(addr)) }

// counts checks how many connections and requests each address has open.
func counts(t *testing.T, s *Server, conns, requests map[netip.Prefix]int) {
	t.Helper()
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	s.asking.mu.Lock()
	defer s.asking.mu.Unlock()
	prefixes := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	for name, diff := range map[string]string{
		"connections":      cmp.Diff(conns, s.limits.from, prefixes, cmpopts.EquateEmpty()),
		"QUIC connections": cmp.Diff(conns, s.limits.quic, prefixes, cmpopts.EquateEmpty()),
		"requests":         cmp.Diff(requests, s.asking.open, prefixes, cmpopts.EquateEmpty()),
	} {
		if diff != "" {
			t.Errorf("%s by address (-want +got):\n%s", name, diff)
		}
	}
}

// migrate has a client go on from another address.
func migrate(t *testing.T, conn *quic.Conn, to net.IP) {
	t.Helper()
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: to})
	if err != nil {
		t.Fatal(err)
	}
	next := &quic.Transport{Conn: socket}
	t.Cleanup(func() {
		_ = conn.CloseWithError(h3NoError, "")
		if err := errors.Join(next.Close(), socket.Close()); err != nil {
			t.Error(err)
		}
	})
	path, err := conn.AddPath(next)
	if err == nil {
		err = path.Probe(t.Context())
	}
	if err == nil {
		err = path.Switch()
	}
	if err == nil {
		err = conn.SendDatagram(make([]byte, 24))
	}
	if err != nil {
		t.Fatal(err)
	}
}
