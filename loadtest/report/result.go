// Package report is what a load test hands back: as JSON of a stable shape, as
// a table for a terminal and as a page with plots that needs nothing else.
package report

import (
	"encoding/json"
	"io"
	"time"
)

// Result is what a run measured. Its JSON has a stable shape, which a golden
// file holds: members are added, never renamed; what was not measured is null.
type Result struct {
	Scenario string `json:"scenario"`
	Target   string `json:"target"`
	// Passed says that everything a run checks held; Violations are what did
	// not, the first of each kind and watcher.
	Passed     bool     `json:"passed"`
	Violations []string `json:"violations"`

	Floor map[string]Floor `json:"floor"`
	Wires map[string]Wire  `json:"wires"`
	// Figures are what else a scenario measures, by name.
	Figures map[string]float64 `json:"figures"`
	Series  []Series           `json:"series"`
	// Steps are the rates that were tried, in order, of a scenario that tries
	// several.
	Steps []Step `json:"steps"`
	// Moves are the ways to change networks that were tried.
	Moves []Move `json:"moves"`

	Parameters Parameters `json:"parameters"`
	Machine    Machine    `json:"machine"`
	// Commit is that of the harness, Hub what the hub says of its version.
	Commit  string    `json:"commit"`
	Hub     string    `json:"hub"`
	Started time.Time `json:"started"`
	TookS   float64   `json:"took_s"`
}

// Floor is what the least that could be done costs, on the same machine in the
// same run.
type Floor struct {
	// CPUPerMillion is in seconds for a million writes; PerS is how many a core
	// does in a second when it does nothing else.
	CPUPerMillion *float64 `json:"cpu_s_per_million"`
	PerS          *float64 `json:"per_s"`
	P50           *float64 `json:"p50_ms"`
	P99           *float64 `json:"p99_ms"`
}

// Wire is what was measured on one wire.
type Wire struct {
	Delivered uint64 `json:"delivered"`
	Expected  uint64 `json:"expected"`
	// Conflated are states that were skipped because a newer one of the same
	// key was sent.
	Conflated uint64 `json:"conflated"`
	Gaps      uint64 `json:"gaps"`
	Repeats   uint64 `json:"repeats"`
	Reordered uint64 `json:"reordered"`
	// Altered are entries that were not what other watchers were sent; Resets
	// are snapshots sent where a position was given.
	Altered uint64 `json:"altered"`
	Resets  uint64 `json:"resets"`

	P50  *float64 `json:"p50_ms"`
	P99  *float64 `json:"p99_ms"`
	P999 *float64 `json:"p999_ms"`
	Max  *float64 `json:"max_ms"`

	// CPUPerMillion is the hub's, in seconds for a million deliveries: the
	// median of all rounds. It has the hub's work for the commands in it, of
	// which CommandsPerMillion is what they cost without a watcher.
	CPUPerMillion      *float64 `json:"cpu_s_per_million"`
	CommandsPerMillion *float64 `json:"commands_cpu_s_per_million"`
	// RatioToFloor is the median of each round's ratio to the floor that was
	// measured beside it; RatioSpread has the least and the largest.
	RatioToFloor  *float64  `json:"ratio_to_floor"`
	RatioSpread   []float64 `json:"ratio_spread"`
	KiBPerWatcher *float64  `json:"kib_per_watcher"`
	ConnectsPerS  *float64  `json:"connects_per_s"`
	MaxPerS       *float64  `json:"max_per_s"`
}

// Step is one rate that was tried.
type Step struct {
	Wire string `json:"wire"`
	// Rate is in messages a second, PerS in deliveries a second.
	Rate float64 `json:"rate"`
	PerS float64 `json:"per_s"`
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
	// PerRead is how many messages came with one read of a watcher's, which is
	// how large the hub's batches are as long as the watchers keep up.
	PerRead float64 `json:"per_read"`
	// HubCore and HarnessCore are how busy each was, in parts of a core; null
	// where that is not known.
	HubCore     *float64 `json:"hub_core"`
	HarnessCore *float64 `json:"harness_core"`
	Held        bool     `json:"held"`
}

// Series is one plot: values over the seconds of a run.
type Series struct {
	Title string `json:"title"`
	Unit  string `json:"unit"`
	Lines []Line `json:"lines"`
}

// Line is one line of a plot. X is in seconds since the run began.
type Line struct {
	Name string    `json:"name"`
	X    []float64 `json:"x"`
	Y    []float64 `json:"y"`
}

// Parameters are what a run was asked for.
type Parameters struct {
	Wires    []string `json:"wires"`
	Watchers int      `json:"watchers"`
	Rate     float64  `json:"rate"`
	ForS     float64  `json:"for_s"`
	Rounds   int      `json:"rounds"`
	Pinned   bool     `json:"pinned"`
	Bytes    int      `json:"value_bytes"`
}

// Machine is where it was measured.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	OS     string `json:"os"`
	Arch   string `json:"arch"`
}

// WriteJSON writes r.
func (r *Result) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
