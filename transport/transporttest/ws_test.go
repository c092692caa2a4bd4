package transporttest_test

import (
	"testing"

	"everything.local/transport"
	"everything.local/transport/transporttest"
	"everything.local/transport/ws"
)

func TestWiresWebSocket(t *testing.T) {
	transporttest.Run(t, transporttest.WebSocketWay(func() transport.Upgrade { return ws.Wire{} }))
}
