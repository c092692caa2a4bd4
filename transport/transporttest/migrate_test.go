package transporttest

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"everything.local/event"
	"everything.local/transport"
)

// journal is a log to be read by a test.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(b)
}

// moves returns the lines about clients that moved.
func (j *journal) moves() (lines []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range strings.Lines(j.b.String()) {
		if strings.Contains(line, "has moved") {
			lines = append(lines, line)
		}
	}
	return lines
}

// journalled is a setup whose log is kept, at the level that hubs log at.
func journalled(pipes bool) (setup, *journal) {
	j := new(journal)
	return setup{pipes: pipes, server: transport.ServerConfig{Logger: slog.New(slog.NewTextHandler(j, nil))}}, j
}

// seen reads pings until the hub has seen n moves.
func (w *world) seen(s Stream, f *follower, n uint64) {
	w.t.Helper()
	const most = 200 // pings, of which a few will do
	for range most {
		moves := w.server.Stats().Migrations
		if moves[transport.Rebinding]+moves[transport.OtherNetwork] >= n {
			return
		}
		until(w.t, s, f, func(fr Frame) bool { return fr.Ping })
	}
	w.t.Fatalf("the hub has seen %v, want %d", w.server.Stats().Migrations, n)
}

// TestMigration moves clients that follow a feed, as a NAT does and by
// themselves, on sockets, while things happen: all of it comes, in order and
// once, on the same connection. The hub counts the moves, and what it logs of
// them has no address in it.
func TestMigration(t *testing.T) {
	for _, way := range moving() {
		t.Run(way.Name+" rebinding", func(t *testing.T) { migration(t, way, false) })
		t.Run(way.Name+" switch", func(t *testing.T) { migration(t, way, true) })
	}
}

// often is the pace of a test that waits for pings.
const often = 50 * time.Millisecond

func migration(t *testing.T, way Way, byItself bool) {
	with, log := journalled(false)
	with.feed.Attentive = often
	w := newWorld(t, way, with)
	m := w.mover(noIDs{}, byItself)
	f := newFollower(event.Menu)
	s := w.follow(m, Ask{Topics: "menu", Pace: "attentive"})
	untilLive(t, s, f)
	var want []string
	happens := func(n int) (at event.Cursor) {
		for range n {
			at = w.happen(put(event.Menu, "latte", len(want)))
			want = append(want, fmt.Sprintf("menu/latte@%d", at.Seq))
			untilAt(t, s, f, at) // so that none is conflated
		}
		return at
	}
	happens(3)
	ways := []netip.Addr{home, cellular, home, cellular, home}
	for i, ip := range ways {
		if byItself {
			m.switchTo(ip)
		} else {
			m.rebind(ip)
		}
		at := w.happen(put(event.Menu, "latte", len(want))) // perhaps to where it was
		want = append(want, fmt.Sprintf("menu/latte@%d", at.Seq))
		m.beat()
		untilAt(t, s, f, at)
		happens(3)
		w.seen(s, f, uint64(i+1))
	}
	if diff := cmp.Diff(want, f.Log); diff != "" {
		t.Errorf("entries (-happened +came):\n%s", diff)
	}
	w.holds(f)
	m.conn() // is the only one
	stats := w.server.Stats()
	if diff := cmp.Diff(map[transport.Move]uint64{transport.Rebinding: 1, transport.OtherNetwork: 4}, stats.Migrations); diff != "" {
		t.Errorf("moves (-want +counted):\n%s", diff)
	}
	if feeds := w.feed.Stats()[way.name()]; stats.QUIC != 1 || stats.Renewals != 0 || feeds.Fresh != 1 || feeds.Resumed != 0 {
		t.Errorf("%d connections, %d asked to come again, feeds %+v", stats.QUIC, stats.Renewals, feeds)
	}
	// One of a connection's moves is logged, the others come too soon after it.
	lines := log.moves()
	if len(lines) != 1 || !strings.Contains(lines[0], "level=INFO") || !strings.Contains(lines[0], "kind=rebinding from=127.0.0.0/24 to=127.0.0.0/24 moves=1") {
		t.Errorf("logged %q", lines)
	}
	if all := strings.Join(lines, ""); strings.Contains(all, home.String()) || strings.Contains(all, cellular.String()) {
		t.Errorf("an address is in the log: %s", all)
	}
}

// TestMovesAreLogged: a client that moves all the time is counted each time, and
// has a line in the log every ten seconds.
func TestMovesAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		with, log := journalled(true)
		w := newWorld(t, webTransport(), with)
		m := w.mover(noIDs{}, false)
		f := newFollower(event.Menu)
		s := w.follow(m, Ask{Topics: "menu", Pace: "attentive"})
		untilLive(t, s, f)
		const moves = 30
		for i := range moves {
			m.rebind([]netip.Addr{cellular, home}[i%2])
			m.beat()
			until(t, s, f, func(fr Frame) bool { return fr.Ping }) // a second later
		}
		w.seen(s, f, moves)
		if got := w.server.Stats().Migrations[transport.OtherNetwork]; got != moves {
			t.Errorf("%d moves were counted of %d", got, moves)
		}
		lines := log.moves()
		if len(lines) != moves/10 {
			t.Fatalf("%d lines for %d moves:\n%s", len(lines), moves, strings.Join(lines, ""))
		}
		if !strings.HasSuffix(lines[0], "kind=network from=127.0.0.0/24 to=127.0.7.0/24 moves=1\n") {
			t.Errorf("logged %q", lines[0])
		}
	})
}
