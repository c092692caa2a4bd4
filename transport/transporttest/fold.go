package transporttest

import (
	"encoding/json"
	"fmt"

	"everything.local/event"
)

// change is one entry of a scripted event.
type change struct {
	Topic event.Topic     `json:"topic"`
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value,omitempty"` // none is a tombstone
}

// put is a change that sets key to a value that no other change has.
func put(topic event.Topic, key string, value int) change {
	return change{topic, key, fmt.Appendf(nil, `{"n":%d}`, value)}
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
		entries[i] = event.Entry{Topic: c.Topic, Key: c.Key, Seq: e.Seq, Value: c.Value}
	}
	return entries, nil
}

func (f *fold) Snapshot() ([]byte, error) { return json.Marshal(f.epoch) }
func (f *fold) Restore(b []byte) error    { return json.Unmarshal(b, &f.epoch) }
func (f *fold) Epoch() string             { return f.epoch }
