package transport

import (
	"maps"
	"net/http"
	"sync"
	"time"

	"everything.local/auth"
	"everything.local/event"
	"everything.local/hub"
)

// FeedConfig is what NewFeed needs. Hub, Identify, WriteError and Wires are
// required.
type FeedConfig struct {
	Hub *hub.Hub
	// Identify says who is calling.
	Identify func(*http.Request) (auth.Identity, error)
	// WriteError answers a request that got no feed.
	WriteError func(http.ResponseWriter, *http.Request, error)
	// Wires are the forms a feed may take; the first is what a client gets that
	// does not say.
	Wires []Wire
	// Upgrades are the wires that take over connections; nil for none. With any,
	// Authenticate and CheckOrigin are required.
	Upgrades []Upgrade
	// Authenticate says whose a token or ticket is that came in a line.
	Authenticate func(token string) (auth.Identity, error)
	// CheckOrigin returns an error if a browser's page may not ask for an
	// upgrade, for which browsers ask nobody.
	CheckOrigin func(*http.Request) error

	// Ended is told of the end of every session, nil for nobody: who followed, as
	// events name callers, on which wire, and why it ended. It must not block.
	Ended func(by, wire string, why Reason)

	// MaxFeeds bounds how many are open at once; 0 is DefaultMaxFeeds.
	MaxFeeds int
	// Memory keeps new feeds out while it is short; nil for no budget.
	Memory *Budget
	// StallTimeout is how long a client may take no byte before it is closed;
	// 0 is DefaultStallTimeout.
	StallTimeout time.Duration
	// Attentive and Idle are the heartbeat intervals of the two paces; 0 is
	// AttentiveInterval and IdleInterval.
	Attentive, Idle time.Duration
}

// Defaults of FeedConfig.
const (
	// DefaultMaxFeeds is what a Pi with 4 GiB holds at 100 KiB a feed, the
	// costliest wire, with half its memory left.
	DefaultMaxFeeds = 16384
	// DefaultStallTimeout is longer than a phone's change of networks, and short
	// enough that sockets of the vanished do not pile up.
	DefaultStallTimeout = 30 * time.Second
	AttentiveInterval   = time.Second
	IdleInterval        = 20 * time.Second
)

// Feed serves GET /v1/feed. It is to be served by a Server: on HTTP/1.1 it is
// the Server's connections that tell a stalled client from a slow one.
type Feed struct {
	cfg FeedConfig

	mu       sync.Mutex
	counters map[string]*wireCounters // by wire
	sessions map[*Session]struct{}
	refused  map[Refusal]uint64
	empty    chan struct{} // closed when draining and the last session ended

	// drain and cut are the beginning and the end of a drain; mu is held when
	// drain begins.
	drain, cut *moment

	// workers serve sessions that need no goroutine.
	workers *workers
	passes  passCounters
}

// NewFeed returns a feed handler.
func NewFeed(cfg FeedConfig) *Feed {
	if cfg.MaxFeeds == 0 {
		cfg.MaxFeeds = DefaultMaxFeeds
	}
	if cfg.StallTimeout == 0 {
		cfg.StallTimeout = DefaultStallTimeout
	}
	if cfg.Attentive == 0 {
		cfg.Attentive = AttentiveInterval
	}
	if cfg.Idle == 0 {
		cfg.Idle = IdleInterval
	}
	f := &Feed{
		cfg:      cfg,
		counters: make(map[string]*wireCounters),
		sessions: make(map[*Session]struct{}),
		refused:  map[Refusal]uint64{TooManyFeeds: 0, NoMemory: 0},
		empty:    make(chan struct{}),
		drain:    newMoment(),
		cut:      newMoment(),
	}
	f.workers = newWorkers(cfg, &f.passes)
	for _, w := range cfg.Wires {
		f.count(w.Name())
	}
	for _, u := range cfg.Upgrades {
		f.count(u.Name())
	}
	return f
}

// count returns the counters of a wire.
func (f *Feed) count(wire string) *wireCounters {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.counters[wire]
	if c == nil {
		c = &wireCounters{closed: make(map[Reason]uint64)}
		f.counters[wire] = c
	}
	return c
}

// ServeHTTP implements http.Handler. On HTTP/2, and where connections cannot be
// taken over, it returns when the feed has ended; else at once, and a worker
// serves the feed.
func (f *Feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if u := f.upgrade(r); u != nil {
		f.serveUpgrade(u, w, r)
		return
	}
	wire, session, err := f.admit(r)
	if err != nil {
		f.Refuse(w, r, err)
		return
	}
	writeHead(w.Header(), wire)
	if f.serveBody(w, r, session) {
		return
	}
	session.Run(r.Context(), newBodySink(w, r, f.cfg.StallTimeout))
}

// Refuse answers a request that gets no feed, for an Upgrade that has not taken
// over its connection yet.
func (f *Feed) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	switch event.CodeOf(err) {
	case event.MethodNotAllowed:
		w.Header().Set("Allow", http.MethodGet)
	case event.ShuttingDown, event.Unavailable:
		setRetryAfter(w.Header(), retryAfter)
	}
	f.cfg.WriteError(w, r, err)
}

// admit checks the request, cheapest things first, and opens its session.
func (f *Feed) admit(r *http.Request) (Wire, *Session, error) {
	if r.Method != http.MethodGet {
		return nil, nil, event.Errorf(event.MethodNotAllowed, "a feed is read with GET")
	}
	req, err := parseRequest(r)
	if err != nil {
		return nil, nil, err
	}
	wire, err := negotiate(f.cfg.Wires, r.Header.Values("Accept"))
	if err != nil {
		return nil, nil, err
	}
	who, err := f.cfg.Identify(r)
	if err != nil {
		return nil, nil, err
	}
	s, err := f.Open(who, req, wire)
	return wire, s, err
}

// Open lets who follow what req asks for, after checking that they may see it.
// The caller runs the session. Errors are for the client: those of
// auth.Identity.MaySee, ShuttingDown, and Unavailable when too many are open.
func (f *Feed) Open(who auth.Identity, req Request, enc hub.Encoding) (*Session, error) {
	for _, p := range req.Positions {
		if err := who.MaySee(p.Topic); err != nil {
			return nil, at(err, "topics")
		}
	}
	now := time.Now()
	s := &Session{
		feed:    f,
		wire:    f.count(enc.Name()),
		name:    enc.Name(),
		by:      who.By(),
		every:   f.interval(req.Pace),
		expires: who.Expires,
	}
	s.woken.Store(true)
	s.nextPing = now.Add(s.every)
	if err := f.add(s); err != nil {
		return nil, err
	}
	var err error
	s.sub, err = f.cfg.Hub.Subscribe(hub.Request{Positions: req.Positions, Encoding: enc, Waker: s})
	if err != nil {
		f.drop(s)
		return nil, err
	}
	s.wire.opened(req.Resumes())
	return s, nil
}

// interval is how often a session of a pace is pinged.
func (f *Feed) interval(p Pace) time.Duration {
	if p == Attentive {
		return f.cfg.Attentive
	}
	return f.cfg.Idle
}

// errDraining refuses a feed of a hub that drains.
func errDraining() error {
	return event.Errorf(event.ShuttingDown, "this hub is about to stop; connect to another one, or here again in a moment")
}

// add registers s, unless there are enough or the hub drains.
func (f *Feed) add(s *Session) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.drain.over() {
		return errDraining()
	}
	var why Refusal
	switch {
	case f.cfg.Memory.Tight():
		why = NoMemory
	case len(f.sessions) >= f.cfg.MaxFeeds:
		why = TooManyFeeds
	}
	if why != "" {
		f.refused[why]++
		return why.fault()
	}
	f.sessions[s] = struct{}{}
	return nil
}

// remove counts and forgets a session that has ended.
func (f *Feed) remove(s *Session, why Reason) {
	s.wire.ended(why)
	f.drop(s)
	if f.cfg.Ended != nil {
		f.cfg.Ended(s.by, s.name, why)
	}
}

func (f *Feed) drop(s *Session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.sessions, s)
	if f.drain.over() && len(f.sessions) == 0 {
		close(f.empty)
	}
}

// Refused counts feeds that were refused since the start because of a limit.
func (f *Feed) Refused() map[Refusal]uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.refused)
}

// Stats returns the counters by wire.
func (f *Feed) Stats() map[string]WireStats {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make(map[string]WireStats, len(f.counters))
	for name, c := range f.counters {
		all[name] = c.stats()
	}
	return all
}
