package hub

// Waker is told when there may be something new for a follower. Wake is called
// often, by any goroutine and with locks of the hub held: it must not block,
// nor call the hub.
type Waker interface{ Wake() }

// bell is the Waker of a goroutine that waits: it keeps one call until that is
// received.
type bell chan struct{}

func newBell() bell { return make(bell, 1) }

// Wake implements Waker.
func (b bell) Wake() {
	select {
	case b <- struct{}{}:
	default:
	}
}
