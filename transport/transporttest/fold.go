package transporttest

import (
	"encoding/json"
	"fmt"
	"strings"

	"everything.local/event"
)

// change is one entry of a scripted event.
type change struct {
	Topic event.Topic     `json:"topic"`
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value,omitempty"` // none is a tombstone
	// Size, if not 0, makes the fold blow the value up to so many bytes and a
	// few, so that the log need not carry them.
	Size int `json:"size,omitempty"`
}

// put is a change that sets key to a value that no other change has.
func put(topic event.Topic, key string, value int) change {
	return change{Topic: topic, Key: key, Value: fmt.Appendf(nil, `{"n":%d}`, value)}
}

// gone is a change that removes key.
func gone(topic event.Topic, key string) change { return change{Topic: topic, Key: key} }

// script is what a scripted event holds.
type script struct {
	Epoch   string   `json:"epoch,omitempty"`
	Changes []change `json:"changes,omitempty"`
}

// fold does what events say. Its state is the epoch.
type fold struct{ epoch string }

// Apply implements hub.Fold.
func (f *fold) Apply(e event.Event) ([]event.Entry, error) {
	var s script
	if err := json.Unmarshal(e.Data, &s); err != nil {
		return nil, err
	}
	if s.Epoch != "" {
		f.epoch = s.Epoch
	}
	entries := make([]event.Entry, len(s.Changes))
	for i, c := range s.Changes {
		if c.Size > 0 {
			c.Value = fmt.Appendf(nil, `{"x":"%s","was":%s}`, strings.Repeat("x", c.Size), c.Value)
		}
		entries[i] = event.Entry{Topic: c.Topic, Key: c.Key, Seq: e.Seq, Value: c.Value}
	}
	return entries, nil
}

// Snapshot implements hub.Fold.
func (f *fold) Snapshot() ([]byte, error) { return json.Marshal(f.epoch) }

// Restore implements hub.Fold.
func (f *fold) Restore(b []byte) error { return json.Unmarshal(b, &f.epoch) }

// Epoch implements hub.Fold.
func (f *fold) Epoch() string { return f.epoch }
