package street_test

import (
	"context"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"everything.local/client"
	"everything.local/loadtest/street"
)

// TestStreet holds what a client on the machine sees of its networks, as they
// come and go: this is the client's own look at the kernel.
func TestStreet(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("networks of its own are for root to make")
	}
	ctx := t.Context()
	s, err := street.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	sockets, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer sockets.UDP.Close()
	defer sockets.TCP.Close()
	hub := sockets.UDP.LocalAddr().String()
	far, machine := netip.MustParseAddrPort(hub), s.Machine()

	changed := make(chan struct{}, 1)
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		machine.Watch(watching, func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		})
	}()
	defer func() { stop(); <-watched }()

	wifi := client.Path{Interface: "wifi", Local: street.Address(street.Wifi)}
	cell := client.Path{Interface: "cell", Local: street.Address(street.Cell)}
	for _, step := range []struct {
		name string
		do   func() error
		want []client.Path
	}{
		{"at first", func() error { return nil }, []client.Path{wifi, cell}},
		{"wifi goes", func() error { return s.Down(ctx, street.Wifi) }, []client.Path{cell}},
		{"wifi is back", func() error { return s.Up(ctx, street.Wifi) }, []client.Path{wifi, cell}},
		{"cell is preferred", func() error { return s.Prefer(ctx, street.Cell) }, []client.Path{cell, wifi}},
		{"no more", func() error { return s.Unprefer(ctx, street.Cell) }, []client.Path{wifi, cell}},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		var paths []client.Path
		for deadline := time.Now().Add(5 * time.Second); !cmp.Equal(paths, step.want, addresses); {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %v, want %v", step.name, paths, step.want)
			}
			if step.name != "at first" {
				select {
				case <-changed:
				case <-time.After(5 * time.Second):
					t.Fatalf("%s: nobody was told", step.name)
				}
			}
			if paths, err = machine.Paths(far.Addr()); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Each path's socket sends from that path, whatever the routes say.
	for _, p := range []client.Path{wifi, cell} {
		c, err := machine.ListenUDP(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.WriteToUDPAddrPort([]byte("x"), far); err != nil {
			t.Error(err)
		}
		_ = sockets.UDP.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, from, err := sockets.UDP.ReadFromUDPAddrPort(make([]byte, 1))
		if err != nil || from.Addr().Unmap() != p.Local {
			t.Errorf("over %s it came from %s: %v", p, from, err)
		}
		_ = c.Close()
	}
}

// addresses lets cmp look at addresses.
var addresses = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
