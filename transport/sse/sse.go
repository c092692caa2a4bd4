// Package sse is the feed as server-sent events (WHATWG HTML, section 9.2), for
// EventSource in browsers and for television engines that have nothing else.
package sse

import "everything.local/transport"

// Wire frames a feed as server-sent events. Its zero value is ready.
type Wire struct{}

var _ transport.Wire = Wire{}

// Name is the wire's name in metrics and rings.
func (Wire) Name() string { return "sse" }

// MediaType is the type EventSource asks for.
func (Wire) MediaType() string { return "text/event-stream" }

// AppendFrame appends frame, one line of JSON, as an event. With id, the cursor
// that commits the whole subscription, the client sends it back as
// Last-Event-ID when it reconnects.
func (Wire) AppendFrame(dst, frame []byte, id string) []byte {
	if id != "" {
		dst = append(dst, "id: "...)
		dst = append(dst, id...)
		dst = append(dst, '\n')
	}
	dst = append(dst, "data: "...)
	dst = append(dst, frame...)
	return append(dst, "\n\n"...)
}
