package transporttest_test

import (
	"os"
	"slices"
	"testing"

	"everything.local/transport"
	"everything.local/transport/ndjson"
	"everything.local/transport/sse"
	"everything.local/transport/transporttest"
	"everything.local/transport/wt"
)

func TestMain(m *testing.M) { os.Exit(transporttest.Settled(m)) }

func TestWires(t *testing.T) {
	transporttest.Run(t, slices.Concat(
		transporttest.HTTPWays(ndjson.Wire{}, transporttest.ReadNDJSON),
		transporttest.HTTPWays(sse.Wire{}, transporttest.ReadSSE),
		[]transporttest.Way{
			transporttest.WebTransportWay(func() transport.Upgrade { return wt.New() }),
		},
	)...)
}
