package acme

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"everything.local/transport/cert/acme/acmetest"
)

func configOf(t *testing.T, w *acmetest.World, names ...string) Config {
	t.Helper()
	return Config{
		Dir: filepath.Join(t.TempDir(), "acme"), Names: names, Email: "admin@cafe.example",
		Directory: w.Directory, RootFile: w.RootFile, DNS: "rfc2136", Server: w.DNS,
		CredentialsFile: w.CredentialsFile, Resolvers: []string{w.DNS},
	}
}

// record is a log that a test reads while it is written.
type record struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

// start opens and runs a manager until stop or the test's end. It logs all that
// it can.
func start(t *testing.T, c Config) (m *Manager, logged *record, stop func()) {
	t.Helper()
	logged = &record{}
	c.Logger = slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	m, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	m.firstRetry = 100 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := m.Run(ctx); err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
	stop = func() {
		cancel()
		wg.Wait()
	}
	t.Cleanup(stop)
	return m, logged, stop
}

// await polls until ok, for as long as ACME may take.
func await(t *testing.T, what string, logged *record, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s did not happen:\n%s", what, logged)
		}
	}
}

func verify(t *testing.T, w *acmetest.World, c *tls.Certificate, host string) {
	t.Helper()
	between := x509.NewCertPool()
	for _, der := range c.Certificate[1:] {
		one, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		between.AddCert(one)
	}
	if _, err := c.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: w.Roots, Intermediates: between}); err != nil {
		t.Errorf("as %s: %v", host, err)
	}
}

// certmagicRuns matches stacks of what certmagic has started, its pacemaker left
// out: see Run.
var certmagicRuns = regexp.MustCompile(`(?s)(certmagic|acmez|libdns|miekg/dns\.\(\*Client)`)

func leftRunning() string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var left []string
	for one := range strings.SplitSeq(string(stacks), "\n\n") {
		if certmagicRuns.MatchString(one) && !strings.Contains(one, "RingBufferRateLimiter).loop") {
			left = append(left, one)
		}
	}
	return strings.Join(left, "\n\n")
}

// holdsNothing fails if anything of certmagic's runs on. A goroutine that has
// said that it ends may still be there for an instant.
func holdsNothing(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(2 * time.Second); ; {
		left := leftRunning()
		if left == "" {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Errorf("still running after Run:\n%s", left)
			return
		}
	}
}

// TestNamesAreCertified walks the whole road for two names, then starts again
// without any server.
func TestNamesAreCertified(t *testing.T) {
	w := acmetest.Start(t, 24*60*60)
	c := configOf(t, w, "pi.cafe.example", "*.tables.cafe.example")
	m, logged, stop := start(t, c)
	if len(m.Certificates()) != 0 {
		t.Fatal("there is a certificate before there can be one")
	}
	await(t, "a certificate for each name", logged, func() bool { return len(m.Certificates()) == 2 })
	verify(t, w, m.Certificates()[0], "pi.cafe.example")
	verify(t, w, m.Certificates()[1], "seven.tables.cafe.example")
	stop()
	holdsNothing(t)
	if taken, refused := w.Updates(); taken != 4 || refused != 0 || len(w.Left()) != 0 {
		t.Errorf("%d updates, %d refused, left %v; want a record put and removed for each name", taken, refused, w.Left())
	}
	if s := logged.String(); !strings.Contains(s, "acme: ") || strings.Contains(s, "c2VjcmV0") {
		t.Errorf("certmagic is not heard, or the key for DNS is logged:\n%s", s)
	}
	err := filepath.Walk(c.Dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}

	w.StopServer()
	again, _, _ := start(t, c)
	if got := again.Certificates(); len(got) != 2 || !got[0].Leaf.Equal(m.Certificates()[0].Leaf) {
		t.Errorf("%d certificates after a restart, want those of before", len(got))
	}
}

func TestCertificateIsRenewed(t *testing.T) {
	w := acmetest.Start(t, 12)
	m, logged, _ := start(t, configOf(t, w, "pi.cafe.example"))
	await(t, "a certificate", logged, func() bool { return len(m.Certificates()) == 1 })
	first := m.Certificates()[0]
	await(t, "a renewal", logged, func() bool { return m.Certificates()[0] != first })
	second := m.Certificates()[0]
	verify(t, w, second, "pi.cafe.example")
	if first.Leaf.SerialNumber.Cmp(second.Leaf.SerialNumber) == 0 || !second.Leaf.NotAfter.After(first.Leaf.NotAfter) {
		t.Error("the renewed certificate is the one of before")
	}
}

func TestFailureIsTriedAgain(t *testing.T) {
	w := acmetest.Start(t, 24*60*60)
	w.SetDNS(false)
	m, logged, _ := start(t, configOf(t, w, "pi.cafe.example"))
	await(t, "a failure that is told", logged, func() bool {
		return strings.Contains(logged.String(), `level=WARN msg="no certificate for the public name" name=pi.cafe.example`)
	})
	w.SetDNS(true)
	await(t, "a certificate", logged, func() bool { return len(m.Certificates()) == 1 })
}

// TestRunEndsInTheMiddle stops while the record is awaited: DNS does not answer
// any more when the record is to be removed.
func TestRunEndsInTheMiddle(t *testing.T) {
	w := acmetest.Start(t, 24*60*60)
	_, logged, stop := start(t, configOf(t, w, "pi.cafe.example"))
	await(t, "a record", logged, func() bool { return len(w.Left()) == 1 })
	w.SetDNS(false)
	if leftRunning() == "" {
		t.Error("what runs is not seen")
	}
	begun := time.Now()
	stop()
	if took := time.Since(begun); took > leaveWithin+time.Second {
		t.Errorf("Run took %v to end", took)
	}
	holdsNothing(t)
}

func TestDamagedCertificateIsReplaced(t *testing.T) {
	w := acmetest.Start(t, 24*60*60)
	c := configOf(t, w, "pi.cafe.example")
	m, logged, stop := start(t, c)
	await(t, "a certificate", logged, func() bool { return len(m.Certificates()) == 1 })
	stop()
	files, err := filepath.Glob(filepath.Join(c.Dir, "certificates", "*", "*", "*.crt"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	if err := os.WriteFile(files[0], []byte("?"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, logged, _ := start(t, c)
	await(t, "another certificate", logged, func() bool { return len(again.Certificates()) == 1 })
	verify(t, w, again.Certificates()[0], "pi.cafe.example")
}

func TestAdvice(t *testing.T) {
	made := time.Date(2027, time.March, 1, 0, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	for _, c := range []struct{ life, advice, want time.Duration }{
		{90 * day, 50 * day, 50 * day},
		{90 * day, 2 * day, 2 * day},
		{90 * day, -day, rest},
		{5 * day, time.Hour, 12 * time.Hour},
	} {
		leaf := &x509.Certificate{NotBefore: made, NotAfter: made.Add(c.life)}
		if got := follow(leaf, made.Add(c.advice)).Sub(made); got != c.want {
			t.Errorf("of %v, advised after %v: renewed after %v, want %v", c.life, c.advice, got, c.want)
		}
	}
}
