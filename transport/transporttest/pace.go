package transporttest

import (
	"sync/atomic"
	"time"
)

// pace is how fast the clients of a world read.
type pace struct{ atomic.Int32 }

// The paces.
const (
	unhindered = iota
	// crawling takes crawlBytes every crawlPause: 205 bytes a second.
	crawling
	// stuck takes nothing.
	stuck

	crawlBytes = 512
	crawlPause = 2500 * time.Millisecond
)

// wait holds a read up until it may begin or closed is, and returns how much of
// b it may fill.
func (p *pace) wait(b []byte, closed <-chan struct{}) []byte {
	switch p.Load() {
	case crawling:
		select {
		case <-time.After(crawlPause):
		case <-closed:
		}
		return b[:min(len(b), crawlBytes)]
	case stuck:
		<-closed
	}
	return b
}
