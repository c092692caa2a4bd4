package cert

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func mustOpenSecrets(t *testing.T, dir string) *Secrets {
	t.Helper()
	s, err := OpenSecrets(dir, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSecretsSurviveARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	first, again := mustOpenSecrets(t, dir), mustOpenSecrets(t, dir)
	for name, secret := range first.blocks() {
		if *secret == (Secret{}) {
			t.Errorf("%s is empty", name)
		}
		if *secret != *again.blocks()[name] {
			t.Errorf("%s is another after a restart", name)
		}
		if other := mustOpenSecrets(t, t.TempDir()).blocks()[name]; *secret == *other {
			t.Errorf("%s is the same in another directory", name)
		}
	}
	if first.StatelessReset == first.Token || first.Token == first.ticket {
		t.Error("two secrets are the same")
	}
	info, err := os.Stat(filepath.Join(dir, secretsFile))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("the file has mode %04o, want 0600", got)
	}
}

func TestDamagedSecretsAreMadeAnew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, secretsFile)
	mustOpenSecrets(t, dir)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	empty := (&Secrets{}).marshal()
	for name, damaged := range map[string][]byte{
		"nothing": nil, "a part": whole[:len(whole)-60], "zeros": empty, "other text": []byte("hello"),
		"one twice": bytes.Replace(whole, []byte(tokenBlock), []byte(resetBlock), 2),
	} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		var logged bytes.Buffer
		s, err := OpenSecrets(dir, slog.New(slog.NewTextHandler(&logged, nil)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !strings.Contains(logged.String(), "made anew") {
			t.Errorf("%s: nobody is told: %q", name, &logged)
		}
		if again := mustOpenSecrets(t, dir); again.Token != s.Token || s.Token == (Secret{}) {
			t.Errorf("%s: the new secrets were not kept", name)
		}
	}
}

func TestSecretsAreTheirOwnersOnly(t *testing.T) {
	dir := t.TempDir()
	mustOpenSecrets(t, dir)
	if err := os.Chmod(filepath.Join(dir, secretsFile), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSecrets(dir, quiet()); !errors.Is(err, ErrExposed) || !strings.Contains(err.Error(), "chmod 0600") {
		t.Errorf("secrets of mode 0640: error %v, want ErrExposed", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSecrets(file, quiet()); err == nil {
		t.Error("a file was taken for the directory")
	}
}

// TestSecretsAreNotShown prints them in the ways in which a struct ends up in
// a log by mistake.
func TestSecretsAreNotShown(t *testing.T) {
	s := &Secrets{}
	for _, secret := range s.blocks() {
		for i := range secret {
			secret[i] = 0xab
		}
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		for _, what := range []any{s.Token, &s.Token, s, []any{s}} {
			fmt.Fprintf(&out, verb+"\n", what)
		}
	}
	// The time may have any digits in it.
	timeless := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, timeless), slog.NewJSONHandler(&out, timeless)} {
		slog.New(h).Info("oops", "token", s.Token, "all", s)
	}
	for _, form := range []string{"171", "171 171", "abab", "ABAB", "q6ur", "\xab"} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the secret shows as %q:\n%s", form, &out)
		}
	}
}
