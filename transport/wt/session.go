package wt

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/quic-go/webtransport-go"

	"everything.local/auth"
	"everything.local/event"
	"everything.local/transport"
)

// Codes of this wire, on streams and sessions. 0 is an end in order.
const (
	codeDone    = 0
	codeStalled = 1
	codeRefused = 2
)

const (
	// idleTimeout is how long a session may be without a stream.
	idleTimeout = transport.SubscribeTimeout
	// lastWords is how long the session of a hub that drains outlives its last
	// feed, for the client to read to the end and leave: what it has not read
	// when a session is closed is gone.
	lastWords = time.Second
)

// Serve implements transport.Upgrade: it serves a session.
func (w *Wire) Serve(f *transport.Feed, who auth.Identity, rw http.ResponseWriter, r *http.Request) {
	ws, err := w.server.Upgrade(rw, r)
	if err != nil {
		f.Refuse(rw, r, event.Errorf(event.Invalid, "this WebTransport session cannot be opened; the client must offer HTTP/3 datagrams and send its settings"))
		return
	}
	s := &session{wire: w, feed: f, who: who, request: r, ws: ws}
	s.serve()
}

// session is one WebTransport session.
type session struct {
	wire *Wire
	feed *transport.Feed
	who  auth.Identity
	// request is the one that opened the session.
	request *http.Request
	ws      *webtransport.Session

	mu    sync.Mutex
	open  int         // streams
	empty *time.Timer // runs while there are none
	// parting says that the last one ended while the hub drained.
	parting bool
}

// serve serves streams until the session ends, and returns when all have ended.
func (s *session) serve() {
	ctx, leave := context.WithCancel(s.ws.Context())
	defer leave()
	s.empty = time.AfterFunc(idleTimeout, leave)
	defer s.empty.Stop()
	var wg sync.WaitGroup
	wg.Go(func() { s.refuseUni(ctx) })
	wg.Go(func() { s.endWithHub(ctx, leave) })
	// Clients that do not take part in the draft's flow control know no limit:
	// their streams wait here for one to end.
	places := make(chan struct{}, maxStreams)
	for {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		// Streams that have come already are accepted also when ctx has ended.
		if ctx.Err() != nil {
			break
		}
		stream, err := s.ws.AcceptStream(ctx)
		if err != nil {
			break // the session has ended, or is to
		}
		s.begin()
		wg.Go(func() {
			defer func() { <-places }()
			defer s.end()
			s.follow(stream)
		})
	}
	leave()
	_ = s.ws.CloseWithError(codeDone, "") // if the client has not
	wg.Wait()
}

func (s *session) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	s.empty.Stop()
}

func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open--; s.open > 0 {
		return
	}
	select {
	case <-s.feed.Draining():
		s.parting = true
		s.empty.Reset(lastWords)
	default:
		s.empty.Reset(idleTimeout)
	}
}

// endWithHub ends the session of a hub that drains: at once if nothing is
// followed in it, else soon after its last feed, and at the latest when the hub
// cuts what is left.
func (s *session) endWithHub(ctx context.Context, leave func()) {
	select {
	case <-ctx.Done():
		return
	case <-s.feed.Draining():
	}
	s.mu.Lock()
	// A feed with an early slot may be over before this goroutine has its turn.
	unused := s.open == 0 && !s.parting
	s.mu.Unlock()
	if unused {
		leave()
	}
	select {
	case <-ctx.Done():
	case <-s.feed.Cutting():
		leave()
	}
}

// refuseUni refuses what the client opens beside its subscriptions.
func (s *session) refuseUni(ctx context.Context) {
	for {
		stream, err := s.ws.AcceptUniStream(ctx)
		if err != nil {
			return
		}
		stream.CancelRead(codeRefused)
	}
}
