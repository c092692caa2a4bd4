// Package ndjson is the feed as one JSON object a line, for curl, scripts and
// pages that read a feed by fetch.
package ndjson

import "everything.local/transport"

// Wire frames a feed as newline-delimited JSON. Its zero value is ready.
type Wire struct{}

var _ transport.Wire = Wire{}

// Name is the wire's name in metrics and rings.
func (Wire) Name() string { return "ndjson" }

// MediaType is application/x-ndjson: the format has no registered type.
func (Wire) MediaType() string { return "application/x-ndjson" }

// AppendFrame appends frame, one line of JSON. The cursor that commits the
// subscription is in the frames themselves, so id is not needed.
func (Wire) AppendFrame(dst, frame []byte, _ string) []byte {
	return append(append(dst, frame...), '\n')
}
