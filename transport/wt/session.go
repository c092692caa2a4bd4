package wt

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"everything.local/auth"
	"everything.local/event"
	"everything.local/transport"
)

const (
	// settingsTimeout is how long the client's SETTINGS may take, which are on
	// another stream than its request.
	settingsTimeout = 5 * time.Second
	// idleTimeout is how long a session may be without a stream.
	idleTimeout = transport.SubscribeTimeout
	// lastWords is how long the session of a hub that drains outlives its last
	// feed, for the client to read to the end and leave: what it has not read
	// when a session is closed is gone.
	lastWords = time.Second
)

// Serve implements transport.Upgrade: it opens a session. What a client says of
// it is read on a goroutine of its own, and so are its streams: those of requests
// have large stacks.
func (w *Wire) Serve(f *transport.Feed, who auth.Identity, rw http.ResponseWriter, r *http.Request) {
	c, ok := transport.StreamsOf(r).(*conn)
	settings := settingsOf(rw, r)
	if !ok || settings == nil || !settings.EnableDatagrams {
		f.Refuse(rw, r, event.Errorf(event.Invalid, "this WebTransport session cannot be opened; the client must offer HTTP/3 datagrams and send its settings"))
		return
	}
	flow := newFlow(settings)
	if !c.reserve(flow != nil) {
		f.Refuse(rw, r, event.Errorf(event.TooManyRequests, "a connection has one WebTransport session at a time, unless the client takes part in flow control for sessions"))
		return
	}
	stream := rw.(http3.HTTPStreamer).HTTPStream() // sends the head
	_ = stream.SetWriteDeadline(time.Time{})       // feeds have a measure of their own
	s := &session{
		wire: w, feed: f, who: who,
		request: (&http.Request{RemoteAddr: r.RemoteAddr, Host: r.Host, TLS: r.TLS}).WithContext(r.Context()),
		conn:    c, id: stream.StreamID(), stream: stream, flow: flow,
		places: make(chan struct{}, maxStreams), done: make(chan struct{}),
		open: make(map[*quic.Stream]struct{}),
	}
	end := transport.Stay(r)
	go func() { // is waited for until end
		defer end()
		s.serve()
	}()
}

// settingsOf returns the client's SETTINGS, nil if they do not come.
func settingsOf(w http.ResponseWriter, r *http.Request) *http3.Settings {
	client, ok := w.(http3.Settingser)
	if !ok {
		return nil
	}
	patience := time.NewTimer(settingsTimeout)
	defer patience.Stop()
	select {
	case <-client.ReceivedSettings():
		return client.Settings()
	case <-r.Context().Done():
	case <-patience.C:
	}
	return nil
}

// session is one WebTransport session.
type session struct {
	wire *Wire
	feed *transport.Feed
	who  auth.Identity
	// request is what counts of the one that opened the session, stream what it
	// has become.
	request *http.Request
	conn    *conn
	id      quic.StreamID
	stream  *http3.Stream
	flow    *flow // nil if the client takes no part

	// places are for streams. Clients that do not take part in flow control
	// know no limit: what they open waits here for another stream to end.
	places chan struct{}
	// done is closed when the session has ended.
	done chan struct{}
	// following counts the goroutines of streams.
	following sync.WaitGroup

	telling sync.Mutex
	untold  *time.Timer // tries again to tell the client of news, nil before that

	mu sync.Mutex
	// open are the streams that are served.
	open  map[*quic.Stream]struct{}
	empty *time.Timer // runs while there are none
	// draining says that the hub does, and parting that the last stream ended
	// after that.
	draining, parting bool
	over              bool
	// greedy says that the client does not keep to the flow control.
	greedy bool
}

// serve serves streams until the session ends, and returns when all have ended.
func (s *session) serve() {
	s.empty = time.AfterFunc(idleTimeout, s.leave)
	s.conn.add(s)
	stopDrain := s.feed.OnDrain(s.drain)
	stopCut := s.feed.OnCut(s.leave)
	own := &capsules{parser: http3.NewCapsuleParser(s.stream), maxData: s.flow.raise}
	err := own.read()
	stopDrain()
	stopCut()
	s.conn.remove(s)
	s.end()
	s.say(err)
	s.following.Wait()
	s.telling.Lock()
	defer s.telling.Unlock()
	if s.untold != nil {
		s.untold.Stop()
	}
}

// past is a deadline that ends a read.
var past = time.Unix(1, 0)

// leave ends the session from the hub's side. It may be called at any time, and
// more than once.
func (s *session) leave() { _ = s.stream.SetReadDeadline(past) }

// overrun ends the session of a client that opened or sent too much.
func (s *session) overrun() {
	s.mu.Lock()
	s.greedy = true
	s.mu.Unlock()
	s.leave()
}

// end ends all streams.
func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.empty.Stop()
	close(s.done)
	for stream := range s.open {
		gone(stream)
	}
}

// gone resets a stream whose session has ended (section 4.6 of version 15).
func gone(stream *quic.Stream) {
	stream.CancelRead(sessionGone)
	stream.CancelWrite(sessionGone)
}

// say ends the session's own stream as its end demands, after err from reading
// it.
func (s *session) say(err error) {
	s.mu.Lock()
	greedy := s.greedy || errors.Is(err, errFlow)
	s.mu.Unlock()
	left := errors.Is(err, errClosed) || errors.Is(err, io.EOF)
	var fault quic.StreamErrorCode
	switch {
	case greedy:
		fault = flowControlError
	case errors.Is(err, errCapsule):
		fault = datagramError
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	if fault == 0 && !left && s.stream.TryWriteAll(appendClose(nil, codeDone)) != nil {
		fault = sessionGone // broken off already, or the client takes nothing
	}
	if fault != 0 {
		s.stream.CancelRead(fault)
		s.stream.CancelWrite(fault)
		return
	}
	_ = s.stream.Close()
	s.stream.CancelRead(sessionGone)
}

// tellAgain is when to try again to tell a client of news that takes nothing on
// the session's own stream.
const tellAgain = 100 * time.Millisecond

// tell tells the client how much more it may open and send.
func (s *session) tell() {
	if s.flow == nil {
		return
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	b, news := s.flow.appendNews(nil)
	if len(b) == 0 {
		return
	}
	switch err := s.stream.TryWriteAll(b); {
	case err == nil:
		s.flow.tell(news)
	case errors.Is(err, quic.ErrWouldBlock):
		s.tellLater(tellAgain)
	}
}

// tellSoon is tell for where nothing may be written.
func (s *session) tellSoon() {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.tellLater(0)
}

// tellLater has tell called; s.telling is held.
func (s *session) tellLater(after time.Duration) {
	if s.untold == nil {
		s.untold = time.AfterFunc(after, s.tell)
		return
	}
	s.untold.Reset(after)
}
