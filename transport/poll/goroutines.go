package poll

import (
	"context"
	"sync"
)

// readBuffer is what a goroutine reads into, for as long as the connection is
// open: a line of the usual length.
const readBuffer = 512

// Goroutines is a Carrier that serves each line with a goroutine that reads and,
// while something is pending, one that writes. Its zero value is ready.
type Goroutines struct {
	registry

	running sync.WaitGroup
}

// Run serves lines until ctx ends, and returns when all have ended. Lines that
// are left then are cut.
func (g *Goroutines) Run(ctx context.Context) error {
	<-ctx.Done()
	g.end()
	g.running.Wait()
	return nil
}

func (g *Goroutines) attach(l *Line) error { return g.add(l) }

func (g *Goroutines) detach(l *Line) { g.remove(l) }

func (g *Goroutines) begin(l *Line) error {
	return g.start(func() { l.readOn(make([]byte, readBuffer)) })
}

// start runs fn, unless nothing is to begin any more.
func (g *Goroutines) start(fn func()) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return errEnded
	}
	g.running.Go(fn)
	return nil
}

// readOn reads until the connection ends.
func (l *Line) readOn(buf []byte) {
	for {
		n, err := l.top.Read(buf)
		if n > 0 && !l.ended.Load() {
			l.handler.Receive(buf[:n])
		}
		if err != nil {
			l.gone(l.why(err))
			return
		}
	}
}

// why is why a line is lost whose reading failed with err.
func (l *Line) why(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	return err
}

// sendWaiting has a goroutine send what is pending; l.mu is held.
func (l *Line) sendWaiting() {
	if l.sending || len(l.pending) == 0 || l.err != nil {
		return
	}
	l.sending = true
	l.waits.Store(true)
	if err := l.carrier.(*Goroutines).start(l.sendOn); err != nil {
		l.err, l.sending = err, false
		l.settle()
	}
}

// sendOn sends what is pending until nothing is.
func (l *Line) sendOn() {
	l.mu.Lock()
	for len(l.pending) > 0 && l.err == nil {
		b := l.pending
		l.pending = nil
		l.mu.Unlock()
		_, err := l.sock.waitingWrite(b)
		l.mu.Lock()
		if l.err == nil {
			l.err = err
		}
	}
	l.sending = false
	l.settle()
	closing, err := l.closing, l.err
	l.mu.Unlock()
	if err != nil && !closing {
		_ = l.sock.Close() // who reads finds that, and tells the handler
		return
	}
	l.sent(true, closing, err)
}
