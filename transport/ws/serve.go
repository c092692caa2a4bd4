package ws

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync"
	"time"

	"everything.local/auth"
	"everything.local/transport"
)

var (
	_ transport.Upgrade = Wire{}
	_ transport.Sink    = (*conn)(nil)
)

// Serve implements transport.Upgrade. One subscription is one connection.
func (Wire) Serve(f *transport.Feed, who auth.Identity, w http.ResponseWriter, r *http.Request) {
	accept, err := checkHandshake(r)
	if err != nil {
		refuseHeaders(w.Header(), err)
		f.Refuse(w, r, err)
		return
	}
	c, err := takeOver(w)
	if err != nil {
		f.Refuse(w, r, err)
		return
	}
	stop := f.OnCut(c.cut)
	defer stop()
	c.serve(r, f, who, accept)
}

// serve answers the handshake and serves the feed that the client asks for.
func (c *conn) serve(r *http.Request, f *transport.Feed, who auth.Identity, accept string) {
	defer c.cut()
	if _, err := c.nc.Write(answer(accept)); err != nil {
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(transport.SubscribeTimeout))
	stop := f.OnDrain(c.unhear) // who says nothing is not waited for
	line, err := c.receive()
	stop()
	if err != nil {
		c.partUnheard(f, err)
		return
	}
	_ = c.nc.SetReadDeadline(time.Time{})
	s, err := f.Subscribe(r, who, line, Wire{})
	if err != nil {
		c.refuse(f, err, ending{code: policyViolation})
		return
	}
	c.part(c.run(r.Context(), s))
}

// partUnheard ends a connection on which no first message came.
func (c *conn) partUnheard(f *transport.Feed, err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.refuse(f, f.Unheard(), ending{code: policyViolation})
		return
	}
	if v, ok := errors.AsType[*violation](err); ok {
		c.refuse(f, v.told(), endingFor(v))
		return
	}
	c.part(endingFor(err))
}

// refuse tells the client why it gets no feed.
func (c *conn) refuse(f *transport.Feed, err error, e ending) {
	c.hurry()
	if c.write(f.Refusal(Wire{}, err)) == nil {
		c.part(e)
	}
}

// errRefused is a session that a message of the client's has ended.
var errRefused = errors.New("ws: the session takes no more messages")

// run runs the session while a second goroutine takes what the client says, and
// returns, when both have ended, how to part.
func (c *conn) run(ctx context.Context, s *transport.Session) ending {
	ctx, leave := context.WithCancel(ctx)
	var listening sync.WaitGroup
	var heard error
	listening.Go(func() {
		heard = c.listen(s)
		c.stop(s, heard, leave)
	})
	why := func() transport.Reason {
		defer listening.Wait() // also should the session panic
		defer c.unhear()
		return s.Run(ctx, c)
	}()
	leave()
	return parting(why, heard)
}

// unhear makes receive fail.
func (c *conn) unhear() { _ = c.nc.SetReadDeadline(time.Unix(1, 0)) }

// listen hands the client's messages to the session until there is nothing more
// to hear.
func (c *conn) listen(s *transport.Session) error {
	for {
		line, err := c.receive()
		if err != nil {
			return err
		}
		if !s.Take(line) {
			return errRefused
		}
	}
}

// stop ends the session, if that is not why nobody listens any more.
func (c *conn) stop(s *transport.Session, heard error, leave func()) {
	v, violates := errors.AsType[*violation](heard)
	_, closes := errors.AsType[*closedError](heard)
	switch {
	case errors.Is(heard, os.ErrDeadlineExceeded): // it has ended
	case errors.Is(heard, errRefused):
		c.hurry()
		c.readLate()
	case violates:
		c.hurry()
		s.Fail(v.told())
		c.readLate()
	case closes:
		c.hurry()
		c.leaving.Store(true)
		leave()
	default:
		c.cut()
		leave()
	}
}

// parting is how to part after a session that ended as why, on a connection
// where listening ended with heard.
func parting(why transport.Reason, heard error) ending {
	ended := errors.Is(heard, os.ErrDeadlineExceeded) || errors.Is(heard, errRefused)
	switch {
	case why == transport.Stalled:
		return ending{}
	case !ended:
		return endingFor(heard)
	case why == transport.Drained:
		return ending{code: goingAway, reason: "the hub is about to stop"}
	case why == transport.Expired, why == transport.Refused:
		return ending{code: policyViolation}
	}
	return ending{}
}
