package cert

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"
)

// attempt is a session that a page opens.
type attempt struct {
	Name   string
	URL    string
	Hashes [][]int // as JavaScript takes them
	Want   bool
}

// attempts is a page that makes them all and sends back which ones succeeded.
var attempts = template.Must(template.New("").Parse(`<!doctype html><title>hashes</title><script type="module">
const got = [];
for (const a of {{.}}) {
  const hashes = a.Hashes.map((h) => ({ algorithm: "sha-256", value: new Uint8Array(h) }));
  const session = new WebTransport(a.URL, { serverCertificateHashes: hashes });
  session.closed.catch(() => {});
  got.push(await session.ready.then(() => "", String));
  session.close();
}
await fetch("/got", { method: "POST", body: JSON.stringify(got) });
</script>`))

// TestChromiumTakesHashes holds what the line of leaves rests on: Chromium takes
// a leaf that an authority has signed by its hash, if it is good for at most 14
// days, whether it is alone or not among the hashes given.
func TestChromiumTakesHashes(t *testing.T) {
	s := mustOpen(t, Config{Dir: filepath.Join(t.TempDir(), "tls")})
	short, long := startWebTransport(t, s.QUICTLSConfig()), startWebTransport(t, s.TLSConfig(false))
	hashes := s.Hashes()
	current, next := hashes[0].SHA256, hashes[1].SHA256
	list := []attempt{
		{"the current leaf", short, bytesOf(current), true},
		{"with the next one announced", short, bytesOf(current, next), true},
		{"the next one first", short, bytesOf(next, current), true},
		{"only the next one", short, bytesOf(next), false},
		{"the leaf of TCP", long, bytesOf(sha256.Sum256(s.current.Load().Certificate[0])), false},
	}
	for i, refused := range inChromium(t, list) {
		if got := refused == ""; got != list[i].Want {
			t.Errorf("%s: taken %v, want %v (%s)", list[i].Name, got, list[i].Want, refused)
		}
	}
}

func bytesOf(hashes ...[sha256.Size]byte) (all [][]int) {
	for _, h := range hashes {
		var one []int
		for _, b := range h {
			one = append(one, int(b))
		}
		all = append(all, one)
	}
	return all
}

// startWebTransport serves sessions until the test ends, and returns where.
func startWebTransport(t *testing.T, c *tls.Config) (url string) {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h3 := &http3.Server{}
	server := &webtransport.Server{H3: h3, CheckOrigin: func(*http.Request) bool { return true }}
	webtransport.ConfigureHTTP3Server(h3)
	h3.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, err := server.Upgrade(w, r)
		if err != nil {
			t.Error(err)
			return
		}
		<-session.Context().Done()
	})
	l, err := quic.ListenEarly(udp, http3.ConfigureTLSConfig(c), &quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept(context.Background())
			if err != nil {
				return // closed below
			}
			wg.Go(func() { _ = server.ServeQUICConn(conn) })
		}
	})
	t.Cleanup(func() {
		_ = server.Close()
		_ = l.Close()
		_ = udp.Close()
		wg.Wait()
	})
	return "https://" + udp.LocalAddr().String() + "/"
}

// inChromium makes the attempts in a page, and returns for each one why it was
// refused, or "".
func inChromium(t *testing.T, list []attempt) []string {
	t.Helper()
	var page bytes.Buffer
	if err := attempts.Execute(&page, list); err != nil {
		t.Fatal(err)
	}
	answers := make(chan []string, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page.Bytes()) })
	mux.HandleFunc("POST /got", func(_ http.ResponseWriter, r *http.Request) {
		var got []string
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil || len(got) != len(list) {
			t.Errorf("the page sent %d answers, %v, want %d", len(got), err, len(list))
			got = make([]string, len(list))
		}
		answers <- got
	})
	pages := httptest.NewServer(mux) // on loopback, which is secure enough
	t.Cleanup(pages.Close)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	chromium := cmp.Or(os.Getenv("CHROMIUM"), "/usr/bin/chromium")
	c := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir="+t.TempDir(), pages.URL)
	var said bytes.Buffer
	c.Stderr = &said
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // it ends its children
	c.WaitDelay = 10 * time.Second
	if err := c.Start(); err != nil {
		t.Fatal(fmt.Errorf("Chromium is needed, see .ci/setup: %w", err))
	}
	defer func() {
		cancel()
		_ = c.Wait()
	}()
	select {
	case got := <-answers:
		return got
	case <-ctx.Done():
		t.Fatalf("Chromium did not answer:\n%s", &said)
		return nil
	}
}
