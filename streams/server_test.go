package streams

import (
	"context"
	"strings"
	"testing"
	"time"

	"everything.local/event"
	"everything.local/streams/disktest"
)

// smallDisk has room for an empty log and for what recovering one takes.
const smallDisk = 64 << 20

// TestFreedDiskIsUsed holds that what was free when the hub started is no
// limit: it may have started on a disk that was nearly full.
func TestFreedDiskIsUsed(t *testing.T) {
	const free, size, events = 1 << 20, 32 << 10, 64
	dir := disktest.Small(t, smallDisk)
	give := disktest.Fill(t, dir, free)
	n := openNode(t, testConfig(dir))
	give()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for i := range events {
		id := event.NewID()
		w := orderPlaced(id, "ada", "Ada")
		w.Event.Data = []byte(`{"filler":"` + strings.Repeat("x", size) + `"}`)
		if _, err := n.Log().Append(ctx, event.Command{ID: id}, w); err != nil {
			t.Fatalf("event %d, at %d KiB of %d that were free at the start: %v", i, i*size>>10, free>>10, err)
		}
	}
}
