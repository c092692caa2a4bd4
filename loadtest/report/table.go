package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"text/tabwriter"
)

// WriteTable writes what a person looks at first.
func (r *Result) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\n%s of %s (%s)\n%s, %d cores, Linux %s, %s, commit %s\n\n", r.Scenario, r.Target, r.Hub,
		r.Machine.CPU, r.Machine.Cores, r.Machine.Kernel, r.Machine.Go, r.Commit)
	fmt.Fprintln(t, "wire\tdelivered\texpected\tconflated\twrong\tp50 ms\tp99 ms\tp99.9 ms\tmax ms\tcpu s/M\tof floor\tKiB each\tconnects/s\tmax/s\t")
	for _, name := range slices.Sorted(maps.Keys(r.Wires)) {
		v := r.Wires[name]
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", name, v.Delivered, v.Expected, v.Conflated,
			v.Gaps+v.Repeats+v.Reordered+v.Altered, show(v.P50), show(v.P99), show(v.P999), show(v.Max),
			show(v.CPUPerMillion), v.ratio(), show(v.KiBPerWatcher), show(v.ConnectsPerS), show(v.MaxPerS))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Floor)) {
		f := r.Floor[name]
		fmt.Fprintf(t, "floor %s\t\t\t\t\t%s\t%s\t\t\t%s\t1\t\t\t%s\t\n", name, show(f.P50), show(f.P99), show(f.CPUPerMillion), show(f.PerS))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(r.Figures)) {
		fmt.Fprintf(w, "%s: %s\n", name, show(new(r.Figures[name])))
	}
	for _, v := range r.Violations {
		fmt.Fprintln(w, "VIOLATION:", v)
	}
	verdict := "passed: nothing missed, repeated or reordered"
	if !r.Passed {
		verdict = "FAILED"
	}
	_, err := fmt.Fprintln(w, verdict)
	return err
}

// ratio is the ratio to the floor with its spread.
func (v *Wire) ratio() string {
	if v.RatioToFloor == nil {
		return "-"
	}
	if len(v.RatioSpread) == 2 {
		return fmt.Sprintf("%.2f (%.2f-%.2f)", *v.RatioToFloor, v.RatioSpread[0], v.RatioSpread[1])
	}
	return fmt.Sprintf("%.2f", *v.RatioToFloor)
}

// show writes a figure with the digits that mean something.
func show(v *float64) string {
	switch {
	case v == nil:
		return "-"
	case *v >= 100 || *v == 0:
		return strconv.FormatFloat(*v, 'f', 0, 64)
	case *v >= 10:
		return strconv.FormatFloat(*v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(*v, 'f', 2, 64)
	}
}
