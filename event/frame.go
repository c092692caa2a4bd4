package event

import "encoding/json"

// Frame is one message of a feed, the same JSON on every wire; see
// docs/protocol.md. It is what clients decode: the hub writes frames without
// going through it.
type Frame struct {
	Topic Topic           `json:"topic,omitempty"`
	Reset bool            `json:"reset,omitempty"`
	Key   string          `json:"key,omitempty"`
	Seq   uint64          `json:"seq,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`

	Cursor string `json:"cursor,omitempty"`
	Live   bool   `json:"live,omitempty"`
	Ping   bool   `json:"ping,omitempty"`
	// Now is the hub's clock in TimeLayout.
	Now string `json:"now,omitempty"`

	Stale  *Stale  `json:"stale,omitempty"`
	Goaway *Goaway `json:"goaway,omitempty"`
	Error  *Fault  `json:"error,omitempty"`
}

// Stale says that what the feed shows may be old.
type Stale struct {
	// Since is in TimeLayout.
	Since string `json:"since"`
	// Why is a StaleReason.
	Why StaleReason `json:"why"`
}

// StaleReason is why a feed is stale.
type StaleReason string

// The reasons.
const (
	// NoQuorum: the log has no leader that this hub hears.
	NoQuorum StaleReason = "no_quorum"
	// HubBehind: this hub has not reached the position the client is at.
	HubBehind StaleReason = "behind"
	// HubTooOld: the log has events this hub cannot read.
	HubTooOld StaleReason = "upgrade_needed"
	// LogUnreadable: the log cannot be followed.
	LogUnreadable StaleReason = "log_unreadable"
)

// Goaway asks the client to connect elsewhere, then leave.
type Goaway struct {
	WithinMS int64    `json:"within_ms"`
	To       []string `json:"to"`
}

// Fault ends a feed, as its last frame. On wires whose requests are lines it
// also refuses one.
type Fault struct {
	Code   Code   `json:"code"`
	Detail string `json:"detail"`
	// Field names the member of the request that is at fault, if one is.
	Field string `json:"field,omitempty"`
	// RetryAfterMS is how long to wait before asking again; 0 says nothing.
	RetryAfterMS int64 `json:"retry_after_ms,omitempty"`
}
