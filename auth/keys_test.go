package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func openKeys(t testing.TB) *Keys {
	t.Helper()
	k, err := OpenKeys(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeysAreMadeOnceForTheirOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "keys")
	first, err := OpenKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(again.all) != 1 || again.all[0].id != first.all[0].id {
		t.Errorf("opened again there are %d keys, want the one made first", len(again.all))
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 {
		t.Fatalf("%d files, want the key alone", len(files))
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, files[0].Name()): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %04o, want %04o", path, got, want)
		}
	}
}

func TestExposedKeysAreRefused(t *testing.T) {
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o666} {
		dir := filepath.Join(t.TempDir(), "keys")
		if _, err := OpenKeys(dir); err != nil {
			t.Fatal(err)
		}
		file := onlyFile(t, dir)
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		_, err := OpenKeys(dir)
		if !errors.Is(err, ErrExposed) {
			t.Errorf("file of mode %04o: error %v, want ErrExposed", mode, err)
		} else if !strings.Contains(err.Error(), "chmod 0600") || !strings.Contains(err.Error(), file) {
			t.Errorf("%q does not say what to do", err)
		}
	}
	dir := filepath.Join(t.TempDir(), "keys")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKeys(dir); !errors.Is(err, ErrExposed) || !strings.Contains(err.Error(), "chmod 0700") {
		t.Errorf("directory of mode 0750: error %v, want ErrExposed and chmod 0700", err)
	}
}

func TestBadKeyFilesAreRefused(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	const name = "20260102T030405Z-0011223344556677.pem"
	for _, test := range []struct{ what, file, content, want string }{
		{"empty", name, "", "no PEM block"},
		{"text", name, "hello", "no PEM block"},
		{"certificate", name, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE"})), "no PEM block PRIVATE KEY"},
		{"damaged", name, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der[3:]})), "damaged"},
		{"ecdsa", name, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "another kind"},
		{"name", "my.pem", "", "does not begin with the instant"},
	} {
		t.Run(test.what, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Chmod(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, test.file), []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := OpenKeys(dir)
			if !errors.Is(err, ErrBadKey) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want ErrBadKey with %q", err, test.want)
			}
		})
	}
}

func TestUnwritableKeysSayWhatFailed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKeys(filepath.Join(file, "keys")); err == nil || !strings.Contains(err.Error(), "directory of signing keys") {
		t.Errorf("error %v, want one about the directory", err)
	}
}

// TestNewestKeySigns copies a key for tomorrow to both hubs of a site, as an
// operator would.
func TestNewestKeySigns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "keys")
		old, err := OpenKeys(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := addKey(dir, time.Now().Add(24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		both, err := OpenKeys(dir)
		if err != nil {
			t.Fatal(err)
		}
		before := sign(t, both, Claims{Role: Barista, Subject: "bob", TTL: 48 * time.Hour})
		if _, err := old.Verify(before, time.Now()); err != nil {
			t.Errorf("a hub that does not know tomorrow's key yet: %v", err)
		}
		time.Sleep(24 * time.Hour)
		after := sign(t, both, Claims{Role: Barista, Subject: "bob"})
		if _, err := old.Verify(after, time.Now()); err == nil {
			t.Error("the new key does not sign though its time has come")
		}
		for _, token := range []string{before, after} {
			if _, err := both.Verify(token, time.Now()); err != nil {
				t.Errorf("a hub with both keys: %v", err)
			}
		}
	})
}

func TestOldestKeySignsBeforeAllTime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	if _, err := OpenKeys(dir); err != nil {
		t.Fatal(err)
	}
	if err := addKey(dir, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	k, err := OpenKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := k.signer(time.Unix(0, 0)); got.id != k.all[0].id {
		t.Error("in 1970 another key than the oldest signs")
	}
}

func sign(t *testing.T, k *Keys, c Claims) string {
	t.Helper()
	token, err := k.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func onlyFile(t *testing.T, dir string) string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files, %v; want one", len(files), err)
	}
	return filepath.Join(dir, files[0].Name())
}
