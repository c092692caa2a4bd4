package bench

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"everything.local/loadtest/report"
	"everything.local/loadtest/site"
)

var update = flag.Bool("update", false, "write the golden files anew")

func sample() *Performance {
	return &Performance{
		Machine: report.Machine{CPU: "Cortex-A76", Cores: 4, Kernel: "6.12", Go: "go1.26", OS: "linux", Arch: "arm64"},
		Commit:  "abc", Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), TookS: 720, Rounds: 5, Notes: []string{"A note."},
		Rows: []Row{
			{What: "CPU", Unit: "× floor", Measured: 1.05, Spread: []float64{1, 1.2}, Limit: 1.1, Ratio: true, Note: "6.5 s a million"},
			{What: "saturation", Unit: "× floor", Measured: 7, Spread: []float64{6, 9}, Limit: 8, AtLeast: true, Ratio: true},
			{What: "memory", Unit: "KiB", Measured: 12, Limit: 16},
			{What: "slow", Unit: "× floor", Measured: 3, Ratio: true},
			{What: "allocation", Measured: 0},
		},
		Results: map[string]*report.Result{},
	}
}

// TestGolden holds the files that are written, and that what people wrote stays.
func TestGolden(t *testing.T) {
	for name, write := range map[string]func(*bytes.Buffer) error{
		"performance.md": func(b *bytes.Buffer) error {
			return sample().WriteMarkdown(b, Kept("old\n"+byHand+"\n\nWhere the rest goes.\n"))
		},
		"performance.json": func(b *bytes.Buffer) error { return sample().WriteJSON(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), b.String()); diff != "" {
			t.Errorf("not as in %s; if it is meant, run the test with -update:\n%s", file, diff)
		}
	}
}

// TestRegressions finds what is worse by more than a tenth, and nothing else.
func TestRegressions(t *testing.T) {
	now := sample()
	now.Rows[0].Measured *= 1.09 // noise
	now.Rows[1].Measured *= 0.85 // of which more is better
	now.Rows[1].Spread = []float64{5, 6.9}
	now.Rows[2].Measured *= 1.2
	now.Rows = append(now.Rows, Row{What: "new", Measured: 9})
	if got := now.Regressions(sample()); len(got) != 2 || !strings.HasPrefix(got[0], "saturation: 5.95") || !strings.HasPrefix(got[1], "memory: 14.40 KiB, was 12.00") {
		t.Errorf("%q", got)
	}
	now.Rows[2].Spread = []float64{11.9, 15} // a round as good as before
	if got := now.Regressions(sample()); len(got) != 1 || !strings.HasPrefix(got[0], "saturation") {
		t.Errorf("of rounds that lie apart %q", got)
	}
	now.Rows[2].Spread = []float64{12.5, 15}
	now.Machine.Cores = 2 // on which KiB are others
	if got := now.Regressions(sample()); len(got) != 1 {
		t.Errorf("on another machine %q", got)
	}
	if got := now.Regressions(&Performance{}); got != nil {
		t.Errorf("against nothing %q", got)
	}
}

// TestHub starts and stops one; behind the tracer each of its writes takes at
// least as long as is asked for.
func TestHub(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dir := t.TempDir()
	program, err := build(ctx, dir, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	const longer = 100 * time.Millisecond
	ways := map[string][]string{"plain": nil, "slow": slowDisk(longer)}
	if ways["slow"] == nil {
		t.Fatal("strace is not installed; make setup does it")
	}
	for name, before := range ways {
		h, err := start(ctx, program, dir, before...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s := site.New(h.url.String(), h.token, h.tls)
		began := time.Now()
		_, err = s.Announce(ctx, "Hello")
		took := time.Since(began)
		s.Close()
		if err := h.stop(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil || before != nil && took < longer {
			t.Errorf("%s: %v after %v", name, err, took)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "data-*")); err != nil || len(left) > 0 {
			t.Errorf("%s left %v, %v", name, left, err)
		}
	}
}
