package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"everything.local/loadtest/feed"
	"everything.local/loadtest/meter"
	"everything.local/loadtest/report"
	"everything.local/loadtest/scenario"
)

const description = `Puts a hub under load, over the wire and from outside, and checks while it measures: every watcher must end in the state that the hub has, and nothing may be missed, repeated or reordered. Latency counts from when a message was meant to be sent. Every cost is given beside a floor: the same bytes written to as many TLS connections by a bare loop, measured in turn with the hub.

Start a hub for it, never use one with guests:

  hub serve --mode test --data /tmp/load --listen 127.0.0.1:9443 &
  hub token --role admin --sub load --data /tmp/load > /tmp/load/token
  loadtest fanout --target https://127.0.0.1:9443 --token-file /tmp/load/token --ca /tmp/load/tls/ca.pem --pid $! --html fanout.html

The exit status is 1 when something did not hold, and 2 for a command line to be mended.`

// commands is the command line.
type commands struct {
	Fanout   fanoutCommand   `cmd:"" help:"Many watchers of one topic, each message to all of them."`
	Cafe     cafeCommand     `cmd:"" help:"Kitchens, boards and guests, whole orders through all their steps, and --watchers more who wait."`
	Storm    stormCommand    `cmd:"" help:"All watchers lose their connections at once and come back by their positions."`
	Stall    stallCommand    `cmd:"" help:"Some watchers stop reading and some crawl; what the others feel of it."`
	Connect  connectCommand  `cmd:"" help:"How fast watchers connect, and what each costs while nothing happens."`
	Saturate saturateCommand `cmd:"" help:"The highest rate at which everything is delivered in time."`
	Soak     soakCommand     `cmd:"" help:"Messages on all wires for long, and whether the hub keeps more and more."`
	Migrate  migrateCommand  `cmd:"" help:"Clients that change networks: addresses that a NAT forgets, Wi-Fi to cellular and back, networks that go dark, hubs that restart. Some journeys take Linux and root."`
	Floor    floorCommand    `cmd:"" help:"The floor alone: what a bare loop needs for the same on this machine."`

	Bench benchCommand `cmd:"" help:"The set of measurements that the project holds itself to; writes docs/performance.md."`

	Bare bareCommand `cmd:"" hidden:""`
}

// common is what all scenarios take.
type common struct {
	Target    string        `help:"The hub's address." default:"https://127.0.0.1:8443" placeholder:"URL" env:"HUB_URL"`
	Token     string        `help:"Token of a barista or an admin, which other users of this machine can read in its list of processes; better: --token-file." placeholder:"T" env:"HUB_TOKEN"`
	TokenFile string        `help:"File with the token." placeholder:"FILE" type:"path"`
	CA        string        `name:"ca" help:"Certificate authority to trust; a hub with one of its own has it in tls/ca.pem of its data directory, and serves it at /ca.pem." placeholder:"FILE" type:"path"`
	Wire      []string      `help:"Wires to measure: ${enum}." enum:"ws,sse,ndjson,ndjson-h3,wt" default:"ws,sse,ndjson,ndjson-h3,wt" placeholder:"W,…"`
	Watchers  int           `help:"How many watch at once." default:"100" placeholder:"N"`
	Rate      float64       `help:"Messages, or whole orders, a second." default:"20" placeholder:"R"`
	For       time.Duration `help:"How long each measurement takes." default:"5s" placeholder:"D"`
	Rounds    int           `help:"How often everything is measured, in turn with the floor; figures are medians." default:"1" placeholder:"N"`
	Bytes     int           `help:"Size of a message's value." default:"200" placeholder:"B"`
	Keys      int           `help:"How many keys the messages take turns on: a state is superseded only after so many." default:"200" placeholder:"K"`

	Mix    map[string]int `help:"How cafe, storm and soak spread watchers over the wires, like ws=50,sse=25,ndjson-h3=10,wt=15 (default: evenly over --wire)." mapsep:"," placeholder:"W=PARTS,…"`
	Guests int            `help:"How many guests order in cafe." default:"40" placeholder:"G"`
	P99    time.Duration  `name:"p99" help:"The 99th percentile that saturate holds." default:"100ms" placeholder:"D"`

	MaxRate float64 `help:"The highest rate that saturate tries." default:"20000" placeholder:"R"`

	PID      int    `name:"pid" help:"The hub's process on this machine, to measure its processor time and memory." placeholder:"P"`
	Pin      bool   `help:"Keep the hub and the floor on the first core and this program on the second."`
	FsyncDir string `help:"Where the floor of writing to the disk is measured: the disk of the hub's data." default:"." type:"path" placeholder:"DIR"`
	NoFloor  bool   `help:"Leave the floor out."`

	JSON string `name:"json" help:"Write the result here as JSON." placeholder:"F" type:"path"`
	HTML string `name:"html" help:"Write the result here as a page." placeholder:"F" type:"path"`

	IOwnThisTarget  bool `name:"i-own-this-target" help:"The target is another machine, and yours to take down."`
	PlaceRealOrders bool `help:"The hub is not for tests, and its menu may be changed and orders placed."`
}

type (
	fanoutCommand   struct{ common }
	floorCommand    struct{ common }
	cafeCommand     struct{ common }
	stormCommand    struct{ common }
	stallCommand    struct{ common }
	connectCommand  struct{ common }
	saturateCommand struct{ common }
	soakCommand     struct{ common }
	migrateCommand  struct {
		common

		Switches int      `help:"How often the network is changed in each journey, all watchers together." default:"200" placeholder:"N"`
		Journey  []string `help:"Journeys to make, of: ${journeys} (default: all that can be)." placeholder:"J,…"`
		Restart  string   `help:"Command that ends the hub and starts it again, for the journey restart." placeholder:"CMD"`
	}
)

// Run runs the scenario.
func (c *cafeCommand) Run(ctx context.Context, s streams) error { return c.run(ctx, s, "cafe") }

// Run runs the scenario.
func (c *stormCommand) Run(ctx context.Context, s streams) error { return c.run(ctx, s, "storm") }

// Run runs the scenario.
func (c *stallCommand) Run(ctx context.Context, s streams) error { return c.run(ctx, s, "stall") }

// Run runs the scenario.
func (c *connectCommand) Run(ctx context.Context, s streams) error { return c.run(ctx, s, "connect") }

// Run runs the scenario.
func (c *saturateCommand) Run(ctx context.Context, s streams) error { return c.run(ctx, s, "saturate") }

// Run runs the scenario.
func (c *soakCommand) Run(ctx context.Context, s streams) error { return c.run(ctx, s, "soak") }

// Run runs the scenario.
func (c *migrateCommand) Run(ctx context.Context, s streams) error {
	return c.runWith(ctx, s, "migrate", func(config *scenario.Config) {
		config.Switches, config.Journeys, config.Restart = c.Switches, c.Journey, c.Restart
		config.NoFloor = true // nothing is compared with it
	})
}

// Run runs the scenario.
func (c *fanoutCommand) Run(ctx context.Context, s streams) error { return c.run(ctx, s, "fanout") }

// Run runs the scenario.
func (c *floorCommand) Run(ctx context.Context, s streams) error { return c.run(ctx, s, "floor") }

// run runs a scenario and hands its result back.
func (c *common) run(ctx context.Context, s streams, name string) error {
	return c.runWith(ctx, s, name, func(*scenario.Config) {})
}

// runWith is run with more than all scenarios take.
func (c *common) runWith(ctx context.Context, s streams, name string, more func(*scenario.Config)) error {
	config, err := c.config()
	if err != nil {
		return err
	}
	more(&config)
	config.Progress = s.err
	result, err := scenario.Do(ctx, name, config)
	if result == nil {
		return err
	}
	if err != nil {
		result.Passed = false
		result.Violations = append(result.Violations, "the run broke off: "+err.Error())
	}
	if e := c.hand(result, s.out); e != nil || err != nil {
		return errors.Join(err, e)
	}
	if !result.Passed {
		return errViolated
	}
	return nil
}

func (c *common) hand(r *report.Result, out io.Writer) error {
	err := r.WriteTable(out)
	if c.JSON != "" {
		err = errors.Join(err, toFile(c.JSON, r.WriteJSON))
	}
	if c.HTML != "" {
		err = errors.Join(err, toFile(c.HTML, r.WriteHTML))
	}
	return err
}

func toFile(name string, write func(io.Writer) error) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return write(f)
}

// config is what a scenario is told.
func (c *common) config() (scenario.Config, error) {
	target, err := url.Parse(c.Target)
	if err != nil || target.Scheme != "https" || target.Host == "" || strings.Trim(target.Path, "/") != "" {
		return scenario.Config{}, fmt.Errorf("%w: --target %q is no hub's address, like https://127.0.0.1:8443", scenario.ErrConfig, c.Target)
	}
	token, err := c.token()
	if err != nil {
		return scenario.Config{}, err
	}
	trust, err := c.tls(target)
	if err != nil {
		return scenario.Config{}, err
	}
	var wires []feed.Wire
	for _, w := range c.Wire {
		wires = append(wires, feed.Wire(w))
	}
	mix, err := c.mix()
	if err != nil {
		return scenario.Config{}, err
	}
	return scenario.Config{
		Mix: mix, Guests: c.Guests, P99: c.P99, MaxRate: c.MaxRate,
		Target: target, TLS: trust, Token: token, Wires: wires, Watchers: c.Watchers, Rate: c.Rate, For: c.For,
		Rounds: c.Rounds, Bytes: c.Bytes, Keys: c.Keys, PID: meter.Process(c.PID), Pin: c.Pin, FsyncDir: c.FsyncDir,
		NoFloor: c.NoFloor, FloorArgs: []string{"bare"}, Own: c.IOwnThisTarget, RealOrders: c.PlaceRealOrders,
	}, nil
}

// mix is --mix in the order of the wires.
func (c *common) mix() (shares []scenario.Share, err error) {
	for w := range c.Mix {
		if !slices.Contains(c.Wire, w) {
			return nil, fmt.Errorf("%w: --mix has the wire %q, which is not one of --wire", scenario.ErrConfig, w)
		}
	}
	for _, w := range c.Wire {
		if c.Mix[w] > 0 {
			shares = append(shares, scenario.Share{Wire: feed.Wire(w), Parts: c.Mix[w]})
		}
	}
	return shares, nil
}

func (c *common) token() (string, error) {
	if c.TokenFile == "" {
		return strings.TrimSpace(c.Token), nil
	}
	b, err := os.ReadFile(c.TokenFile)
	if err != nil {
		return "", fmt.Errorf("%w: --token-file: %w", scenario.ErrConfig, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// tls trusts the authority given, else those of the system.
func (c *common) tls(target *url.URL) (*tls.Config, error) {
	t := &tls.Config{ServerName: target.Hostname(), MinVersion: tls.VersionTLS13}
	if c.CA == "" {
		return t, nil
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fmt.Errorf("%w: --ca: %w", scenario.ErrConfig, err)
	}
	if t.RootCAs = x509.NewCertPool(); !t.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%w: --ca: there is no certificate in %s", scenario.ErrConfig, c.CA)
	}
	return t, nil
}
