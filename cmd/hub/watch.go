package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"everything.local/client"
	"everything.local/event"
)

// watchCommand is hub watch.
type watchCommand struct {
	Topics []string `arg:"" optional:"" help:"What to follow: menu, announcements, board; with a token also kitchen or orders/<customer>. Each may have its own position, like board@k3f9xw2a.1042." default:"menu,announcements,board"`
	After  string   `help:"Go on after this position; left out, what there is comes first." placeholder:"CURSOR"`
	Pace   string   `help:"How soon a silent line is noticed: ${enum} (a few seconds, or most of a minute)." enum:"attentive,idle" default:"attentive"`
	JSON   bool     `name:"json" help:"Print the frames as they come, one a line."`

	reach
}

// Help is the second part of hub watch --help.
func (*watchCommand) Help() string {
	return `Prints a line for each change, and on standard error how the line to the hub is. Comes back by itself after every loss, without a gap or a repetition. Ctrl-C ends it.

Examples:

  hub watch                                            what everybody may see of the hub on this machine
  hub watch kitchen --token-file bob.token             every ticket, for staff
  hub watch board --wire ws --hub https://pi-1.local:8443 --ca ca.pem
  hub watch board --json | jq .value                   for programs; give a cursor back with --after`
}

// Run watches until ctx ends.
func (c *watchCommand) Run(ctx context.Context, s streamsOut) error {
	cl, _, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	show := newPrinter(s.out).take
	if c.JSON {
		show = func(f client.Frame) error { return writeLine(s.out, string(f.Raw)) }
	}
	for u, err := range cl.Watch(ctx, client.Request{Topics: c.Topics, After: c.After, Pace: client.Pace(c.Pace)}) {
		switch {
		case err != nil:
			return c.advise(ctx, err)
		case u.Status != nil:
			_ = writeLine(s.err, clock(time.Now()), statusWords(*u.Status)) // for a person, who may have gone
		default:
			if err := show(u.Frame); err != nil {
				return err
			}
		}
	}
	return nil
}

// printer prints changes. It knows what it has printed, so that what a reset
// brings again is not printed again.
type printer struct {
	out   io.Writer
	shown map[event.Topic]map[string]string
	// before is what was shown of a topic that has been reset, and not come
	// again yet.
	before map[event.Topic]map[string]string
}

func newPrinter(out io.Writer) *printer {
	return &printer{out, map[event.Topic]map[string]string{}, map[event.Topic]map[string]string{}}
}

// take prints what a frame changes.
func (p *printer) take(f client.Frame) error {
	switch {
	case f.Reset:
		p.reset(f.Topic)
	case f.Topic != "":
		return p.entry(f)
	case f.Live:
		return p.settle()
	}
	return nil
}

func (p *printer) reset(t event.Topic) {
	before := p.before[t]
	if before == nil {
		before = map[string]string{}
	}
	maps.Copy(before, p.shown[t])
	p.before[t], p.shown[t] = before, map[string]string{}
}

func (p *printer) entry(f client.Frame) error {
	old, had := p.before[f.Topic][f.Key]
	delete(p.before[f.Topic], f.Key)
	if f.Value == nil {
		delete(p.shown[f.Topic], f.Key)
		return p.gone(f.Topic, f.Key)
	}
	text := valueWords(f.Topic, f.Value)
	if p.shown[f.Topic] == nil {
		p.shown[f.Topic] = map[string]string{}
	}
	p.shown[f.Topic][f.Key] = text
	if had && old == text {
		return nil
	}
	return writeLine(p.out, clock(time.Now()), string(f.Topic), f.Key+":", text)
}

// settle prints what has gone while nobody could say so.
func (p *printer) settle() error {
	for _, t := range slices.Sorted(maps.Keys(p.before)) {
		for _, key := range slices.Sorted(maps.Keys(p.before[t])) {
			if err := p.gone(t, key); err != nil {
				return err
			}
		}
	}
	clear(p.before)
	return nil
}

func (p *printer) gone(t event.Topic, key string) error {
	return writeLine(p.out, clock(time.Now()), string(t), key+":", "gone")
}

func writeLine(w io.Writer, words ...string) error {
	_, err := fmt.Fprintln(w, strings.Join(words, " "))
	return err
}
