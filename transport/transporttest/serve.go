package transporttest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"

	"everything.local/hub"
	"everything.local/transport"
)

// Serve runs a hub and its server, which listens already, until the test ends,
// and then waits for both. Stop begins the server's drain; done is closed when
// the server has ended.
func Serve(t *testing.T, h *hub.Hub, s *transport.Server) (stop func(), done <-chan struct{}) {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	serving, stopServing := context.WithCancel(ctx)
	served := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := h.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the hub ended: %v", err)
		}
	})
	wg.Go(func() {
		if err := s.Run(serving); err != nil {
			t.Errorf("the server ended: %v", err)
		}
		close(served)
	})
	t.Cleanup(func() {
		stopServing()
		<-served
		end()
		wg.Wait()
	})
	return stopServing, served
}

// LastingAddr returns an address to start a hub on again and again. Its port is
// below those that the kernel gives to connections, which could have taken it
// meanwhile.
func LastingAddr(t *testing.T) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))
		tcp, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		udp, err := net.ListenPacket("udp", addr)
		if err == nil {
			err = udp.Close()
		}
		if tcp.Close() == nil && err == nil {
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}
