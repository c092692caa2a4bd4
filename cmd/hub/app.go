package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"everything.local/api"
	"everything.local/auth"
	"everything.local/cafe"
	"everything.local/event"
	"everything.local/hub"
	"everything.local/streams"
	"everything.local/transport"
	"everything.local/transport/cert"
	"everything.local/transport/cert/acme"
	"everything.local/transport/ndjson"
	"everything.local/transport/sse"
	"everything.local/transport/ws"
	"everything.local/transport/wt"
)

// The program's part of stopping, after transport has drained its clients
// (transport.Server.DrainBudget). README.md states the sum.
const (
	// followersBudget: followers end and the fold's checkpoint is written.
	followersBudget = 5 * time.Second
	// logBudget: the log is flushed and closed.
	logBudget = 5 * time.Second
	// maxDrain keeps the sum of all phases near what a service manager waits.
	maxDrain = time.Minute
	// openingBudget is how long the first events of a site may take: an
	// election of a starting cluster is in it.
	openingBudget = time.Minute
)

// app is the wired program. Its parts are made by newApp, in the order of
// their dependencies, and run by serve.
type app struct {
	config config
	log    *slog.Logger

	node  *streams.Node
	keys  *auth.Keys
	state *cafe.State // guarded by hub
	hub   *hub.Hub
	auth  *auth.Auth
	api   *api.API
	cert  *cert.Source
	acme  *acme.Manager // nil without --acme-dns
	// expecting has a place for each key that is made ahead.
	expecting chan struct{}
	// secrets are what connections of before a restart go on with.
	secrets *cert.Secrets
	// wires are the forms of a feed; the first is for who does not say. quic is
	// the one that comes with HTTP/3.
	wires  []transport.Wire
	quic   *wt.Wire
	feed   *transport.Feed
	server *transport.Server
	memory *transport.Budget
	health *health
	meters *meters
	// metrics serves what meters and the parts have counted; admin is nil
	// without --admin. Both are there once listen has returned.
	metrics http.Handler
	admin   *admin
}

// newApp opens the data directory and wires the program. Close ends what it
// opened; nothing else runs yet.
func newApp(ctx context.Context, c config, log *slog.Logger) (*app, error) {
	a := &app{
		config: c, log: log, state: cafe.New(), meters: newMeters(), wires: []transport.Wire{ndjson.Wire{}, sse.Wire{}}, quic: wt.New(),
		expecting: make(chan struct{}, mostExpected),
	}
	var err error
	a.node, err = streams.Open(ctx, streams.Config{
		Dir: c.Data, Site: c.Site, Mode: c.Mode, Logger: log,
	})
	if err != nil {
		return nil, err
	}
	a.node.Log().OnAppend = a.meters.append
	if err := a.wire(); err != nil {
		return nil, errors.Join(err, a.close(ctx))
	}
	return a, nil
}

func (a *app) wire() error {
	a.hub = hub.New(hub.Config{
		Log: a.node.Log(), Fold: a.state, Checkpoints: a.node.Checkpoints(), Logger: a.log,
		Halt: func(err error) bool { return errors.Is(err, cafe.ErrUpgradeNeeded) },
		// The checkpoint before still has the name.
		CheckpointAt: func(e event.Event) bool { return e.Type == cafe.CustomerForgotten },
	})
	a.health = &health{
		applied: a.hub.Read, ready: a.hub.Ready(),
		halted: a.hub.Halted, probe: a.node.Probe, probing: make(chan struct{}, 1),
	}
	var err error
	if a.keys, err = auth.OpenKeys(keysDir(a.config.Data)); err != nil {
		return err
	}
	if a.secrets, err = cert.OpenSecrets(tlsDir(a.config.Data), a.log); err != nil {
		return err
	}
	if a.acme, err = a.config.openACME(a.log); err != nil {
		return err
	}
	if a.cert, err = cert.Open(cert.Config{
		Dir: tlsDir(a.config.Data), Hosts: a.config.Host,
		CertFile: a.config.Cert, KeyFile: a.config.Key, Issued: a.issued, Secrets: a.secrets, Logger: a.log,
	}); err != nil {
		return err
	}
	a.auth = auth.New(auth.Config{
		Keys: a.keys, AllowGuests: a.config.Guests, Origins: a.config.AllowOrigin,
		Pairings: pairings{a}, WriteError: api.WriteError, Expect: a.expect,
	})
	a.api = api.New(api.Config{
		Log: a.node.Log(), Follower: a.hub, State: a.state, Auth: a.auth,
		Policy: a.config.policy(), Logger: a.log, Info: a.info, Shown: a.auth.Shown,
	})
	a.memory = transport.NewBudget(int64(a.config.Memory), a.log)
	a.feed = transport.NewFeed(transport.FeedConfig{
		Memory: a.memory,
		Hub:    a.hub, Identify: a.auth.IdentifyFeed, WriteError: api.WriteError, Wires: a.wires,
		Upgrades: a.upgrades(), Authenticate: a.auth.Ticket, CheckOrigin: a.auth.CheckOrigin,
		Ended: func(by, wire string, why transport.Reason) {
			a.log.Debug("feed ended", "by", by, "wire", wire, "reason", why)
		},
	})
	return nil
}

// upgrades are the wires that take over connections.
func (a *app) upgrades() []transport.Upgrade {
	return []transport.Upgrade{a.quic, ws.Wire{}}
}

// drainWindow is the server's name for the configured time.
func (c *config) drainWindow() time.Duration {
	if c.Drain == 0 {
		return transport.NoDrainWindow
	}
	return c.Drain
}

// close ends what newApp opened, also when ctx has ended.
func (a *app) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logBudget)
	defer cancel()
	return a.node.Close(ctx)
}

// followers runs what follows the log until stop is called or one of them
// fails; stop waits for them and returns the failure. They outlive the
// listeners, so that requests in flight are answered while clients drain.
func (a *app) followers(ctx context.Context) (failed <-chan struct{}, stop func() error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.hub.Run(ctx) })
	group.Go(func() error { return a.cert.Run(ctx) })
	group.Go(func() error { return a.runACME(ctx) })
	group.Go(func() error { return a.watchLeader(ctx) })
	group.Go(func() error { return a.mendLog(ctx) })
	clock := &clockwork{hub: a.hub, api: a.api, timers: a.node.Timers(), log: a.log}
	group.Go(func() error { return clock.run(ctx) })
	return ctx.Done(), func() error {
		cancel()
		ended := make(chan error, 1)
		go func() { ended <- group.Wait() }()
		select {
		case err := <-ended:
			if errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		case <-time.After(followersBudget):
			return fmt.Errorf("followers did not end within %v", followersBudget)
		}
	}
}

// leaderSilence is how long the log's leader may be unheard before what feeds
// show is marked stale.
const leaderSilence = 3 * time.Second

// watchLeader marks feeds stale while the log has no leader that is heard.
func (a *app) watchLeader(ctx context.Context) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		if heard, ok := a.node.Leader(); ok || time.Since(heard) < leaderSilence {
			a.hub.ClearStale()
		} else {
			a.hub.SetStale(event.NoQuorum)
		}
	}
}
