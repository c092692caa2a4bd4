package client

import (
	"context"
	"time"

	"everything.local/event"
)

// Wire is a way to carry a feed, by the name it has everywhere.
type Wire string

// The wires.
const (
	// Auto takes the best wire that works.
	Auto Wire = ""
	// WT is WebTransport over HTTP/3.
	WT Wire = "wt"
	// WS is WebSocket over HTTP/1.1.
	WS Wire = "ws"
	// SSE is server-sent events.
	SSE Wire = "sse"
	// NDJSON is JSON in lines.
	NDJSON Wire = "ndjson"
)

// opener is how a wire is opened, and over which protocols, the default first.
type opener struct {
	over []Protocol
	open func(context.Context, *Client, Protocol, subscription) (feed, error)
}

// wires is the registry: one line for each file.
var wires = map[Wire]opener{
	WT:     {[]Protocol{HTTP3}, openWT},
	WS:     {[]Protocol{HTTP1}, openWS},
	SSE:    {[]Protocol{AnyHTTP, HTTP1, HTTP2, HTTP3}, openSSE},
	NDJSON: {[]Protocol{AnyHTTP, HTTP1, HTTP2, HTTP3}, openNDJSON},
}

// feed is one subscription on one connection. One goroutine calls next; close
// may be called by another, and more than once.
type feed interface {
	// next returns the next frame's JSON, io.EOF when the hub ended the feed in
	// good order. The bytes are the caller's.
	next() ([]byte, error)
	// protocol names what carries it, like HTTP/2.
	protocol() string
	// close leaves the feed and frees its connection; next then fails.
	close()
	// roamer keeps the connection on a path that leads to the hub; nil where it
	// cannot move.
	roamer() *roamer
}

// subscription is what is asked of a feed: the query of GET /v1/feed, and as
// JSON the first line of the wires that have one.
type subscription struct {
	base string
	// within bounds how long the hub may take to begin.
	within time.Duration
	// path is known to lead to the hub; the zero Path where none is.
	path Path
	// hurry says that the wire which won last is in doubt.
	hurry  bool
	Topics string `json:"topics"`
	After  string `json:"after,omitempty"`
	Pace   Pace   `json:"pace,omitempty"`
	Token  string `json:"token,omitempty"`
}

// maxFrame bounds a frame. The largest is an item with all its options, of
// less than 64 KiB.
const maxFrame = 1 << 20

var errFrame = event.Errorf(event.TooLarge, "a frame has at most %d KiB", maxFrame>>10)
