package streams

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	openNode(t, testConfig(dir))
	other := t.TempDir()
	closeNode(t, openNode(t, testConfig(other)))
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "site.json"), []byte(`{"site":`), 0o600); err != nil {
		t.Fatal(err)
	}
	blocked := t.TempDir()
	if err := os.WriteFile(filepath.Join(blocked, "jetstream"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		config Config
		want   error
		say    string
	}{
		{"in use", testConfig(dir), ErrLocked, "stop it"},
		{"other site", Config{Dir: other, Site: "station", Mode: "test"}, ErrOtherSite, "--data"},
		{"other mode", Config{Dir: other, Site: "corner", Mode: "live"}, ErrOtherMode, "--data"},
		{"a file", testConfig(file), ErrUnwritable, "check"},
		{"below a file", testConfig(filepath.Join(file, "data")), ErrUnwritable, "check"},
		{"no room for the streams", testConfig(blocked), ErrUnwritable, "check"},
		{"a broken site.json", testConfig(broken), ErrDamaged, "restore"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n, err := Open(t.Context(), tc.config)
			if err == nil {
				closeNode(t, n)
			}
			if !errors.Is(err, tc.want) {
				t.Fatalf("open: %v, want %v", err, tc.want)
			}
			if !strings.Contains(err.Error(), tc.say) || !strings.Contains(err.Error(), tc.config.Dir) {
				t.Errorf("%q does not say where and what to do", err)
			}
		})
	}
	for _, c := range []Config{{}, {Dir: "x", Site: "y"}, {Dir: "x", Site: "y", Mode: "z", Cluster: &Cluster{}}} {
		if _, err := Open(t.Context(), c); err == nil {
			t.Errorf("%+v opened", c)
		}
	}
}

// TestRefusalLeavesTheDirectory holds that an Open that fails gives the lock
// back.
func TestRefusalLeavesTheDirectory(t *testing.T) {
	dir := t.TempDir()
	closeNode(t, openNode(t, testConfig(dir)))
	if _, err := Open(t.Context(), Config{Dir: dir, Site: "station", Mode: "test"}); !errors.Is(err, ErrOtherSite) {
		t.Fatalf("open: %v", err)
	}
	closeNode(t, openNode(t, testConfig(dir)))
}

func TestModesOfFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	n := openNode(t, testConfig(dir))
	if err := n.Checkpoints().Save([]byte("x")); err != nil {
		t.Fatal(err)
	}
	closeNode(t, n)
	for name, want := range map[string]os.FileMode{
		".": 0o700 | os.ModeDir, "hub.lock": 0o600, "site.json": 0o600, "highwater.json": 0o600, "checkpoint": 0o600,
	} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), want)
		}
	}
}
