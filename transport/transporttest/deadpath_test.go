package transporttest

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/event"
	"everything.local/transport"
	"everything.local/transport/ndjson"
)

// mortal returns a client whose path can be made to die: from then on nothing
// gets through it in either direction, and nobody says so.
func (w *world) mortal() (c Client, die func()) {
	w.t.Helper()
	var hosts []*packetHost
	target := w.target
	target.Packets = func() (net.PacketConn, net.Addr, error) {
		socket, to, err := w.target.Packets()
		hosts = append(hosts, socket.(*packetHost))
		return socket, to, err
	}
	c = w.way.Connect(target)
	w.t.Cleanup(c.Close)
	return c, func() {
		for _, h := range hosts {
			h.dead.Store(true)
		}
	}
}

// TestDeadPaths: clients whose path has died cost what lies on its way to them,
// however much happens, until they are found to take nothing. Others do not
// notice.
func TestDeadPaths(t *testing.T) {
	for _, way := range []Way{webTransport(), HTTPWays(ndjson.Wire{}, ReadNDJSON)[2]} {
		t.Run(way.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { deadPaths(t, way) })
		})
	}
}

func deadPaths(t *testing.T, way Way) {
	w := newWorld(t, way, setup{pipes: true})
	w.target.idle = time.Hour // so that QUIC gives a silent line up later than the hub
	beside, f := w.follow(w.client(), Ask{Topics: "menu"}), newFollower(event.Menu)
	untilLive(t, beside, f)
	const n = 20
	for range n {
		c, die := w.mortal()
		untilLive(t, w.follow(c, Ask{Topics: "menu", Token: barista}), newFollower(event.Menu))
		die()
	}
	synctest.Wait()
	before := liveHeap()
	start := time.Now()
	const rounds, size = 60, 160 << 10
	for round := range rounds { // under few keys, so that the state stays small
		at := w.happen(bulk(event.Menu, 10, size/10, round)...)
		untilAt(t, beside, f, at)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("others were held up for %v", took)
	}
	// What has been sent and not acknowledged, at most 32 packets; the queue; a
	// batch; and once, the rings and what is garbage.
	const each, once = 128 << 10, 8 << 20
	if grown := int64(liveHeap()) - int64(before); grown > n*each+once {
		t.Errorf("%d clients grew by %d KiB", n, grown>>10)
	}
	for range n {
		<-w.ended
	}
	if took := time.Since(start); took < transport.DefaultStallTimeout || took > transport.DefaultStallTimeout*3/2 {
		t.Errorf("they were given up after %v", took)
	}
	w.closedFor(transport.Stalled, n)
	untilAt(t, beside, f, w.happen(put(event.Menu, "latte", 1)))
}
