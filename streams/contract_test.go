package streams

import (
	"context"
	"sync/atomic"
	"testing"

	"everything.local/event"
	"everything.local/event/logtest"

	"github.com/nats-io/nats.go"
)

func testConfig(dir string) Config { return Config{Dir: dir, Site: "corner", Mode: "test"} }

func openNode(t testing.TB, c Config) *Node {
	t.Helper()
	n, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeNode(t, n) })
	return n
}

func closeNode(t testing.TB, n *Node) {
	t.Helper()
	if err := n.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Errorf("close: %v", err)
	}
}

// loseNextAnswer makes the next message that is stored look lost.
func loseNextAnswer(l *Log) {
	var lost atomic.Bool
	l.send = func(ctx context.Context, msgs []*nats.Msg) (uint64, error) {
		seq, err := l.publish(ctx, msgs)
		if err == nil && !lost.Swap(true) {
			return 0, nats.ErrTimeout
		}
		return seq, err
	}
}

func TestContractAlone(t *testing.T) {
	n := openNode(t, testConfig(t.TempDir()))
	logtest.Run(t, func(*testing.T) logtest.Harness {
		return logtest.Harness{
			Logs:           []event.Log{n.Log()},
			LoseNextAnswer: func(int) { loseNextAnswer(n.Log()) },
		}
	})
}

func TestContractAcrossRestarts(t *testing.T) {
	dir := t.TempDir()
	n := openNode(t, testConfig(dir))
	logtest.Run(t, func(t *testing.T) logtest.Harness {
		return logtest.Harness{
			Logs:           []event.Log{n.Log()},
			LoseNextAnswer: func(int) { loseNextAnswer(n.Log()) },
			Restart: func() []event.Log {
				closeNode(t, n)
				var err error
				if n, err = Open(t.Context(), testConfig(dir)); err != nil {
					t.Fatal(err)
				}
				return []event.Log{n.Log()}
			},
		}
	})
	closeNode(t, n)
}
