package client

import (
	"context"
	"time"
)

// link is one connection of a watch, from its opening to its end.
type link struct {
	ask subscription
	// frames is closed at the end; err is why, from then on.
	frames chan Frame
	err    error
	// stream is set before the first frame comes.
	stream *Stream
	cancel context.CancelCauseFunc
	// rescue says that it was opened because the current one is in doubt.
	rescue bool
	// signals is what the watch has to know of the way to the hub, from the
	// first frame on; nil before, and where the connection cannot move.
	signals <-chan signal
	// path is where the connection is, number which of the watch's it is.
	path   Path
	number int
}

// news is what a link has to tell: a frame, a signal, or that it is over.
type news struct {
	of     *link
	frame  *Frame
	signal *signal
}

// pump opens the feed and passes its frames on. It ends the feed when it has
// been silent for too long, but not while the watch is busy with a frame.
func (l *link) pump(ctx context.Context, c *Client) {
	defer close(l.frames)
	l.stream, l.err = c.follow(ctx, l.ask)
	if l.err != nil {
		return
	}
	defer l.stream.Close()
	patience := l.ask.Pace.patience()
	silence := time.AfterFunc(patience, func() { l.cancel(errSilent) })
	defer silence.Stop()
	for {
		f, err := l.stream.Next()
		if err != nil {
			l.err = reason(ctx, err)
			return
		}
		silence.Stop()
		select {
		case l.frames <- f:
		case <-ctx.Done():
			l.err = context.Cause(ctx)
			return
		}
		silence.Reset(patience)
	}
}

// heard is to be called with the first frame: from then on the link's stream is
// there to be asked.
func (l *link) heard() {
	if keeper := l.stream.feed.roamer(); keeper != nil && l.signals == nil {
		l.signals, l.path = keeper.signals, keeper.began
	}
}

// incoming is where l's frames come from; never, where there is no link.
func incoming(l *link) <-chan Frame {
	if l == nil {
		return nil
	}
	return l.frames
}

// receive waits for what either of two links has to tell.
func receive(current, next *link) news {
	select {
	case f, ok := <-incoming(current):
		if !ok {
			return news{of: current}
		}
		return news{of: current, frame: &f}
	case f, ok := <-incoming(next):
		if !ok {
			return news{of: next}
		}
		return news{of: next, frame: &f}
	case s := <-current.signals:
		return news{of: current, signal: &s}
	}
}
