package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"everything.local/loadtest/bench"
)

// benchCommand is make bench.
type benchCommand struct {
	Quick   bool   `help:"Measure less, of fewer, once, in three minutes, and write nothing." env:"BENCH_QUICK"`
	Out     string `help:"Where performance.md and performance.json are, to be held against and written anew." default:"docs" type:"path" placeholder:"DIR"`
	Dir     string `help:"Where the hub's data are while it is measured: its disk counts." type:"path" placeholder:"DIR"`
	Program string `help:"A built hub, in place of one built from this directory." name:"hub" type:"path" placeholder:"FILE"`
	Accept  bool   `help:"Write the figures also where they are worse than before."`
}

// errWorse is a regression.
var errWorse = errors.New("worse than the committed figures by more than a tenth")

// Help is the second part of loadtest bench --help.
func (*benchCommand) Help() string {
	return `Builds the hub, starts it on a port and a directory of its own, and measures the set of figures that the project holds itself to, in about twenty minutes. Needs two cores, and nobody else on the machine.

Prints the table of what was measured beside what is promised. A row whose median is worse than the committed one by more than a tenth, and none of whose rounds was as good, fails the command, and nothing is written; --accept writes it.`
}

// Run measures, compares and writes.
func (c *benchCommand) Run(ctx context.Context, s streams) error {
	f, err := bench.Run(ctx, bench.Config{Dir: c.Dir, Quick: c.Quick, Program: c.Program, FloorArgs: []string{"bare"}, Progress: s.err})
	if err != nil {
		return err
	}
	if err := f.WriteTable(s.out); err != nil || c.Quick {
		return err
	}
	before, err := c.before()
	if err != nil {
		return err
	}
	if worse := f.Regressions(before); len(worse) > 0 && !c.Accept {
		return fmt.Errorf("%w:\n%s", errWorse, strings.Join(worse, "\n"))
	}
	return c.write(f)
}

// before are the committed figures.
func (c *benchCommand) before() (*bench.Performance, error) {
	f := new(bench.Performance)
	b, err := os.ReadFile(filepath.Join(c.Out, "performance.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	return f, json.Unmarshal(b, f)
}

func (c *benchCommand) write(f *bench.Performance) error {
	file := filepath.Join(c.Out, "performance.md")
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var page bytes.Buffer
	if err := f.WriteMarkdown(&page, bench.Kept(string(old))); err != nil {
		return err
	}
	if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
		return err
	}
	return toFile(filepath.Join(c.Out, "performance.json"), func(w io.Writer) error { return f.WriteJSON(w) })
}
