package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// certificateFor makes a certificate that nobody has signed and returns its
// file and its key's.
func certificateFor(t *testing.T, name string) (certFile, keyFile string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	leaf, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf})))
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	return certFile, keyFile
}

// TestSelfURL holds where a hub finds itself.
func TestSelfURL(t *testing.T) {
	for listen, want := range map[string]string{
		":8443":            "https://localhost:1",
		"0.0.0.0:8443":     "https://localhost:1",
		"[::]:8443":        "https://localhost:1",
		"127.0.0.1:0":      "https://localhost:1",
		"192.0.2.7:8443":   "https://192.0.2.7:1",
		"[2001:db8::1]:80": "https://[2001:db8::1]:1",
		"pi.example:8443":  "https://pi.example:1",
	} {
		c := config{Listen: listen}
		if got := c.selfURL("1"); got != want {
			t.Errorf("on %s: %s, want %s", listen, got, want)
		}
	}
}

// TestSelfTrust holds that hub forget and the demo reach a hub whose
// certificate is for names that do not lead to it.
func TestSelfTrust(t *testing.T) {
	for _, name := range []string{"cafe.example", "*.cafe.example"} {
		c := config{Data: t.TempDir()}
		c.Cert, c.Key = certificateFor(t, name)
		p := launch(t, c.Data, "--cert", c.Cert, "--key", c.Key)
		var url string
		select {
		case m := <-p.out.waitFor(regexp.MustCompile(`is open: (https://localhost:\d+)`)):
			url = m[1]
		case err := <-p.ended:
			t.Fatalf("hub ended: %v\n%s", err, p.log)
		}
		client := c.selfClient()
		t.Cleanup(client.CloseIdleConnections)
		for _, trusted := range []bool{true, false} {
			if !trusted { // another one, of the same name
				c.Cert, c.Key = certificateFor(t, name)
				client = c.selfClient()
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/healthz", nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := client.Do(r)
			if err == nil {
				_ = answer.Body.Close()
			}
			if (err == nil) != trusted {
				t.Errorf("%s, trusted %v: %v", name, trusted, err)
			}
		}
	}
}

// TestForgetRefuses holds that nobody is told that a customer is forgotten who
// is not, and that no site begins where there is none.
func TestForgetRefuses(t *testing.T) {
	for _, c := range []struct{ name, customer, says string }{
		{"cut short", "abc", "no customer's id"},
		{"a path", "../orders/aaaaaaaaaa", "no customer's id"},
		{"no hub's directory", "aaaaaaaaaaaaaaaaaaaa", "no hub's data directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := t.TempDir()
			var out bytes.Buffer
			err := run(t.Context(), []string{"forget", c.customer, "--data", data}, &out, &out)
			if exitCode(err) != 2 || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v\n%s", err, out.String())
			}
			if files, err := os.ReadDir(data); err != nil || len(files) > 0 {
				t.Errorf("left behind %v, %v", files, err)
			}
		})
	}
}

// TestTokenNeedsAHub holds that no key is made that no hub believes.
func TestTokenNeedsAHub(t *testing.T) {
	data := t.TempDir()
	var out bytes.Buffer
	err := run(t.Context(), []string{"token", "--role", "barista", "--sub", "bob", "--data", data}, &out, &out)
	if exitCode(err) != 2 || out.Len() > 0 {
		t.Errorf("%v\n%s", err, out.String())
	}
	if files, err := os.ReadDir(data); err != nil || len(files) > 0 {
		t.Errorf("left behind %v, %v", files, err)
	}
}
