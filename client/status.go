package client

import (
	"time"

	"everything.local/event"
)

// State is how a watch is doing.
type State string

// The states.
const (
	// Connecting: the hub has not shown everything yet.
	Connecting State = "connecting"
	// Live: what was shown is how it is.
	Live State = "live"
	// Stale: the hub answers but cannot vouch for what it shows.
	Stale State = "stale"
	// Waiting: the hub is lost, and tried again in a while.
	Waiting State = "waiting"
)

// Status is what a watch tells about itself.
type Status struct {
	State State
	// URL is the hub it is connected to, which a goaway may change.
	URL string
	// Connection counts the connections of the watch, and so tells whether it is
	// still the same; a new one may take its place unasked.
	Connection int
	// Wire and Protocol carry the feed while it is live or stale, on Path if they
	// are such that can move to another one.
	Wire     Wire
	Protocol string
	Path     Path
	// Moved says that the connection goes on over Path, and where it was before.
	// It is told once.
	Moved *Path
	// Stale says since when and why.
	Stale *event.Stale
	// Err is why the hub was lost, Retry when it is tried again.
	Err   error
	Retry time.Duration
}
