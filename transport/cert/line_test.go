package cert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// presented is the hash of what UDP shows to who asks for host.
func presented(t *testing.T, s *Source, host string) [sha256.Size]byte {
	t.Helper()
	leaf, err := s.QUICTLSConfig().GetCertificate(&tls.ClientHelloInfo{ServerName: host})
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(leaf.Certificate[0])
}

// pins are the hashes that a page reads.
func pins(s *Source) map[[sha256.Size]byte]bool {
	all := map[[sha256.Size]byte]bool{}
	for _, h := range s.Hashes() {
		all[h.SHA256] = true
	}
	return all
}

// TestHashesStayGood reads the hashes every few hours for two months, on a hub
// that is restarted again and again, and holds each reading for the time of
// notice.
func TestHashesStayGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin()
		const step = 5 * time.Hour
		m := &machine{hosts: []string{"localhost"}}
		dir := filepath.Join(t.TempDir(), "tls")
		var readings []map[[sha256.Size]byte]bool
		seen := map[[sha256.Size]byte]bool{}
		s, _ := mustOpenOn(t, m, dir)
		stop := running(t, s)
		for i := range int(60 * 24 * time.Hour / step) {
			if i%7 == 6 {
				stop()
				before := presented(t, s, "localhost")
				s, _ = mustOpenOn(t, m, dir)
				if presented(t, s, "localhost") != before {
					t.Fatalf("at %s: a restart presents another leaf", time.Now())
				}
				stop = running(t, s)
			}
			readings = append(readings, pins(s))
			now := presented(t, s, "localhost")
			seen[now] = true
			for age, reading := range readings[max(0, len(readings)-int(notice/step)):] {
				if !reading[now] {
					t.Fatalf("at %s: a page of %d readings ago is shut out", time.Now(), age)
				}
			}
			holdsLeaf(t, s)
			time.Sleep(step)
			synctest.Wait()
		}
		if len(seen) < 12 || len(seen) > 16 {
			t.Errorf("%d leaves in 60 days, want one every %v", len(seen), notice)
		}
	})
}

// holdsLeaf checks what browsers ask of a leaf that they know by its hash, and
// that a client which trusts the authority takes it.
func holdsLeaf(t *testing.T, s *Source) {
	t.Helper()
	c := trusting(t, s, "localhost")
	c.Time = time.Now
	leaf, err := handshake(t, s.QUICTLSConfig(), c)
	if err != nil {
		t.Fatalf("at %s: %v", time.Now(), err)
	}
	if life := leaf.NotAfter.Sub(leaf.NotBefore); life > 14*24*time.Hour-skew {
		t.Errorf("the leaf is good for %v, too long for a hash", life)
	}
	if key, ok := leaf.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		t.Errorf("the leaf's key is %T, want ECDSA on P-256", leaf.PublicKey)
	}
	if now := time.Now(); now.Add(-skew).Before(leaf.NotBefore) || !now.Add(24*time.Hour).Before(leaf.NotAfter) {
		t.Errorf("at %s: the leaf from %s to %s leaves no room to clocks", now, leaf.NotBefore, leaf.NotAfter)
	}
	hashes := s.Hashes()
	if len(hashes) != 2 || hashes[0].SHA256 != sha256.Sum256(leaf.Raw) || !hashes[0].Until.Equal(leaf.NotAfter) {
		t.Errorf("the hashes are %v, want that of the leaf presented and one more", hashes)
	}
}

func TestLineOfAHubThatWasOff(t *testing.T) {
	for _, c := range []struct {
		off  time.Duration
		kept bool // a leaf that pages knew before is presented
	}{{24 * time.Hour, true}, {5 * 24 * time.Hour, true}, {12 * 24 * time.Hour, true}, {15 * 24 * time.Hour, false}} {
		t.Run(c.off.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin()
				m := &machine{hosts: []string{"localhost"}}
				dir := filepath.Join(t.TempDir(), "tls")
				s, _ := mustOpenOn(t, m, dir)
				before := pins(s)
				time.Sleep(c.off)
				s, _ = mustOpenOn(t, m, dir)
				if got := before[presented(t, s, "localhost")]; got != c.kept {
					t.Errorf("known to pages of before: %v, want %v", got, c.kept)
				}
				c := trusting(t, s, "localhost")
				c.Time = time.Now
				if _, err := handshake(t, s.QUICTLSConfig(), c); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestLineByAWrongClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins in 2000
		m := &machine{hosts: []string{"localhost"}}
		dir := filepath.Join(t.TempDir(), "tls")
		s, _ := mustOpenOn(t, m, dir)
		if len(s.Hashes()) != 2 {
			t.Error("nothing is presented while the clock is wrong")
		}
		begin()
		running(t, s)
		time.Sleep(2 * localInterval)
		synctest.Wait()
		holdsLeaf(t, s)

		// The next boot begins in 1970 again, with another address.
		good := s.keeper.(*local).line
		leaves, err := good.turn(names{dns: []string{"localhost", "pi"}}, time.Unix(0, 0))
		if err != nil || len(leaves) != 2 || leaves[0] != (*s.line.Load())[0] {
			t.Errorf("a wrong clock changed the line to %d leaves, %v", len(leaves), err)
		}

		// A clock that was ahead made leaves that nobody takes yet.
		future := &line{dir: t.TempDir(), authority: good.authority, log: quiet()}
		if _, err := future.turn(names{dns: []string{"localhost"}}, time.Now().Add(48*time.Hour)); err != nil {
			t.Fatal(err)
		}
		leaves, err = future.turn(names{dns: []string{"localhost"}}, time.Now())
		if err != nil || len(leaves) != 2 || leaves[0].Leaf.NotBefore.After(time.Now()) {
			t.Errorf("leaves of a clock that was ahead stay: %v", err)
		}
	})
}

// TestLineFollowsTheMachine gives a machine addresses: who comes by a new one
// finds a leaf for it, and pages that came by an old one are left alone.
func TestLineFollowsTheMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin()
		m := &machine{hosts: []string{"localhost", "pi"}}
		dir := filepath.Join(t.TempDir(), "tls")
		s, _ := mustOpenOn(t, m, dir)
		running(t, s)
		time.Sleep(24 * time.Hour)
		before := s.Hashes()
		m.become(nil, "localhost", "cafe.local")
		time.Sleep(2 * localInterval)
		synctest.Wait()
		after := s.Hashes()
		if len(after) != 3 || after[0] != before[0] || after[1] != before[1] {
			t.Fatal("a new name changed what was announced")
		}
		if presented(t, s, "pi") != before[0].SHA256 || presented(t, s, "localhost") != before[0].SHA256 {
			t.Error("who came by an old name is shown another leaf")
		}
		if presented(t, s, "cafe.local") != after[2].SHA256 {
			t.Error("who comes by the new name is not shown its leaf")
		}
		if presented(t, s, "") != before[0].SHA256 || presented(t, s, "unknown.example") != before[0].SHA256 {
			t.Error("who comes by no name is not shown the current leaf")
		}
		// What was read by either name is good for as long as was promised.
		reading, cafe := pins(s), presented(t, s, "cafe.local")
		time.Sleep(notice - 2*localInterval)
		synctest.Wait()
		if !reading[presented(t, s, "pi")] || presented(t, s, "cafe.local") != cafe {
			t.Error("a page is shut out before its time")
		}
	})
}

func TestLineIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin()
		m := &machine{hosts: []string{"localhost"}}
		s, _ := mustOpenOn(t, m, filepath.Join(t.TempDir(), "tls"))
		running(t, s)
		became := func(ip net.IP) {
			m.become(nil, "localhost", ip.String())
			time.Sleep(2 * localInterval)
			synctest.Wait()
		}
		for i := range 20 {
			became(net.IPv4(10, 0, 0, byte(i)))
		}
		line := *s.line.Load()
		if len(line) != maxLine {
			t.Errorf("the line has %d leaves, want %d", len(line), maxLine)
		}
		if presented(t, s, "10.0.0.5") != presented(t, s, "10.0.0.19") {
			t.Error("the last leaf is not good for the names of those that it replaced")
		}
		for i := range maxNames + 10 {
			became(net.IPv4(10, 0, 1, byte(i)))
		}
		last := (*s.line.Load())[maxLine-1].Leaf
		if n := len(last.IPAddresses) + len(last.DNSNames); n > maxNames {
			t.Errorf("a leaf has %d names, want at most %d", n, maxNames)
		}
	})
}

func TestLineOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	s := mustOpen(t, Config{Dir: dir})
	path := filepath.Join(dir, lineFile)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("the file has mode %04o, want 0600", got)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if again := mustOpen(t, Config{Dir: dir}); presented(t, again, "localhost") != presented(t, s, "localhost") {
		t.Error("a restart presents another leaf")
	}
	strange := filepath.Join(t.TempDir(), "tls")
	mustOpen(t, Config{Dir: strange})
	foreign, err := os.ReadFile(filepath.Join(strange, lineFile))
	if err != nil {
		t.Fatal(err)
	}
	for what, content := range map[string][]byte{
		"empty": nil, "text": []byte("?"), "cut": whole[:len(whole)-100], "another authority's": foreign,
		"followed by text": append(bytes.Clone(whole), "?"...),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s := mustOpen(t, Config{Dir: dir})
		if _, err := handshake(t, s.QUICTLSConfig(), trusting(t, s, "localhost")); err != nil || len(s.Hashes()) != 2 {
			t.Errorf("with a file that is %s: %v, %d hashes", what, err, len(s.Hashes()))
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Dir: dir, Logger: quiet()}); !errors.Is(err, ErrExposed) {
		t.Errorf("with a file that others can read: %v, want ErrExposed", err)
	}
}

func TestFilesAreTheSameOnUDP(t *testing.T) {
	p := newPairFiles(t)
	leaf := p.renew(t, time.Now())
	s := mustOpen(t, Config{CertFile: p.cert, KeyFile: p.key})
	if presented(t, s, "localhost") != sha256.Sum256(leaf.Raw) {
		t.Error("UDP presents another certificate")
	}
	if len(s.Hashes()) != 0 {
		t.Error("a certificate that is not the hub's own has hashes")
	}
}
