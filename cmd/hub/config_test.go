package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"everything.local/transport/cert/acme/acmetest"
)

// check runs hub check and returns its exit code and what it printed.
func check(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), append([]string{"check"}, args...), &out, &out)
	if err != nil {
		out.WriteString(err.Error())
	}
	return exitCode(err), out.String()
}

func TestCheck(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	write(t, bad, "listne: :9000\n")
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	write(t, broken, "listen: [\n")
	yaml := func(text string) []string {
		file := filepath.Join(t.TempDir(), "hub.yaml")
		write(t, file, text)
		return []string{"--config", file}
	}
	tsig := filepath.Join(t.TempDir(), "tsig.key")
	write(t, tsig, acmetest.KeyFile)
	public := []string{"--acme-dns", "rfc2136", "--acme-server", "127.0.0.1:53", "--acme-name", "pi.cafe.example", "--acme-email", "a@cafe.example"}
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"defaults", nil, 0, "good"},
		{"port", []string{"--listen", ":99999"}, 2, "host:port"},
		{"admin's address", []string{"--admin", "6060"}, 2, "--admin"},
		{"admin for all", []string{"--admin", ":6060"}, 2, "--admin-anywhere"},
		{"admin for the network", []string{"--admin", "192.0.2.1:6060"}, 2, "--admin-anywhere"},
		{"admin for nobody", []string{"--admin", "unix:"}, 2, "--admin"},
		{"admin anywhere but nowhere", []string{"--admin-anywhere"}, 2, "--admin-anywhere"},
		{"board's address", []string{"--board-http", "80"}, 2, "--board-http"},
		{"no such cert", []string{"--cert", "/nowhere.pem", "--key", "/nowhere.pem"}, 2, "nowhere.pem"},
		{"origin", []string{"--allow-origin", "pi-2.local"}, 2, "--allow-origin"},
		{"origin with a path", []string{"--allow-origin", "https://pi-2.local/x"}, 2, "--allow-origin"},
		{"origins", []string{"--allow-origin", "https://pi-2.local:8443,https://pi-3.local/"}, 0, "good"},
		{"name in two lines", []string{"--site", "a\nb"}, 2, "--site"},
		{"everything in a file", yaml("host: [a.local, b.local]\nguests: false\naccept-within: 3m\nsite: 1001\n"), 0, "good"},
		{"one of a list", yaml("host: a.local\n"), 0, "good"},
		{"number for an address", yaml("listen: 8443\n"), 2, "host:port"},
		{"number for a time", yaml("accept-within: 300\n"), 2, "accept-within"},
		{"list for a value", yaml("listen: [':1', ':2']\n"), 2, "listen takes one value"},
		{"nothing for a value", yaml("listen:\n"), 2, "listen has no value"},
		{"address", []string{"--listen", "8443"}, 2, "host:port"},
		{"cert without key", []string{"--cert", "x.pem"}, 2, "go together"},
		{"public name", append(public, "--acme-credentials", tsig), 0, "good"},
		{"public name in a file", yaml("acme-dns: rfc2136\nacme-server: 127.0.0.1:53\nacme-name: [pi.cafe.example]\nacme-email: a@cafe.example\nacme-credentials: " + tsig + "\n"), 0, "good"},
		{"public name without credentials", public, 2, "credentials"},
		{"public name that is none", append(public, "--acme-credentials", tsig, "--acme-name", "localhost"), 2, "no public name"},
		{"public name without a way", []string{"--acme-name", "pi.cafe.example"}, 2, "--acme-dns"},
		{"two certificates", append(public, "--cert", "x.pem", "--key", "x.pem"), 2, "give one"},
		{"DNS nobody knows", []string{"--acme-dns", "hosts"}, 2, "rfc2136"},
		{"HTTP/3 maybe", []string{"--alt-svc", "maybe"}, 2, "auto"},
		{"accept too short", []string{"--accept-within", "1s"}, 2, "10s to 24h"},
		{"pickup too long", []string{"--pickup-within", "48h"}, 2, "10s to 24h"},
		{"drain too long", []string{"--drain", "1h"}, 2, "--drain"},
		{"memory", []string{"--memory", "512MiB"}, 0, "good"},
		{"memory of a microcontroller", []string{"--memory", "512KiB"}, 2, "less than 64MiB"},
		{"memory without end", []string{"--memory", "lots"}, 2, "no amount of memory"},
		{"no name", []string{"--site", " "}, 2, "--site"},
		{"mode", []string{"--mode", "party"}, 2, "live"},
		{"flag", []string{"--lisen", ":1"}, 2, "--help"},
		{"unknown key in file", []string{"--config", bad}, 2, "listne"},
		{"not YAML", []string{"--config", broken}, 2, "yaml"},
		{"no such file", []string{"--config", "/nowhere.yaml"}, 2, "nowhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out := check(t, c.args...)
			if code != c.code || !strings.Contains(out, c.says) {
				t.Errorf("exit %d, want %d with %q in:\n%s", code, c.code, c.says, out)
			}
		})
	}
}

// TestStrength holds that flags win over the environment, which wins over the
// file.
func TestStrength(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hub.yaml")
	write(t, file, "listen: :1001\naccept-within: 7m\n")
	if _, out := check(t, "--config", file); !strings.Contains(out, ":1001") {
		t.Errorf("the file does not count: %s", out)
	}
	t.Setenv("HUB_LISTEN", ":1002")
	if _, out := check(t, "--config", file); !strings.Contains(out, ":1002") {
		t.Errorf("the environment does not win over the file: %s", out)
	}
	if _, out := check(t, "--config", file, "--listen", ":1003"); !strings.Contains(out, ":1003") {
		t.Errorf("the flag does not win over the environment: %s", out)
	}
}

func TestHelpTeaches(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"token", "--help"}} {
		var out bytes.Buffer
		if err := run(t.Context(), args, &out, &out); err != nil {
			t.Errorf("%v: %v", args, err)
		}
		if !strings.Contains(out.String(), "Usage: hub") {
			t.Errorf("%v printed:\n%s", args, out.String())
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDirectoryIsAdopted holds that name and mode need not be said again.
func TestDirectoryIsAdopted(t *testing.T) {
	data := t.TempDir()
	write(t, filepath.Join(data, "site.json"), `{"site":"Bar Centrale","mode":"test"}`)
	c := config{Data: data, Listen: ":0", AcceptWithin: time.Minute, PickupWithin: time.Minute}
	if err := c.settle(); err != nil || c.Site != "Bar Centrale" || c.Mode != "test" {
		t.Errorf("%q %q, %v", c.Site, c.Mode, err)
	}
}
