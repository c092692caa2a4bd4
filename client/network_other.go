//go:build !linux

package client

import (
	"context"
	"errors"
	"syscall"
)

// listenForChanges cannot be done here: addresses are compared instead.
func listenForChanges(context.Context, func()) error { return errors.ErrUnsupported }

// bindTo does nothing: the address alone decides.
func bindTo(string) func(string, string, syscall.RawConn) error { return nil }
