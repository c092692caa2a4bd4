package cert

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// machine is a machine whose names a test decides. Its clock is the bubble's.
type machine struct {
	mu    sync.Mutex
	hosts []string
	err   error
}

func (m *machine) become(err error, hosts ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hosts, m.err = hosts, err
}

func (m *machine) found() (names, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var n names
	for _, h := range m.hosts {
		n.add(h)
	}
	return n, m.err
}

// openOn opens a local source on m, and returns what it logs.
func openOn(t *testing.T, m *machine, dir string, hosts ...string) (*Source, *bytes.Buffer, error) {
	t.Helper()
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	given, err := given(hosts)
	if err != nil {
		t.Fatal(err)
	}
	l := &local{dir: dir, given: given, found: m.found, log: log}
	if err := l.open(time.Now()); err != nil {
		return nil, &logged, err
	}
	s, err := open(l, log)
	return s, &logged, err
}

func mustOpenOn(t *testing.T, m *machine, dir string, hosts ...string) (*Source, *bytes.Buffer) {
	t.Helper()
	s, logged, err := openOn(t, m, dir, hosts...)
	if err != nil {
		t.Fatal(err)
	}
	return s, logged
}

// running runs s until the bubble's test ends, or stop.
func running(t *testing.T, s *Source) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
	stop = func() {
		cancel()
		wg.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// begin puts the bubble's clock, which starts in 2000, to a day when hubs run.
func begin() { time.Sleep(time.Until(time.Date(2027, time.March, 1, 0, 0, 0, 0, time.UTC))) }

func TestLeafIsRenewedAtTwoThirdsOfItsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin()
		m := &machine{hosts: []string{"localhost", "10.0.0.1"}}
		dir := filepath.Join(t.TempDir(), "tls")
		s, _ := mustOpenOn(t, m, dir)
		running(t, s)
		first := s.current.Load().Leaf
		if life := first.NotAfter.Sub(first.NotBefore); life > 398*24*time.Hour {
			t.Errorf("the leaf is good for %s, more than Apple's devices take", life)
		}
		time.Sleep(leafLife*2/3 - 2*time.Hour)
		if got := s.current.Load().Leaf; got != first {
			t.Error("the leaf was replaced though nothing was due")
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		second := s.current.Load().Leaf
		if second == first {
			t.Fatal("the leaf was not renewed")
		}
		// Months go by without a restart, and it is good at any time.
		for range 4 {
			time.Sleep(leafLife / 3)
			synctest.Wait()
			if _, err := handshakeAt(t, s, "localhost"); err != nil {
				t.Fatalf("at %s: %v", time.Now(), err)
			}
		}
		again, _ := mustOpenOn(t, m, dir)
		if !again.current.Load().Leaf.Equal(s.current.Load().Leaf) {
			t.Error("the renewed leaf did not survive a restart")
		}
	})
}

// handshakeAt is handshake by the bubble's clock.
func handshakeAt(t *testing.T, s *Source, host string) (*x509.Certificate, error) {
	t.Helper()
	c := trusting(t, s, host)
	c.Time = time.Now
	return handshake(t, s.TLSConfig(false), c)
}

func TestLeafFollowsTheMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin()
		m := &machine{hosts: []string{"localhost", "10.0.0.1"}}
		s, logged := mustOpenOn(t, m, filepath.Join(t.TempDir(), "tls"))
		running(t, s)
		if _, err := handshakeAt(t, s, "192.168.7.7"); err == nil {
			t.Fatal("the leaf is good for an address the machine does not have")
		}

		m.become(nil, "localhost", "10.0.0.1", "192.168.7.7")
		time.Sleep(2 * localInterval)
		synctest.Wait()
		for _, host := range []string{"192.168.7.7", "10.0.0.1"} {
			if _, err := handshakeAt(t, s, host); err != nil {
				t.Errorf("as %s after the machine got an address: %v", host, err)
			}
		}

		// An interface that comes and goes does not write a leaf each time.
		before := s.current.Load()
		for range 3 {
			m.become(nil, "localhost", "10.0.0.1")
			time.Sleep(2 * localInterval)
			m.become(nil, "localhost", "10.0.0.1", "192.168.7.7")
			time.Sleep(2 * localInterval)
		}
		if s.current.Load() != before {
			t.Error("the leaf was replaced though it had every name all along")
		}

		// What cannot be found out now leaves the leaf as it is, and is said once.
		m.become(errors.New("no interfaces"), "localhost")
		time.Sleep(10 * localInterval)
		synctest.Wait()
		if s.current.Load() != before {
			t.Error("the leaf was replaced when the machine's names could not be found")
		}
		if n := strings.Count(logged.String(), "no interfaces"); n != 1 {
			t.Errorf("the failure is logged %d times, want once:\n%s", n, logged)
		}
	})
}

func TestAuthorityIsBoundToTheHouse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin()
		m := &machine{hosts: []string{"localhost", "pi", "pi.local", "203.0.113.9"}}
		dir := filepath.Join(t.TempDir(), "tls")
		s, _ := mustOpenOn(t, m, dir, "cafe.example")
		for _, host := range []string{"pi", "pi.local", "203.0.113.9", "cafe.example"} {
			if _, err := handshakeAt(t, s, host); err != nil {
				t.Errorf("as %s, which the hub was made for: %v", host, err)
			}
		}

		// Whoever has the key signs what they like; clients do not take it.
		a := s.keeper.(*local).authority
		var bank names
		bank.add("bank.example")
		bank.add("198.51.100.1")
		stolen, err := a.issue(bank, time.Now(), leafLife)
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range []string{"bank.example", "198.51.100.1"} {
			c := trusting(t, s, host)
			c.Time = time.Now
			_, err := handshake(t, &tls.Config{Certificates: []tls.Certificate{*stolen}}, c)
			if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
				t.Errorf("as %s, signed with the authority's key: error %v, want a refusal", host, err)
			}
		}

		// A name found later that the authority may not certify is left out,
		// or clients would refuse the leaf for every name.
		m.become(nil, "localhost", "pi", "198.51.100.2", "10.1.2.3")
		s, logged := mustOpenOn(t, m, dir)
		if _, err := handshakeAt(t, s, "10.1.2.3"); err != nil {
			t.Errorf("beside an address that may not be certified: %v", err)
		}
		if !strings.Contains(logged.String(), "198.51.100.2") {
			t.Errorf("the address left out is not logged:\n%s", logged)
		}
		// One that is asked for is an error.
		_, _, err = openOn(t, m, dir, "other.example")
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "other.example") {
			t.Errorf("a host that may not be certified: error %v, want ErrConfig", err)
		}
	})
}

// TestClockThatStartsIn1970 boots a machine without a battery clock, whose
// clock is put right by the network later.
func TestClockThatStartsIn1970(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins in 2000, which is wrong too
		m := &machine{hosts: []string{"localhost"}}
		dir := filepath.Join(t.TempDir(), "tls")
		s, _ := mustOpenOn(t, m, dir)
		begin()
		running(t, s)
		time.Sleep(2 * localInterval)
		synctest.Wait()
		if _, err := handshakeAt(t, s, "localhost"); err != nil {
			t.Errorf("once the clock is right: %v", err)
		}
		good := s.current.Load().Leaf
		if due(good, names{dns: []string{"localhost"}}, time.Unix(0, 0)) {
			t.Error("a good leaf is replaced because the next boot begins in 1970 again")
		}
	})
}

func TestAuthorityOutlivesItsLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin()
		m := &machine{hosts: []string{"localhost"}}
		dir := filepath.Join(t.TempDir(), "tls")
		mustOpenOn(t, m, dir)
		time.Sleep(authorityLife - 24*time.Hour)
		s, _ := mustOpenOn(t, m, dir)
		if _, err := handshakeAt(t, s, "localhost"); err != nil {
			t.Errorf("on the authority's last day: %v", err)
		}
		if end := s.keeper.(*local).authority.cert.NotAfter; s.Expires().After(end) {
			t.Error("the leaf outlives its authority")
		}
		time.Sleep(48 * time.Hour)
		if _, _, err := openOn(t, m, dir); !errors.Is(err, ErrBadFile) || !strings.Contains(err.Error(), "expired") {
			t.Errorf("with an expired authority: error %v, want ErrBadFile", err)
		}
	})
}

func TestDamagedFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	mustOpen(t, Config{Dir: dir})
	// The leaf is made anew, whatever is wrong with it.
	leaf := filepath.Join(dir, leafFile)
	foreign := filepath.Join(t.TempDir(), "other")
	mustOpen(t, Config{Dir: foreign})
	other, err := os.ReadFile(filepath.Join(foreign, leafFile))
	if err != nil {
		t.Fatal(err)
	}
	for what, content := range map[string][]byte{"empty": nil, "text": []byte("?"), "another authority's": other} {
		if err := os.WriteFile(leaf, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s := mustOpen(t, Config{Dir: dir})
		if _, err := handshake(t, s.TLSConfig(false), trusting(t, s, "localhost")); err != nil {
			t.Errorf("with a leaf that is %s: %v", what, err)
		}
	}
	// The authority is never replaced: devices trust it.
	authority := filepath.Join(dir, authorityFile)
	for what, content := range map[string][]byte{"empty": nil, "a leaf": other} {
		if err := os.WriteFile(authority, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Config{Dir: dir, Logger: quiet()}); !errors.Is(err, ErrBadFile) {
			t.Errorf("with an authority that is %s: error %v, want ErrBadFile", what, err)
		}
	}
}

// TestConcurrentHandshakes renews under load, for the race detector.
func TestConcurrentHandshakes(t *testing.T) {
	m := &machine{hosts: []string{"localhost"}}
	s, _ := mustOpenOn(t, m, filepath.Join(t.TempDir(), "tls"))
	c := s.TLSConfig(false)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				if _, err := handshake(t, c, trusting(t, s, "localhost")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 5 {
		next, err := s.keeper.(*local).authority.issue(names{dns: []string{"localhost"}}, time.Now(), leafLife)
		if err != nil {
			t.Fatal(err)
		}
		s.current.Store(next)
	}
	wg.Wait()
}

func TestOverTCP(t *testing.T) {
	s := mustOpen(t, Config{Dir: filepath.Join(t.TempDir(), "tls")})
	l, err := tls.Listen("tcp", "127.0.0.1:0", s.TLSConfig(false))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("hello")); err != nil {
			t.Error(err)
		}
	})
	conn, err := (&tls.Dialer{Config: trusting(t, s, "127.0.0.1")}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	b := make([]byte, 5)
	if _, err := conn.Read(b); err != nil || string(b) != "hello" {
		t.Errorf("read %q, %v", b, err)
	}
}

func TestFoundNames(t *testing.T) {
	n, err := found()
	if err != nil {
		t.Fatal(err)
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	var want names
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		want.add(host)
	}
	for _, a := range addrs {
		if ip := a.(*net.IPNet).IP; ip.To4() != nil || !ip.IsLinkLocalUnicast() {
			want.addIP(ip)
		}
	}
	if !n.covers(want) {
		t.Errorf("found %v, want at least %v", n, want)
	}
}

func TestNames(t *testing.T) {
	var n names
	for _, host := range []string{"b.local", "A.local", "b.local.", "::1", "127.0.0.1", "::ffff:127.0.0.1", "10.0.0.1"} {
		if !n.add(host) {
			t.Errorf("%s was not taken", host)
		}
	}
	if got := strings.Join(n.dns, " "); got != "a.local b.local" {
		t.Errorf("names are %q", got)
	}
	if len(n.ips) != 3 {
		t.Errorf("addresses are %v, want three", n.ips)
	}
	for _, host := range []string{"", ".", "a..b", "-a", "a-", "a_b", "ü", "a b", "*", "[::1]", "a:1", strings.Repeat("a", 64), strings.Repeat("a.", 128)} {
		if n.add(host) {
			t.Errorf("%q was taken", host)
		}
	}
	if n.covers(names{dns: []string{"c.local"}}) || n.covers(names{ips: []net.IP{{10, 0, 0, 2}}}) {
		t.Error("covers what it does not have")
	}
}
