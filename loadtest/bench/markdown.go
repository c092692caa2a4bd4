package bench

import (
	"fmt"
	"io"
	"strings"
)

// byHand begins the part of docs/performance.md that is not written anew.
const byHand = "<!-- From here on written by hand; make bench keeps it. -->"

// Kept is what of an older docs/performance.md stays.
func Kept(old string) string {
	_, kept, _ := strings.Cut(old, byHand)
	return kept
}

// WriteMarkdown writes docs/performance.md, with what is kept of the older one.
func (f *Performance) WriteMarkdown(w io.Writer, kept string) error {
	fmt.Fprintf(w, "# Performance\n\nWritten by `make bench` in %.0f minutes at %s, commit %s. docs/loadtest.md says how it is measured.\n\n",
		f.TookS/60, f.Started.Format("2006-01-02 15:04 UTC"), f.Commit)
	fmt.Fprintf(w, "Machine: %s, %d cores, %s/%s, kernel %s, %s; hub and floor on the first core, clients on the second, over loopback.\n", f.Machine.CPU, f.Machine.Cores, f.Machine.OS, f.Machine.Arch, f.Machine.Kernel, f.Machine.Go)
	fmt.Fprintf(w, "Figures are medians of %d rounds (memory, saturation and stall: of 3), with the least and the largest behind; ratios are to a floor measured in turn with the hub in the same run.\n", f.Rounds)
	if f.Quick {
		fmt.Fprint(w, "\n**A quick look**: fewer clients, once; it holds nothing.\n")
	}
	fmt.Fprintln(w)
	if err := f.WriteTable(w); err != nil {
		return err
	}
	for _, n := range f.Notes {
		fmt.Fprintf(w, "\n%s\n", n)
	}
	_, err := fmt.Fprintf(w, "\n%s%s", byHand, kept)
	return err
}

// WriteTable writes the numbers to hold beside what was measured.
func (f *Performance) WriteTable(w io.Writer) error {
	fmt.Fprintln(w, "| what | measured | promised | | |\n|---|---|---|---|---|")
	for _, r := range f.Rows {
		measured := fmt.Sprintf("%.2f", r.Measured)
		if len(r.Spread) == 2 {
			measured += fmt.Sprintf(" (%.2f-%.2f)", r.Spread[0], r.Spread[1])
		}
		bound, verdict := "-", "-"
		if r.promised() {
			bound, verdict = fmt.Sprintf("at most %g", r.Limit), "**not met**"
			if r.AtLeast {
				bound = fmt.Sprintf("at least %g", r.Limit)
			}
			if r.Met() {
				verdict = "met"
			}
		}
		if _, err := fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", r.What, strings.TrimSpace(measured+" "+r.Unit), bound, verdict, r.Note); err != nil {
			return err
		}
	}
	return nil
}
