package transport

import (
	"context"
	"net/http"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"everything.local/hub"
)

// Limit is a bound to what may be sent on a stream beside QUIC's own.
type Limit interface {
	// Take takes up to n bytes of what may be sent, and returns how many; Return
	// gives back some.
	Take(n int) int
	Return(n int)
	// Wait returns what is closed when more may be sent.
	Wait() <-chan struct{}
}

// StreamConfig is a stream of QUIC that a feed is sent on. All but Limit is
// required.
type StreamConfig struct {
	Stream *quic.Stream
	// Request is what led to it, for its connection and the name by which the
	// client knows the hub.
	Request *http.Request
	// DataFrames has the feed sent in frames of HTTP/3 (RFC 9114, section 7.2.1).
	DataFrames bool
	// Limit is nil for none.
	Limit Limit
	// Gone and Stalled are codes to reset the stream with.
	Gone, Stalled quic.StreamErrorCode
	// Ended is called when nothing more is sent on the stream. It must not
	// block.
	Ended func()
}

// ServeStream is Serve for a feed on a stream of QUIC. Ctx is to end when the
// client does not listen any more, as the stream's own does.
func (f *Feed) ServeStream(ctx context.Context, s *Session, c StreamConfig) {
	f.carriedBy(s, c.Request)
	ended := c.Ended
	stop := context.AfterFunc(ctx, func() { s.Leave(ClientGone) })
	c.Ended = func() { stop(); ended() }
	f.Serve(s, &streamOutlet{StreamConfig: c, session: s, stall: f.cfg.StallTimeout}, QUIC)
}

// RefuseStream ends a stream on which there is no feed, with err as its last
// frame.
func (f *Feed) RefuseStream(c StreamConfig, enc hub.Encoding, err error) {
	o := &streamOutlet{StreamConfig: c, stall: f.cfg.StallTimeout, ended: Refused}
	if o.Put(f.Refusal(enc, err)) != nil {
		o.End(ClientGone)
	} else if o.Clear() {
		o.finish(Refused)
	}
}

// serveStream takes over the stream of r on HTTP/3 for a feed. Its handler may
// return then; the request stays for all that counts it.
func (f *Feed) serveStream(w http.ResponseWriter, r *http.Request, s *Session) bool {
	stay, over := stayOf(r), streamer(w)
	if stay == nil || over == nil {
		return false
	}
	end := stay.prolong()
	stream := over.HTTPStream() // sends the head
	stream.CancelRead(quic.StreamErrorCode(http3.ErrCodeNoError))
	f.ServeStream(r.Context(), s, StreamConfig{
		Stream: stream.QUICStream(), Request: r, DataFrames: true,
		Gone:    quic.StreamErrorCode(http3.ErrCodeRequestCanceled),
		Stalled: quic.StreamErrorCode(http3.ErrCodeInternalError),
		Ended:   end,
	})
	return true
}

// streamer returns what w is beneath what handlers have put around it, nil if
// that is no answer on HTTP/3.
func streamer(w http.ResponseWriter) http3.HTTPStreamer {
	for {
		switch t := w.(type) {
		case http3.HTTPStreamer:
			return t
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return nil
		}
	}
}
