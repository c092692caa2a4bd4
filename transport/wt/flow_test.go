package wt

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/quic-go/quic-go/http3"
)

// limited returns the flow control with a client that takes so much.
func limited(t *testing.T, data uint64) *flow {
	t.Helper()
	f := newFlow(&http3.Settings{Other: map[uint64]uint64{settingMaxData: data, settingMaxStreams: 1}})
	if f == nil {
		t.Fatal("the client takes no part")
	}
	return f
}

// said returns what the client is told.
func said(f *flow) []byte {
	b, news := f.appendNews(nil)
	f.tell(news)
	return b
}

func TestFlowTakesTwo(t *testing.T) {
	f := newFlow(&http3.Settings{Other: map[uint64]uint64{0x2c7cf000: 1}})
	if f != nil {
		t.Fatal("there is flow control with a client that takes no part")
	}
	if err := f.begin(false); err != nil || f.raise(1) != nil {
		t.Error("a client that takes no part has a limit")
	}
	f.end(false)
}

// TestPlaces: as many streams may be open as there are places; each that ends
// makes room for another, and the client is told so, once.
func TestPlaces(t *testing.T) {
	f := limited(t, 1)
	for n := range maxStreams {
		if err := f.begin(false); err != nil {
			t.Fatalf("stream %d: %v", n, err)
		}
	}
	if f.begin(false) == nil {
		t.Fatal("one too many")
	}
	if err := f.begin(true); err != nil {
		t.Errorf("a unidirectional one: %v", err)
	}
	f.end(false)
	f.end(false)
	if diff := cmp.Diff(appendNumber(nil, capsuleMaxStreams, maxStreams+2), said(f)); diff != "" {
		t.Errorf("(-want +said):\n%s", diff)
	}
	if again := said(f); len(again) != 0 {
		t.Errorf("said again: %x", again)
	}
	for range 2 {
		if err := f.begin(false); err != nil {
			t.Errorf("there is room for two: %v", err)
		}
	}
	if f.begin(false) == nil {
		t.Error("there is room for three")
	}
}

// TestReceived: a client is told of more room when a quarter is used, and may
// not send more than there is.
func TestReceived(t *testing.T) {
	f := limited(t, 1)
	if err := f.receive(maxData/4 - 1); err != nil || len(said(f)) != 0 {
		t.Fatalf("a little: %v", err)
	}
	if err := f.receive(1); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(appendNumber(nil, capsuleMaxData, maxData/4+maxData), said(f)); diff != "" {
		t.Errorf("(-want +said):\n%s", diff)
	}
	if f.receive(maxData) != nil || f.receive(maxData+1) == nil {
		t.Error("there is room for a window")
	}
}

// TestSent: the hub sends as much as it may, says that it could say more, and
// goes on when it may.
func TestSent(t *testing.T) {
	f := limited(t, 10)
	if got := f.take(8) + f.take(8); got != 10 {
		t.Errorf("took %d of 10", got)
	}
	raised := f.wait()
	if diff := cmp.Diff(appendNumber(nil, capsuleDataBlocked, 10), said(f)); diff != "" {
		t.Errorf("(-want +said):\n%s", diff)
	}
	if f.raise(10) == nil {
		t.Error("a limit was raised to what it was")
	}
	select {
	case <-raised:
		t.Fatal("more may be sent before the limit is raised")
	default:
	}
	if err := f.raise(11); err != nil {
		t.Fatal(err)
	}
	<-raised
	<-f.wait() // more may be sent, so there is nothing to wait for
	if got := f.take(8); got != 1 {
		t.Errorf("took %d of 1", got)
	}
}
