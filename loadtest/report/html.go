package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"show": show, "ratio": func(w Wire) string { return w.ratio() },
	"wrong":  func(w Wire) uint64 { return w.Gaps + w.Repeats + w.Reordered + w.Altered },
	"number": func(v float64) string { return show(&v) },
}).Parse(pageHTML))

// WriteHTML writes r as a page that needs nothing else: no script, no other
// file, dark where the reader's screen is.
func (r *Result) WriteHTML(w io.Writer) error {
	var plots []plot
	for _, s := range r.Series {
		plots = append(plots, draw(s))
	}
	return page.Execute(w, struct {
		*Result
		Plots []plot
		Order []string
	}{r, plots, slices.Sorted(maps.Keys(r.Wires))})
}

// The measures of a plot, in SVG's units.
const (
	plotWidth, plotHeight = 720.0, 220.0
	plotLeft, plotBottom  = 60.0, 24.0
	plotTop, plotRight    = 8.0, 24.0
	plotTicks             = 4
)

// plot is a series as it is drawn.
type plot struct {
	Title, Unit   string
	Width, Height float64
	Curves        []curve
	Across, Up    []tick
}

// curve is a line of a plot; Colour is the number of its colour on the page.
type curve struct {
	Name   string
	Colour int
	// Points are of SVG's polylines, one for each stretch without a hole.
	Points []string
}

// tick is a line of the grid and what it stands for.
type tick struct {
	At    float64
	Label string
}

// hole is how many seconds without a value break a line.
const hole = 3

// draw lays a series out.
func draw(s Series) plot {
	var right, top float64
	for _, l := range s.Lines {
		right, top = max(right, slices.Max(append([]float64{1}, l.X...))), max(top, slices.Max(append([]float64{0}, l.Y...)))
	}
	right, top = roundUp(right), roundUp(top)
	x := func(v float64) float64 { return plotLeft + v/right*(plotWidth-plotLeft-plotRight) }
	y := func(v float64) float64 { return plotHeight - plotBottom - v/top*(plotHeight-plotBottom-plotTop) }
	p := plot{Title: s.Title, Unit: s.Unit, Width: plotWidth, Height: plotHeight}
	for i := range plotTicks + 1 {
		part := float64(i) / plotTicks
		p.Across = append(p.Across, tick{x(right * part), ticks(right*part) + " s"})
		p.Up = append(p.Up, tick{y(top * part), ticks(top * part)})
	}
	for i, l := range s.Lines {
		c := curve{Name: l.Name, Colour: i % 6}
		var b strings.Builder
		for j := range min(len(l.X), len(l.Y)) {
			if j > 0 && l.X[j]-l.X[j-1] > hole {
				c.Points = append(c.Points, b.String())
				b.Reset()
			}
			fmt.Fprintf(&b, "%.1f,%.1f ", x(l.X[j]), y(l.Y[j]))
		}
		c.Points = append(c.Points, b.String())
		p.Curves = append(p.Curves, c)
	}
	return p
}

// ticks writes what a line of the grid stands for.
func ticks(v float64) string {
	const thousand = 1000
	switch {
	case v >= thousand*thousand:
		return strconv.FormatFloat(v/thousand/thousand, 'g', 4, 64) + "M"
	case v >= 10*thousand:
		return strconv.FormatFloat(v/thousand, 'g', 4, 64) + "k"
	default:
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
}

// roundUp returns the next number of two digits, so that ticks are readable.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := 1.0
	for v/unit > 40 {
		unit *= 10
	}
	for v/unit <= 4 {
		unit /= 10
	}
	n := float64(int(v / unit / 4))
	if n*4*unit < v {
		n++
	}
	return n * 4 * unit
}
