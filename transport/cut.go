package transport

import "sync"

// cut is the end of a drain, for the wires that took over connections.
type cut struct {
	begun chan struct{} // closed by begin

	mu    sync.Mutex
	over  bool
	calls map[*func()]struct{}
}

// Cut tells the wires that took over connections to close what is left of them:
// the drain is at its end. It may be called more than once.
func (f *Feed) Cut() {
	c := &f.cut
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.over = true
	close(c.begun)
	for call := range c.calls {
		(*call)()
	}
	c.calls = nil
}

// Cutting is closed by Cut.
func (f *Feed) Cutting() <-chan struct{} { return f.cut.begun }

// OnCut has hangUp called by Cut, or now if that has been. It must not block.
// Stop undoes it, and waits for a call in progress. A wire with a connection for
// each feed saves a goroutine for each by it.
func (f *Feed) OnCut(hangUp func()) (stop func()) {
	c := &f.cut
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		hangUp()
		return func() {}
	}
	if c.calls == nil {
		c.calls = make(map[*func()]struct{})
	}
	c.calls[&hangUp] = struct{}{}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.calls, &hangUp)
	}
}
