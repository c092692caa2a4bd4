package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"everything.local/api"
	"everything.local/transport"
)

// garbage is how much of it there may be, in percent of what is in use, before
// it is collected; the memory limit stands above it. A collection with a thousand
// QUIC clients keeps the only core of a small machine busy for 90 ms. At Go's 100
// there is one every 7 s under load, which is more than one delivery in a hundred.
const garbage = 400

// serveCommand is hub serve.
type serveCommand struct{ config }

// Run serves until ctx ends, then drains. Its phases, each with a budget: the
// clients leave (transport.Server.Run), followers end, the log is closed.
func (c *serveCommand) Run(ctx context.Context, s streamsOut) error {
	if err := c.settle(); err != nil {
		return err
	}
	log := c.logger(s.err)
	slog.SetDefault(log) // for faults met where no logger reaches
	debug.SetMemoryLimit(int64(c.Memory))
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	a, err := newApp(ctx, c.config, log)
	if err != nil {
		return err
	}
	start := time.Now()
	err = a.serve(ctx, s.out)
	err = errors.Join(err, a.close(ctx))
	log.Info("stopped", "after", time.Since(start).Round(time.Millisecond), "clean", err == nil)
	return err
}

// serve starts the parts in order and stops them in reverse.
func (a *app) serve(ctx context.Context, out io.Writer) error {
	failed, stop := a.followers(ctx)
	if err := a.listen(ctx, failed); err != nil {
		return errors.Join(err, stop())
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.server.Run(ctx) })
	if a.admin != nil {
		group.Go(func() error { return a.admin.run(ctx) })
	}
	group.Go(func() error {
		select {
		case <-failed:
			return errors.New("a follower of the log ended")
		case <-ctx.Done():
			a.health.draining.Store(true)
			return nil
		}
	})
	if a.config.Demo {
		group.Go(func() error { return a.demo(ctx) })
	}
	a.sayServing()
	if err := a.greet(out); err != nil {
		a.log.Warn("nobody reads the greeting", "error", err) // a closed pipe
	}
	return errors.Join(group.Wait(), stop())
}

// listen waits until the log has been read, makes sure that the site is open,
// and takes the sockets: nobody is let in before there is something to serve. A
// log that this hub is too old to read to its end is served as far as it goes.
func (a *app) listen(ctx context.Context, failed <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, openingBudget)
	defer cancel()
	if err := a.readLog(ctx, failed); err != nil {
		return err
	}
	if a.hub.Halted() == nil {
		if err := a.openSite(ctx); err != nil {
			return err
		}
	}
	a.metrics = a.meters.handler(a)
	c := transport.ServerConfig{
		Addr: a.config.Listen, TLS: a.cert.TLSConfig(a.config.TLS12), Handler: a.handler(),
		QUIC: &transport.QUICConfig{
			TLS:      a.cert.QUICTLSConfig(),
			ResetKey: a.secrets.StatelessReset, TokenKey: a.secrets.Token, Extension: a.quic,
		},
		AdvertiseQUIC: a.advertise,
		WriteError:    api.WriteError, Feed: a.feed, Logger: a.log, Memory: a.memory, DrainWindow: a.config.drainWindow(),
	}
	if a.config.BoardHTTP != "" {
		c.PlainBoardAddr, c.PlainBoardHandler = a.config.BoardHTTP, a.boardHandler()
	}
	a.server = transport.NewServer(c)
	return a.takeSockets(ctx)
}

func (a *app) takeSockets(ctx context.Context) (err error) {
	if a.admin, err = a.listenAdmin(ctx); err != nil {
		return err
	}
	if err = a.server.Listen(ctx); err != nil && a.admin != nil {
		err = errors.Join(err, a.admin.listener.Close())
	}
	return err
}

// readLog returns once the follower has read the log, or halted in it.
func (a *app) readLog(ctx context.Context, failed <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	read := make(chan error, 1)
	go func() {
		head, err := a.node.Log().Head(ctx)
		if err == nil {
			err = a.hub.Wait(ctx, head)
		}
		read <- err
	}()
	select {
	case err := <-read:
		if err != nil && a.hub.Halted() == nil {
			return fmt.Errorf("read the log: %w", err)
		}
		return nil
	case <-failed:
		cancel()
		return errors.Join(errors.New("the log cannot be followed"), <-read)
	}
}

func (a *app) sayServing() {
	args := []any{"addr", a.server.Addr().String(), "site", a.config.Site, "mode", a.config.Mode, "version", version}
	if board := a.server.BoardAddr(); board != nil {
		args = append(args, "board_addr", board.String())
	}
	if a.admin != nil {
		args = append(args, "admin_addr", a.admin.listener.Addr().String())
	}
	a.log.Info("serving", args...)
}
