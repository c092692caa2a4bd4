package transport

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Reason is why a session ended.
type Reason string

// The reasons.
const (
	// ClientGone: the client closed the feed or its connection broke.
	ClientGone Reason = "client_gone"
	// Expired: the caller's token did.
	Expired Reason = "token_expired"
	// Stalled: the client took no byte for the stall timeout.
	Stalled Reason = "stalled"
	// Refused: the client broke a rule of the open feed and was told.
	Refused Reason = "refused"
	// Drained: the hub is about to stop and the session's slot had come.
	Drained Reason = "drained"
)

// WireStats counts the feeds of one wire since the start.
type WireStats struct {
	// Open is how many are open now.
	Open int64
	// Fresh counts those opened by a client that held nothing, Resumed those
	// opened with a cursor.
	Fresh, Resumed uint64
	// Bytes is what was handed to the sockets, before TLS and HTTP framing.
	Bytes uint64
	// Sends tells of the bytes of each time that something was sent, Frames of
	// how many frames those were.
	Sends, Frames Distribution
	// Closed counts those that ended.
	Closed map[Reason]uint64
}

// wireCounters is what WireStats is read from.
type wireCounters struct {
	fresh, resumed atomic.Uint64
	sends, frames  distribution

	mu     sync.Mutex
	open   int64
	closed map[Reason]uint64
}

func (c *wireCounters) sent(bytes, frames int) {
	c.sends.add(uint64(bytes))
	c.frames.add(uint64(frames))
}

func (c *wireCounters) opened(resumed bool) {
	if resumed {
		c.resumed.Add(1)
	} else {
		c.fresh.Add(1)
	}
	c.mu.Lock()
	c.open++
	c.mu.Unlock()
}

func (c *wireCounters) ended(why Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	c.closed[why]++
}

func (c *wireCounters) stats() WireStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	sends := c.sends.read()
	return WireStats{
		Open: c.open, Fresh: c.fresh.Load(), Resumed: c.resumed.Load(),
		Sends: sends, Frames: c.frames.read(), Bytes: sends.Sum, Closed: maps.Clone(c.closed),
	}
}
