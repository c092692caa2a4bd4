package transporttest_test

import (
	"os"
	"slices"
	"testing"

	"everything.local/transport/ndjson"
	"everything.local/transport/sse"
	"everything.local/transport/transporttest"
)

func TestMain(m *testing.M) { os.Exit(transporttest.Settled(m)) }

func TestWires(t *testing.T) {
	transporttest.Run(t, slices.Concat(
		transporttest.HTTPWays(ndjson.Wire{}, transporttest.ReadNDJSON),
		transporttest.HTTPWays(sse.Wire{}, transporttest.ReadSSE),
	)...)
}
