package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"everything.local/loadtest/feed"
	"everything.local/loadtest/report"
)

// limits are the numbers to hold.
var limits = map[feed.Wire]struct{ cpu, most, kib float64 }{
	feed.WS:       {cpu: 1.1, most: 8, kib: 16},
	feed.SSE:      {cpu: 1.1, most: 8, kib: 16},
	feed.NDJSONH3: {cpu: 2, most: 2.5, kib: 85},
	feed.WT:       {cpu: 2, most: 1.2, kib: 100},
}

// Performance is what a bench found: docs/performance.json.
type Performance struct {
	Machine report.Machine `json:"machine"`
	Commit  string         `json:"commit"`
	Started time.Time      `json:"started"`
	TookS   float64        `json:"took_s"`
	Quick   bool           `json:"quick"`
	Rounds  int            `json:"rounds"`
	Rows    []Row          `json:"rows"`
	Notes   []string       `json:"notes"`
	// Results are the last run of each part.
	Results map[string]*report.Result `json:"results"`

	idle map[feed.Wire]float64
}

// Row is a line of the table.
type Row struct {
	What     string    `json:"what"`
	Unit     string    `json:"unit"`
	Measured float64   `json:"measured"`
	Spread   []float64 `json:"spread"`
	// Limit is what is promised, at most or, with AtLeast, at least; 0 and a
	// unit for nothing promised.
	Limit   float64 `json:"limit"`
	AtLeast bool    `json:"at_least"`
	// Ratio says that it is one, which compares from machine to machine.
	Ratio bool   `json:"ratio"`
	Note  string `json:"note"`
}

func newPerformance(p *plan) *Performance {
	return &Performance{
		Machine: report.ThisMachine(), Commit: report.Commit(), Started: time.Now().UTC().Truncate(time.Second), Quick: p.Quick,
		Rounds: p.rounds, Notes: []string{}, Results: map[string]*report.Result{}, idle: map[feed.Wire]float64{},
	}
}

func (f *Performance) add(r Row) { f.Rows = append(f.Rows, r) }

// keep keeps a result, without its plots.
func (f *Performance) keep(name string, r *report.Result) {
	r.Series = []report.Series{}
	f.Results[name] = r
}

// promised reports whether there is a limit.
func (r *Row) promised() bool { return r.Limit != 0 || r.Unit == "" }

// Met reports whether a row holds what is promised.
func (r *Row) Met() bool {
	if r.AtLeast {
		return r.Measured >= r.Limit
	}
	return !r.promised() || r.Measured <= r.Limit
}

// mayWorsen is how much worse than committed a row may be.
const mayWorsen = 1.1

// Regressions are the rows that are worse than before. Seconds and KiB are
// compared only on the same machine.
func (f *Performance) Regressions(before *Performance) (worse []string) {
	for _, r := range f.Rows {
		i := slices.IndexFunc(before.Rows, func(b Row) bool { return b.What == r.What })
		if i < 0 || !r.Ratio && f.Machine != before.Machine {
			continue
		}
		was := before.Rows[i].Measured
		if r.worse(r.Measured, was, mayWorsen) && r.worse(r.best(), was, 1) {
			worse = append(worse, fmt.Sprintf("%s: %.2f %s, was %.2f", r.What, r.Measured, r.Unit, was))
		}
	}
	return worse
}

// worse reports whether v is worse than another value of the row by a factor.
func (r *Row) worse(v, was, factor float64) bool {
	if r.AtLeast {
		return v*factor < was
	}
	return v > was*factor
}

// best is the best of a row's rounds. On a machine that others use, rounds of
// one run lie a fifth apart: a row is worse when its median is, and when not one
// of its rounds was as good as before.
func (r *Row) best() float64 {
	switch {
	case len(r.Spread) < 2:
		return r.Measured
	case r.AtLeast:
		return r.Spread[1]
	default:
		return r.Spread[0]
	}
}

// WriteJSON writes f.
func (f *Performance) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(f)
}

func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	m := s[len(s)/2]
	if len(s)%2 == 0 {
		m = (m + s[len(s)/2-1]) / 2
	}
	return m
}

func spread(values []float64) []float64 {
	return []float64{slices.Min(values), slices.Max(values)}
}
