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

// incoming is where l's frames come from; never, where there is no link.
func incoming(l *link) <-chan Frame {
	if l == nil {
		return nil
	}
	return l.frames
}
