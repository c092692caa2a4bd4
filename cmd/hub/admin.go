package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	// adminBudget is how long a request to the admin listener may go on when
	// the hub stops; a profile that takes longer is cut off.
	adminBudget = time.Second
	// adminHeader is how long the head of a request may take there.
	adminHeader = 5 * time.Second
	unixPrefix  = "unix:"
)

// admin is the listener for whoever operates the hub: profiles, metrics and
// health over plain HTTP. It asks nobody who they are, which is why it is on
// the loopback interface or a socket file.
type admin struct {
	listener net.Listener
	server   *http.Server
}

// checkAdmin refuses addresses that others than this machine reach, unless they
// are wanted.
func (c *config) checkAdmin() error {
	path, unix := strings.CutPrefix(c.Admin, unixPrefix)
	switch host, _, err := net.SplitHostPort(c.Admin); {
	case c.Admin == "" && c.AdminAnywhere:
		return fmt.Errorf("%w: --admin-anywhere is given without --admin, which says where", errConfig)
	case c.Admin == "" || unix && path != "":
		return nil
	case unix || err != nil:
		return fmt.Errorf("%w: --admin %q is neither host:port, like 127.0.0.1:6060, nor unix:PATH", errConfig, c.Admin)
	case !c.AdminAnywhere && !ofLoopback(host):
		return fmt.Errorf("%w: --admin %q would show profiles of the hub to the network, without asking who is there; use 127.0.0.1, or unix:PATH, or add --admin-anywhere where something else guards it", errConfig, c.Admin)
	}
	return nil
}

// ofLoopback reports whether host, without a port, means this machine alone.
func ofLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// listenAdmin takes the configured address; nil if there is none.
func (a *app) listenAdmin(ctx context.Context) (*admin, error) {
	if a.config.Admin == "" {
		return nil, nil
	}
	l, err := listenPrivately(ctx, a.config.Admin)
	if err != nil {
		return nil, fmt.Errorf("--admin %s: %w", a.config.Admin, err)
	}
	handler := a.adminHandler()
	if !a.config.AdminAnywhere {
		handler = fromHere(handler)
	}
	return &admin{l, &http.Server{
		Handler: handler, ReadHeaderTimeout: adminHeader,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}}, nil
}

// listenPrivately listens on host:port or unix:PATH. A socket file is for the
// hub's own user; one that a killed hub has left is replaced.
func listenPrivately(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	path, unix := strings.CutPrefix(addr, unixPrefix)
	if !unix {
		return lc.Listen(ctx, "tcp", addr)
	}
	l, err := lc.Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) {
		c, e := new(net.Dialer).DialContext(ctx, "unix", path)
		if e == nil {
			return nil, errors.Join(err, c.Close())
		}
		if errors.Is(e, syscall.ECONNREFUSED) {
			if err := os.Remove(path); err != nil {
				return nil, err
			}
			l, err = lc.Listen(ctx, "unix", path)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// adminHandler is what the admin listener serves.
func (a *app) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /healthz", a.health.live)
	mux.HandleFunc("GET /readyz", a.health.readyFor)
	mux.Handle("GET /metrics", a.metrics)
	return secured(mux)
}

// fromHere refuses what a page in this machine's browser asks for on behalf of
// another site, by its own name or by one that it made point here.
func fromHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		_, unix := r.Context().Value(http.LocalAddrContextKey).(*net.UnixAddr)
		site := r.Header.Get("Sec-Fetch-Site")
		if !unix && !ofLoopback(strings.Trim(host, "[]")) || site != "" && site != "none" && site != "same-origin" {
			http.Error(w, "the admin listener is for programs on this machine", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// run serves until ctx ends.
func (ad *admin) run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- ad.server.Serve(ad.listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("admin: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), adminBudget)
	defer cancel()
	if err := ad.server.Shutdown(stop); err != nil { // who is left is cut off
		_ = ad.server.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin: %w", err)
	}
	return nil
}
