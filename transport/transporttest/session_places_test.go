package transporttest

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestMoreStreamsThanPlaces: clients that know no limit may open more streams
// than are served at once. Those that wait when the hub cuts what is left hold
// up nothing.
func TestMoreStreamsThanPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, webTransport(), setup{pipes: true})
		c := w.client().(*wtFeeds)
		c.wt.Config = nil
		w.session(c)
		for range 20 {
			rawStream(t, c.conns[0], "{") // and never more
		}
		synctest.Wait()
		start := time.Now()
		w.stop()
		<-w.done
		const finish = 3 * time.Second // is waited for those that are served
		if took := time.Since(start); took > finish+500*time.Millisecond {
			t.Errorf("the drain took %v", took)
		}
	})
}
