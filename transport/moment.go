package transport

import (
	"sync"

	"everything.local/event"
)

// moment is something that happens once, for the wires that took over
// connections to hear of. A wire with a connection for each feed saves a
// goroutine for each by calls.
type moment struct {
	come chan struct{} // closed when it has

	mu    sync.Mutex
	calls map[*func()]struct{}
}

func newMoment() *moment { return &moment{come: make(chan struct{})} }

// begin makes it happen, if it has not. Calls are made before it returns.
func (m *moment) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over() {
		return
	}
	close(m.come)
	for call := range m.calls {
		(*call)()
	}
	m.calls = nil
}

// over reports whether it has happened.
func (m *moment) over() bool {
	select {
	case <-m.come:
		return true
	default:
		return false
	}
}

// on has call called when it happens, or now if it has.
func (m *moment) on(call func()) (stop func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over() {
		call()
		return func() {}
	}
	if m.calls == nil {
		m.calls = make(map[*func()]struct{})
	}
	m.calls[&call] = struct{}{}
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.calls, &call)
	}
}

// Draining is closed when Drain begins: sessions end by themselves then, and a
// connection without any is to be closed.
func (f *Feed) Draining() <-chan struct{} { return f.drain.come }

// OnDrain has hurry called when Drain begins, or now if it has: for a client of
// whom no subscription has come, who would be waited for. It must not block, nor
// call the Feed. Stop undoes it, and waits for a call in progress.
func (f *Feed) OnDrain(hurry func()) (stop func()) { return f.drain.on(hurry) }

// Unheard is what a client is told of whom no subscription has come in time, or
// before the hub drains.
func (f *Feed) Unheard() error {
	if f.drain.over() {
		return errDraining()
	}
	return event.Errorf(event.RequestTimeout, "no subscription came within %v; send it as soon as you are connected", SubscribeTimeout)
}

// Cut ends the feeds that are left and tells the wires that took over connections
// to close what is left of them: the drain is at its end. It may be called more
// than once.
func (f *Feed) Cut() {
	f.cut.begin()
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.sessions {
		s.Leave(ClientGone)
	}
}

// Cutting is closed by Cut.
func (f *Feed) Cutting() <-chan struct{} { return f.cut.come }

// OnCut has hangUp called by Cut, or now if that has been. It must not block.
// Stop undoes it, and waits for a call in progress.
func (f *Feed) OnCut(hangUp func()) (stop func()) { return f.cut.on(hangUp) }
