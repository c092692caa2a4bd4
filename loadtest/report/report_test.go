package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"everything.local/loadtest/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

func sample() *report.Result {
	return &report.Result{
		Scenario: "fanout", Target: "https://127.0.0.1:8443", Passed: false,
		Violations: []string{`watcher 7 on <ws>, at 1042: step 3 never came`},
		Floor:      map[string]report.Floor{"tls_write": {CPUPerMillion: new(6.25), PerS: new(160000.0), P50: new(1.5), P99: new(4.25)}},
		Wires: map[string]report.Wire{
			"ws": {
				Delivered: 99, Expected: 100, Gaps: 1, P50: new(1.25), P99: new(9.5), P999: new(12.0), Max: new(12.5),
				CPUPerMillion: new(6.5), CommandsPerMillion: new(0.75), RatioToFloor: new(1.04), RatioSpread: []float64{1.0, 1.1},
				KiBPerWatcher: new(11.5), ConnectsPerS: new(850.0), MaxPerS: new(1.5e6),
			},
			"wt": {Delivered: 100, Expected: 100},
		},
		Figures: map[string]float64{"hub_cpu_ms_per_command": 0.5},
		Series: []report.Series{{Title: "Deliveries", Unit: "/s", Lines: []report.Line{
			{Name: "ws", X: []float64{1, 2, 9, 10}, Y: []float64{0, 20000, 19000, 21000}}, {Name: "wt", X: []float64{3}, Y: []float64{5}},
		}}},
		Steps: []report.Step{
			{Wire: "ws", Rate: 20, PerS: 20000, P50: 5, P99: 11.5, PerRead: 1, HubCore: new(0.25), HarnessCore: new(0.5), Held: true},
			{Wire: "ws", Rate: 2000, PerS: 1.5e6, P50: 30, P99: 140, PerRead: 55.5},
		},
		Moves: []report.Move{
			{Journey: "switch", Switches: 200, P50: 25.1, P99: 30.25, Max: 41, Calm: new(24.5), Limit: new(50.0), Delivered: 27500, Moves: 200, Same: new(200)},
			{Journey: "lossy", Switches: 200, P50: 105, P99: 356, Max: 633, Delivered: 32500, Lost: 1},
		},
		Parameters: report.Parameters{Wires: []string{"ws", "wt"}, Watchers: 1000, Rate: 20, ForS: 5, Rounds: 5, Pinned: true, Bytes: 200},
		Machine:    report.Machine{CPU: "Cortex-A76", Cores: 4, Kernel: "6.12", Go: "go1.26", OS: "linux", Arch: "arm64"},
		Commit:     "abc", Hub: "v1", Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), TookS: 61.5,
	}
}

// TestGolden holds the forms that others read.
func TestGolden(t *testing.T) {
	for name, write := range map[string]func(*report.Result, *bytes.Buffer) error{
		"result.json": func(r *report.Result, b *bytes.Buffer) error { return r.WriteJSON(b) },
		"result.html": func(r *report.Result, b *bytes.Buffer) error { return r.WriteHTML(b) },
		"result.txt":  func(r *report.Result, b *bytes.Buffer) error { return r.WriteTable(b) },
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := write(sample(), &b); err != nil {
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
		})
	}
}

// TestPageStandsAlone: it loads nothing, runs nothing and escapes what it shows.
func TestPageStandsAlone(t *testing.T) {
	var b bytes.Buffer
	if err := sample().WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", "src=", "<link", "url(", "@import", "on <ws>", "ZgotmplZ", "NaN"} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}
