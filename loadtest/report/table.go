package report

import (
	"errors"
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
	if err := errors.Join(r.writeSteps(w), r.writeMoves(w)); err != nil {
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

// writeSteps writes what was tried, one line each.
func (r *Result) writeSteps(w io.Writer) error {
	if len(r.Steps) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nwire\tmessages/s\tdeliveries/s\tp50 ms\tp99 ms\ta read\thub's core\tharness's\t\t")
	for _, s := range r.Steps {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", s.Wire, show(&s.Rate), show(&s.PerS), show(&s.P50), show(&s.P99),
			show(&s.PerRead), show(s.HubCore), show(s.HarnessCore), s.Verdict())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

// String is the step on a line.
func (s Step) String() string {
	cores := ""
	if s.HubCore != nil && s.HarnessCore != nil {
		cores = fmt.Sprintf(", hub %.0f %%, harness %.0f %% of a core", *s.HubCore*100, *s.HarnessCore*100)
	}
	return fmt.Sprintf("%-10s %7.0f messages/s: %.0f deliveries/s, %.1f a read, p99 %.1f ms%s: %s", s.Wire, s.Rate, s.PerS, s.PerRead, s.P99, cores, s.Verdict())
}

// Verdict is whether the rate was held.
func (s Step) Verdict() string {
	if s.Held {
		return "held"
	}
	return "not held"
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
