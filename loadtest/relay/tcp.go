package relay

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
)

// BlockTCP cuts what is open and refuses what comes, or lets it come again.
func (r *Relay) BlockTCP(block bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.noTCP = block
	if block {
		for c := range r.lines {
			_ = c.Close()
		}
	}
}

func (r *Relay) passLines(ctx context.Context) error {
	for {
		near, err := r.cfg.Listen.TCP.AcceptTCP()
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the listener was closed to end this
		}
		if err != nil {
			return fmt.Errorf("relay: %w", err)
		}
		r.running.Go(func() { r.passLine(ctx, near) })
	}
}

// passLine passes a connection on until either end closes it.
func (r *Relay) passLine(ctx context.Context, near net.Conn) {
	defer near.Close()
	far, err := new(net.Dialer).DialContext(ctx, "tcp", r.cfg.To.String())
	if err != nil {
		return
	}
	defer far.Close()
	if !r.keep(near, far) {
		return
	}
	defer r.forget(near, far)
	client := near.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
	r.running.Go(func() {
		defer near.Close()
		_, _ = io.Copy(gate{near, r, client}, far)
	})
	_, _ = io.Copy(gate{far, r, client}, near)
}

// gate lets a client's bytes through while its network is not dark.
type gate struct {
	net.Conn

	of     *Relay
	client netip.Addr
}

// Write implements io.Writer.
func (g gate) Write(b []byte) (int, error) {
	g.of.mu.Lock()
	for g.of.dark == g.client && !g.of.ended {
		g.of.light.Wait()
	}
	g.of.mu.Unlock()
	return g.Conn.Write(b)
}

// keep remembers the ends of a line, to be cut; it reports whether it may be.
func (r *Relay) keep(ends ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || r.noTCP {
		return false
	}
	for _, c := range ends {
		r.lines[c] = struct{}{}
	}
	return true
}

func (r *Relay) forget(ends ...net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range ends {
		delete(r.lines, c)
	}
}
