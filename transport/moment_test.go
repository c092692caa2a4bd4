package transport

import "testing"

func TestOnCut(t *testing.T) {
	f := NewFeed(FeedConfig{})
	var called []string
	call := func(name string) func() { return func() { called = append(called, name) } }
	stop := f.OnCut(call("stopped"))
	stopLate := f.OnCut(call("cut"))
	stop()
	select {
	case <-f.Cutting():
		t.Error("the feed is cut from the start")
	default:
	}
	f.Cut()
	f.Cut()
	<-f.Cutting()
	stopLate()
	f.OnCut(call("late"))()
	if len(called) != 2 || called[0] != "cut" || called[1] != "late" {
		t.Errorf("called were %v, want cut and late", called)
	}
}
