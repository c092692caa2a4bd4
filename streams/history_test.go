package streams

import (
	"testing"

	"everything.local/event"
)

func TestHistory(t *testing.T) {
	h := newHistory()
	subject := func(id string) event.Subject { return event.Subject{Kind: event.KindOrder, ID: id} }
	cmd := func(id string) event.Command { return event.Command{ID: id, Digest: "d" + id} }
	look := func(id, command string, wantSeq, wantUpto uint64) {
		t.Helper()
		a, found, upto := h.look(subject(id), command)
		if a.seq != wantSeq || found != (wantSeq != 0) || upto != wantUpto {
			t.Errorf("%s in %s: %+v, %v, up to %d; want %d up to %d", command, id, a, found, upto, wantSeq, wantUpto)
		}
	}
	h.extend(subject("a"), 0, 3, cmd("1"))
	h.extend(subject("a"), 3, 5, cmd("2"))
	h.extend(subject("a"), 3, 5, cmd("2")) // read by two at the same time
	look("a", "1", 3, 5)
	look("a", "2", 5, 5)
	look("a", "3", 0, 5)
	h.extend(subject("a"), 7, 9, cmd("3")) // another hub wrote 7
	look("a", "3", 0, 5)
	h.extend(subject("b"), 4, 6, cmd("1")) // its beginning is not known
	look("b", "1", 0, 0)

	h.stored(cmd("4"), []event.Write{
		{Subject: subject("a"), Expected: 5}, {Subject: subject("c")}, {Subject: subject("a"), Expected: 5},
	}, 12)
	look("a", "4", 12, 12)
	look("c", "4", 11, 11)
	if h.size != 4 {
		t.Errorf("holds %d commands, want 4", h.size)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	h := newHistory()
	old := event.Subject{Kind: event.KindOrder, ID: "old"}
	used := event.Subject{Kind: event.KindOrder, ID: "used"}
	h.extend(old, 0, 1, event.Command{ID: "x"})
	h.extend(used, 0, 2, event.Command{ID: "x"})
	for i := range uint64(historyCommands + 10) {
		h.look(used, "x")
		h.extend(event.Subject{Kind: event.KindOrder, ID: event.NewID()}, 0, 3+i, event.Command{ID: "x"})
	}
	if h.size > historyCommands || h.recent.Len() != len(h.subjects) || h.size != h.recent.Len() {
		t.Errorf("holds %d commands of %d subjects", h.size, len(h.subjects))
	}
	if _, found, _ := h.look(used, "x"); !found {
		t.Error("forgot the subject that is used")
	}
	if _, found, upto := h.look(old, "x"); found || upto != 0 {
		t.Error("remembers the oldest")
	}
}
