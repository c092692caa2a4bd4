package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"everything.local/event"
)

// Health answers come in time or count as bad: a probe that hangs is how a
// frozen hub looks healthy.
const (
	healthWithin = 2 * time.Second
	probeWithin  = 5 * time.Second
)

// health answers /healthz and /readyz.
type health struct {
	// applied runs its argument under the fold's lock.
	applied func(func())
	// probing has room for the one goroutine that asks for the lock.
	probing chan struct{}
	// ready is closed once the log's head at start has been folded.
	ready <-chan struct{}
	// halted is why no more commands are taken, if so.
	halted func() error
	// probe proves that the log can be written.
	probe    func(context.Context) error
	draining atomic.Bool
}

// live says whether the process works: that its fold is not stuck. At most one
// goroutine waits for the lock, however many ask; it ends with the wait, which
// is what is being asked about.
func (h *health) live(w http.ResponseWriter, _ *http.Request) {
	stuck := time.After(healthWithin)
	select {
	case h.probing <- struct{}{}:
	case <-stuck:
		say(w, errStuck)
		return
	}
	free := make(chan struct{})
	go func() {
		defer func() { <-h.probing }()
		h.applied(func() {})
		close(free)
	}()
	select {
	case <-free:
		say(w, nil)
	case <-stuck:
		say(w, errStuck)
	}
}

var errStuck = event.Errorf(event.Unavailable, "the fold has not moved for %v", healthWithin)

// readyFor says whether the hub should be sent clients, and with
// ?for=commands whether an order would be stored.
func (h *health) readyFor(w http.ResponseWriter, r *http.Request) {
	switch what := r.URL.Query().Get("for"); what {
	case "":
		say(w, h.feeds())
	case "commands":
		say(w, h.commands(r.Context()))
	default:
		say(w, event.Errorf(event.Invalid, "for=%s is not known; there is for=commands", event.Quote(what)))
	}
}

func (h *health) feeds() error {
	if h.draining.Load() {
		return event.Errorf(event.ShuttingDown, "the hub is stopping")
	}
	if h.halted() != nil {
		return event.Errorf(event.UpgradeNeeded, "the log holds events that this hub cannot read; install the newer version")
	}
	select {
	case <-h.ready:
		return nil
	default:
		return event.Errorf(event.Behind, "the hub is still reading its log")
	}
}

func (h *health) commands(ctx context.Context) error {
	if err := h.feeds(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	if err := h.probe(ctx); errors.Is(err, event.ErrFailed) {
		return event.Errorf(event.Unavailable, "the log cannot be written, its disk is full or broken")
	} else if err != nil {
		return event.Errorf(event.Unavailable, "the log cannot be written now")
	}
	return nil
}

// say answers like the probes of this world expect: the status is the answer,
// a line of text the reason.
func say(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	switch event.CodeOf(err) {
	case "":
		_, _ = io.WriteString(w, "ok\n")
	case event.Invalid:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintln(w, err)
	default:
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprintln(w, err)
	}
}
