package streams

import "context"

// signal is something that happens once, and that contexts can end with.
type signal struct {
	// given is closed by give.
	given <-chan struct{}
	give  context.CancelFunc
	// after calls a function in a goroutine of its own once the signal is
	// given, unless it is stopped before.
	after func(func()) (stop func() bool)
}

// signalOf is given when ctx ends, which cancel causes.
func signalOf(ctx context.Context, cancel context.CancelFunc) *signal {
	return &signal{ctx.Done(), cancel, func(f func()) func() bool { return context.AfterFunc(ctx, f) }}
}

// until returns a context that ends with ctx, or for the cause given with the
// signal. Nothing runs until then.
func (s *signal) until(ctx context.Context, cause func() error) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := s.after(func() { cancel(cause()) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}
