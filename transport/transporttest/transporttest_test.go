package transporttest_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"everything.local/transport"
	"everything.local/transport/ndjson"
	"everything.local/transport/sse"
	"everything.local/transport/transporttest"
	"everything.local/transport/ws"
	"everything.local/transport/wt"
)

func TestMain(m *testing.M) { os.Exit(transporttest.Settled(m)) }

func ways() []transporttest.Way {
	return slices.Concat(
		transporttest.HTTPWays(ndjson.Wire{}, transporttest.ReadNDJSON),
		transporttest.HTTPWays(sse.Wire{}, transporttest.ReadSSE),
		[]transporttest.Way{
			transporttest.WebSocketWay(func() transport.Upgrade { return ws.Wire{} }),
			transporttest.WebTransportWay(func() transport.Upgrade { return wt.New() }),
		},
	)
}

// TestWires runs the list, and again with what serves feeds on other systems
// where that differs.
func TestWires(t *testing.T) {
	all := ways()
	for _, w := range ways() {
		if strings.HasSuffix(w.Name, "/h1") {
			all = append(all, w.WithoutPoll())
		}
	}
	transporttest.Run(t, all...)
}

// TestComeAndGo connects and disconnects often enough that what each leaves
// behind would show. With the race detector, which makes a handshake many times
// dearer, they are fewer and goroutines are looked at alone: make test runs it
// without as well.
func TestComeAndGo(t *testing.T) {
	n := 10_000
	if raceDetector {
		n = 500
	}
	for _, way := range ways() {
		// One protocol a wire will do: the rest of a connection is not the wire's.
		if slices.Contains([]string{"ndjson/h1", "sse/h2", "sse/h3"}, way.Name) {
			continue
		}
		t.Run(way.Name, func(t *testing.T) { transporttest.Churn(t, way, n, !raceDetector) })
	}
}

// TestDrainCrowd stops a hub with 1,000 clients; fewer with the race detector.
func TestDrainCrowd(t *testing.T) {
	n := 1000
	if raceDetector {
		n = 100
	}
	for _, way := range ways() {
		t.Run(way.Name, func(t *testing.T) { transporttest.DrainCrowd(t, way, n) })
	}
}
