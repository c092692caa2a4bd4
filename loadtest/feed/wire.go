package feed

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/url"
	"time"
)

// Wire is a way to carry a feed.
type Wire string

// The wires that can be measured. What is not h3 runs over HTTP/1.1.
const (
	WS       Wire = "ws"
	SSE      Wire = "sse"
	NDJSON   Wire = "ndjson"
	NDJSONH3 Wire = "ndjson-h3"
	WT       Wire = "wt"
)

// Wires are all of them.
var Wires = []Wire{WS, SSE, NDJSON, NDJSONH3, WT}

// wires is the registry: one line for each file.
var wires = map[Wire]func(context.Context, *Dialer, Ask) (Stream, error){
	WS:       dialWS,
	SSE:      func(ctx context.Context, d *Dialer, a Ask) (Stream, error) { return dialGet(ctx, d, a, true) },
	NDJSON:   func(ctx context.Context, d *Dialer, a Ask) (Stream, error) { return dialGet(ctx, d, a, false) },
	NDJSONH3: dialH3,
	WT:       dialWT,
}

// Ask is what is asked of a feed.
type Ask struct {
	// Topics are names, each with its position or without, by commas.
	Topics string `json:"topics"`
	// Attentive asks for a ping a second, in place of one in 20 s.
	Attentive bool `json:"-"`
	// Token vouches for the caller; "" for none.
	Token string `json:"token,omitempty"`
	Pace  string `json:"pace,omitempty"`
	// ReadBuffer bounds what the kernel takes for a reader that does not read;
	// 0 leaves it to the kernel. QUIC has a window of this size instead.
	ReadBuffer int `json:"-"`
	// Memory is what this client keeps from one connection to the next; nil for
	// one that was never here.
	Memory *Memory `json:"-"`
}

func (a Ask) pace() string {
	if a.Attentive {
		return "attentive"
	}
	return "idle"
}

// query is the address that GET asks.
func (a Ask) query() string {
	return "/v1/feed?" + url.Values{"topics": {a.Topics}, "pace": {a.pace()}}.Encode()
}

// line is the first line of the wires that have lines.
func (a Ask) line() ([]byte, error) {
	a.Pace = a.pace()
	return json.Marshal(a)
}

// Stream is one feed on one connection. One goroutine calls Next; Close may be
// called by another, more than once.
type Stream interface {
	// Next returns the next frame's JSON, which is good until the next call. It
	// is io.EOF when the hub ended the feed in good order.
	Next() ([]byte, error)
	// Came is when the last frame that Next returned was read off the
	// connection, however long it then waited for the frames before it.
	Came() time.Time
	// Close leaves the feed without a word and frees its connection.
	Close()
}

// Config says which hub a Dialer dials.
type Config struct {
	// Addr is host:port; Host is what the hub is called, for its certificate.
	Addr, Host string
	TLS        *tls.Config
	// Loopback spreads the connections over source addresses, of which this
	// machine has many, because a hub limits each.
	Loopback bool
}

// Dialer opens feeds. It may be used by many goroutines.
type Dialer struct {
	config  Config
	sources sources
	udp     sockets
}

// NewDialer returns a Dialer, which opens nothing yet.
func NewDialer(c Config) *Dialer {
	return &Dialer{config: c, sources: sources{loopback: c.Loopback}}
}

// dialWithin bounds how long a feed may take to open: in a storm all wait for
// the hub's handshakes, of which a Pi does some hundred a second.
const dialWithin = 30 * time.Second

// Dial opens a feed.
func (d *Dialer) Dial(ctx context.Context, w Wire, a Ask) (Stream, error) {
	open, ok := wires[w]
	if !ok {
		return nil, fmt.Errorf("there is no wire %q", w)
	}
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	s, err := open(ctx, d, a)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w, err)
	}
	return s, nil
}

// Close gives back what the Dialer holds. Streams must be closed before.
func (d *Dialer) Close() { d.udp.close() }
