package transporttest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"

	"everything.local/event"
	"everything.local/hub"
)

// FuzzFraming checks that whatever frames a wire is given, a reader gets the
// same ones back, whole and in order, and that a feed that breaks off within a
// frame is told from one that ended. Ids says whether the wire carries ids.
func FuzzFraming(f *testing.F, enc hub.Encoding, read Reader, ids bool) {
	f.Add("41", `{"number":41,"name":"Ada"}`, uint64(7), uint(3))
	f.Add("a\nb\r\ndata: id: \x00", `"\n\ndata: {}\n\nid: 9\n"`, uint64(1), uint(0))
	f.Add("\u2028", `[1,2,3]`, uint64(1<<63), uint(1000))
	f.Fuzz(func(t *testing.T, key, value string, seq uint64, cut uint) {
		cursor := event.Cursor{Epoch: epoch, Seq: seq}.String()
		var frames []string
		for _, fr := range []event.Frame{
			{Topic: event.Menu, Reset: true},
			{Topic: event.Menu, Key: key, Seq: seq, Value: compact(value), Cursor: cursor},
			{Live: true, Cursor: cursor, Now: "2026-11-22T08:00:00.000Z"},
		} {
			b, err := json.Marshal(fr)
			if err != nil {
				t.Fatal(err)
			}
			frames = append(frames, string(b))
		}
		var body []byte
		whole := []int{0} // where a frame ends
		for i, frame := range frames {
			id := ""
			if i > 0 {
				id = cursor
			}
			body = enc.AppendFrame(body, []byte(frame), id)
			whole = append(whole, len(body))
		}
		r := bufio.NewReader(bytes.NewReader(body))
		for i, want := range frames {
			got, err := read(r)
			if err != nil || got.Raw != want {
				t.Fatalf("frame %d: got %q, %v, want %q", i, got.Raw, err, want)
			}
			if hasID := got.ID == cursor; hasID != (ids && i > 0) {
				t.Errorf("frame %d has the id %q", i, got.ID)
			}
		}
		if _, err := read(r); !errors.Is(err, io.EOF) {
			t.Errorf("after the last frame: %v", err)
		}
		n := min(int(cut%4096), len(body)-1)
		breakOff(t, read, body[:n], slices.Contains(whole, n))
	})
}

// breakOff reads part of a body to its end, which must be an end of its own
// kind unless it lies between two frames: unless part is whole.
func breakOff(t *testing.T, read Reader, part []byte, whole bool) {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(part))
	for {
		_, err := read(r)
		switch {
		case err == nil:
		case errors.Is(err, io.ErrUnexpectedEOF):
			if whole {
				t.Errorf("%q does not end like a feed", part)
			}
			return
		case errors.Is(err, io.EOF):
			if !whole {
				t.Errorf("%q ends like a feed", part)
			}
			return
		default:
			t.Fatalf("%q: %v", part, err)
		}
	}
}

// compact is value as the hub would hold it: compact JSON.
func compact(value string) json.RawMessage {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(value)); err != nil || b.Len() == 0 || b.String() == "null" {
		return json.RawMessage(`{}`)
	}
	return b.Bytes()
}
