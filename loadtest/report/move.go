package report

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// Move is one way to change networks, made again and again. Pauses are the
// longest between two entries around each switch, in milliseconds, with the pace
// of the entries in them; where nothing is switched they are latencies.
type Move struct {
	Journey  string  `json:"journey"`
	Switches int     `json:"switches"`
	P50      float64 `json:"pause_p50_ms"`
	P99      float64 `json:"pause_p99_ms"`
	Max      float64 `json:"pause_max_ms"`
	// Calm is the 99th percentile of the longest pauses in a second before each
	// switch, in which nothing happens; null where there is no time for one.
	Calm *float64 `json:"calm_p99_ms"`
	// Limit is what the 99th percentile must not exceed; null for none.
	Limit     *float64 `json:"limit_ms"`
	Delivered uint64   `json:"delivered"`
	// Lost is what never came; Conflated are states that were skipped because a
	// newer one of the same key was sent.
	Lost      uint64 `json:"lost"`
	Conflated uint64 `json:"conflated"`
	Repeated  uint64 `json:"repeated"`
	// Moves is how often a connection has gone on over another path by its
	// client's doing, Same after how many switches it was the same as before.
	Moves int `json:"moves"`
	// Same is null where a new connection is as good.
	Same *int `json:"same_connection"`
}

// writeMoves writes what was travelled, one line each.
func (r *Result) writeMoves(w io.Writer) error {
	if len(r.Moves) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "journey\tswitches\tp50 ms\tp99 ms\tmax ms\twithout\tat most\tdelivered\tlost\trepeated\tsame connection\t")
	for _, m := range r.Moves {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\t\n", m.Journey, m.Switches, show(&m.P50), show(&m.P99), show(&m.Max), show(m.Calm),
			show(m.Limit), m.Delivered, m.Lost, m.Repeated, m.Kept())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

// Kept is Same for a person.
func (m Move) Kept() string {
	if m.Same == nil {
		return "-"
	}
	return strconv.Itoa(*m.Same)
}
