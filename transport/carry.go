package transport

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"syscall"

	"everything.local/transport/poll"
)

// carrier is a poll.Carrier that is to be run.
type carrier interface {
	poll.Carrier
	Run(ctx context.Context) error
	// Idle returns when there are no lines, or with ctx's error.
	Idle(ctx context.Context) error
}

// carry makes the carrier for connections of ln, if there are feeds to take
// them over.
func (s *Server) carry(ln net.Listener) error {
	if s.cfg.Feed == nil {
		return nil
	}
	if _, sockets := ln.(syscall.Conn); !sockets || s.cfg.NoPoll || runtime.GOOS != "linux" {
		s.carrier = new(poll.Goroutines)
		return nil
	}
	p, err := poll.NewPoller()
	if err != nil {
		return fmt.Errorf("transport: take over connections: %w", err)
	}
	s.carrier = p
	return nil
}
