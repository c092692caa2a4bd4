package acme

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libdns/cloudflare"
	"github.com/libdns/libdns"
	"github.com/libdns/rfc2136"

	"everything.local/transport/cert"
	"everything.local/transport/cert/acme/acmetest"
)

// valid is a configuration that Open takes.
func valid(t *testing.T) Config {
	t.Helper()
	return Config{
		Dir: filepath.Join(t.TempDir(), "acme"), Names: []string{"pi.cafe.example"}, Email: "admin@cafe.example",
		DNS: "rfc2136", Server: "127.0.0.1:53", CredentialsFile: credentials(t, acmetest.KeyFile, 0o600),
	}
}

func credentials(t *testing.T, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"public name to get":    func(c *Config) { c.Names = nil },
		`"localhost" is no`:     func(c *Config) { c.Names = []string{"localhost"} },
		`"10.0.0.1" is no`:      func(c *Config) { c.Names = []string{"10.0.0.1"} },
		`"a.*.example" is no`:   func(c *Config) { c.Names = []string{"a.*.example"} },
		`"-a.example" is no`:    func(c *Config) { c.Names = []string{"-a.example"} },
		`"a..example" is no`:    func(c *Config) { c.Names = []string{"a..example"} },
		"given twice":           func(c *Config) { c.Names = []string{"a.example", "a.example"} },
		"no e-mail address":     func(c *Config) { c.Email = "" },
		"no https URL":          func(c *Config) { c.Directory = "http://ca.example/dir" },
		"resolver":              func(c *Config) { c.Resolvers = []string{"127.0.0.1"} },
		"DNS server":            func(c *Config) { c.Server = "ns.cafe.example" },
		"not one of rfc2136":    func(c *Config) { c.DNS = "route53" },
		"file with the cred":    func(c *Config) { c.CredentialsFile = "" },
		"no such file":          func(c *Config) { c.CredentialsFile += ".no" },
		"is empty":              func(c *Config) { c.CredentialsFile = credentials(t, " \n", 0o600) },
		"as tsig-keygen prints": func(c *Config) { c.CredentialsFile = credentials(t, "hunter2", 0o600) },
		"chmod o=":              func(c *Config) { c.CredentialsFile = credentials(t, acmetest.KeyFile, 0o604) },
		"no certificate in PEM": func(c *Config) { c.RootFile = c.CredentialsFile },
		"authority of the ACME": func(c *Config) { c.RootFile = "/nowhere" },
		"the API token": func(c *Config) {
			c.DNS, c.CredentialsFile = "cloudflare", credentials(t, "two words", 0o600)
		},
	} {
		c := valid(t)
		change(&c)
		_, err := Open(c)
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, cert.ErrConfig) && !errors.Is(err, cert.ErrExposed) {
			t.Errorf("%q: error %v", want, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error has the secret: %v", err)
		}
	}
	c := valid(t)
	if _, err := Open(c); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(c.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("Open made the directory")
	}
}

func TestTSIGKeyFiles(t *testing.T) {
	const secret = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="
	for name, c := range map[string]struct {
		file string
		want *rfc2136.Provider
	}{
		"one line":      {`key "hub" { algorithm hmac-sha512; secret "` + secret + `"; };`, &rfc2136.Provider{KeyName: "hub", KeyAlg: "hmac-sha512", Key: secret}},
		"no quotes":     {"key hub.cafe.example {\n secret " + secret + ";\n algorithm hmac-sha256;\n}\n", &rfc2136.Provider{KeyName: "hub.cafe.example", KeyAlg: "hmac-sha256", Key: secret}},
		"weak":          {`key hub { algorithm hmac-md5; secret "` + secret + `"; };`, nil},
		"short":         {`key hub { algorithm hmac-sha256; secret "MTIz"; };`, nil},
		"no base64":     {`key hub { algorithm hmac-sha256; secret "MTIzNDU2Nzg5MDEyMzQ1Njc4OT==="; };`, nil},
		"no secret":     {`key hub { algorithm hmac-sha256; };`, nil},
		"another block": {`zone hub { algorithm hmac-sha256; secret "` + secret + `"; };`, nil},
	} {
		got, err := parseTSIG("127.0.0.1:53", []byte(c.file))
		if c.want == nil {
			if err == nil {
				t.Errorf("%s: taken", name)
			}
			continue
		}
		c.want.Server = "127.0.0.1:53"
		if p, ok := got.(*rfc2136.Provider); err != nil || !ok || *p != *c.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestCloudflareToken(t *testing.T) {
	c := valid(t)
	c.DNS, c.CredentialsFile = "cloudflare", credentials(t, "hunter2\n", 0o640)
	m, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := m.provider.(*cloudflare.Provider); !ok || p.APIToken != "hunter2" {
		t.Error("the provider has another token")
	}
}

// slow is a provider that never answers.
type slow struct{}

func (slow) AppendRecords(ctx context.Context, _ string, _ []libdns.Record) ([]libdns.Record, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (s slow) DeleteRecords(ctx context.Context, zone string, r []libdns.Record) ([]libdns.Record, error) {
	return s.AppendRecords(ctx, zone, r)
}

func TestProviderThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopping := make(chan struct{})
		b := bounded{slow{}, stopping}
		begun := time.Now()
		if _, err := b.AppendRecords(t.Context(), "", nil); err == nil || time.Since(begun) != recordsWithin {
			t.Errorf("put: %v after %v", err, time.Since(begun))
		}
		time.AfterFunc(time.Second, func() { close(stopping) })
		begun = time.Now()
		if _, err := b.DeleteRecords(t.Context(), "", nil); err == nil || time.Since(begun) != time.Second+leaveWithin {
			t.Errorf("removed: %v after %v, of which it was to stop for all but a second", err, time.Since(begun))
		}
	})
}
