package memlog_test

import (
	"testing"

	"everything.local/event"
	"everything.local/event/logtest"
	"everything.local/event/memlog"
)

func TestContract(t *testing.T) {
	for name, views := range map[string]int{"one view": 1, "three views": 3} {
		t.Run(name, func(t *testing.T) {
			logtest.Run(t, func(*testing.T) logtest.Harness {
				log := memlog.New()
				h := logtest.Harness{LoseNextAnswer: func(int) { log.LoseAnswers(1) }}
				for range views {
					h.Logs = append(h.Logs, event.Log(log))
				}
				return h
			})
		})
	}
}
