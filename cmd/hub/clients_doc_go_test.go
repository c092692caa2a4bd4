package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// around is what the Go of docs/clients.md stands in.
const around = `package snippet

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"log/slog"

	"everything.local/client"
	"everything.local/event"
	"everything.local/proto"
)

var (
	log  = slog.Default()
	show = func(event.Topic, string, json.RawMessage) {}
)

func snippet(ctx context.Context, token string, roots *x509.CertPool) error {
%s
	_ = placed
	return err
}
`

// TestClientsDocumentCompiles holds that the Go of docs/clients.md is that of the
// client as it is. The file is only laid over the tree.
func TestClientsDocumentCompiles(t *testing.T) {
	t.Parallel()
	tree, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range clientsDocument(t) {
		if b.language != "go" {
			continue
		}
		dir := t.TempDir()
		file, overlay := filepath.Join(dir, "snippet.go"), filepath.Join(dir, "overlay.json")
		laid, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(tree, "docs", "snippet", "snippet.go"): file}})
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string][]byte{file: fmt.Appendf(nil, around, b.text), overlay: laid} {
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, module+"/docs/snippet")
		c.Dir = tree
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("docs/clients.md:%d: %v\n%s", b.line, err, strings.ReplaceAll(string(out), file, "the block"))
		}
	}
}
