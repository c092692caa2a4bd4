package cert

import (
	"bytes"
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
	"time"
)

// handshake connects to s over TLS as a client that trusts roots, and returns
// the leaf it was shown.
func handshake(t *testing.T, server *tls.Config, client *tls.Config) (*x509.Certificate, error) {
	t.Helper()
	a, b := net.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() {
		conn := tls.Server(a, server)
		_ = conn.Handshake() // what fails is the client's to say
		_ = a.Close()
	})
	defer wg.Wait()
	defer b.Close()
	// A client that refuses says so while the server is still writing, and a
	// pipe keeps nothing: without an end both would wait for ever.
	if err := b.SetDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	conn := tls.Client(b, client)
	if err := conn.Handshake(); err != nil {
		return nil, err
	}
	return conn.ConnectionState().PeerCertificates[0], nil
}

func trusting(t *testing.T, s *Source, host string) *tls.Config {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.CAPEM()) {
		t.Fatal("the source has no authority in PEM")
	}
	return &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12}
}

func mustOpen(t *testing.T, c Config) *Source {
	t.Helper()
	c.Logger = quiet()
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestHandshakeUnderEveryName(t *testing.T) {
	s := mustOpen(t, Config{Dir: filepath.Join(t.TempDir(), "tls"), Hosts: []string{"Cafe.example", "192.0.2.7"}})
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(strings.ToLower(host), ".")
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "cafe.example", "192.0.2.7", first + ".local"} {
		if _, err := handshake(t, s.TLSConfig(false), trusting(t, s, name)); err != nil {
			t.Errorf("as %s: %v", name, err)
		}
	}
	if _, err := handshake(t, s.TLSConfig(false), trusting(t, s, "bank.example")); err == nil {
		t.Error("the leaf is good for a name that was not asked for")
	}
}

func TestOldTLSOnlyWhenAskedFor(t *testing.T) {
	s := mustOpen(t, Config{Dir: filepath.Join(t.TempDir(), "tls")})
	old := trusting(t, s, "localhost")
	old.MaxVersion = tls.VersionTLS12
	if _, err := handshake(t, s.TLSConfig(false), old); err == nil {
		t.Error("TLS 1.2 was spoken without being asked for")
	}
	if _, err := handshake(t, s.TLSConfig(true), old); err != nil {
		t.Errorf("TLS 1.2 for an old TV: %v", err)
	}
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if _, err := handshake(t, s.TLSConfig(true), old); err == nil {
		t.Error("TLS 1.1 was spoken")
	}
}

func TestRestartKeepsAuthorityAndLeaf(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	first := mustOpen(t, Config{Dir: dir})
	again := mustOpen(t, Config{Dir: dir})
	if !bytes.Equal(first.CAPEM(), again.CAPEM()) {
		t.Error("the authority is another after a restart")
	}
	if !bytes.Equal(first.current.Load().Certificate[0], again.current.Load().Certificate[0]) {
		t.Error("the leaf is another after a restart")
	}
	onDisk, err := os.ReadFile(again.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(onDisk, again.CAPEM()) {
		t.Error("CAFile and CAPEM differ")
	}
}

func TestKeysAreTheirOwnersOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	mustOpen(t, Config{Dir: dir})
	for file, want := range map[string]os.FileMode{".": 0o700, authorityFile: 0o600, leafFile: 0o600, publicFile: 0o644} {
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %04o, want %04o", file, got, want)
		}
	}
	for _, file := range []string{authorityFile, leafFile} {
		path := filepath.Join(dir, file)
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Open(Config{Dir: dir, Logger: quiet()})
		if !errors.Is(err, ErrExposed) || !strings.Contains(err.Error(), "chmod 0600") {
			t.Errorf("%s of mode 0644: error %v, want ErrExposed", file, err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		config Config
		want   string
		is     error
	}{
		{"nothing", Config{}, "give a directory", ErrConfig},
		{"no key", Config{CertFile: file}, "no key file", ErrConfig},
		{"no certificate", Config{KeyFile: file}, "no certificate file", ErrConfig},
		{"missing file", Config{CertFile: filepath.Join(dir, "none"), KeyFile: file}, "read the certificate", os.ErrNotExist},
		{"not PEM", Config{CertFile: file, KeyFile: file}, "are no pair", ErrBadFile},
		{"directory is a file", Config{Dir: filepath.Join(file, "tls")}, "make the directory", nil},
		{"host with port", Config{Dir: dir, Hosts: []string{"pi:8443"}}, "without scheme and port", ErrConfig},
		{"host with scheme", Config{Dir: dir, Hosts: []string{"https://pi"}}, "without scheme and port", ErrConfig},
		{"wildcard", Config{Dir: dir, Hosts: []string{"*.example"}}, "no host name", ErrConfig},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.config.Logger = quiet()
			_, err := Open(test.config)
			if err == nil || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error %v, want %v with %q", err, test.is, test.want)
			}
		})
	}
}
