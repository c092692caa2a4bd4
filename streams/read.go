package streams

import (
	"context"
	"fmt"
	"math"
	"strings"

	"everything.local/event"
)

// Read implements event.Log. Events and keys are asked of the leaders.
func (l *Log) Read(ctx context.Context, subject event.Subject) ([]event.Event, error) {
	var events []event.Event
	keys := make(map[string]*event.Key) // of this call
	err := l.each(ctx, subject, 0, math.MaxUint64, func(e event.Event, s *event.Sealed) error {
		if s != nil {
			if _, ok := keys[s.Customer]; !ok {
				err := l.node.retry(ctx, func(ctx context.Context) (err error) {
					keys[s.Customer], _, err = l.node.keys.load(ctx, s.Customer)
					return err
				})
				if err != nil {
					return fmt.Errorf("streams: key: %w", err)
				}
			}
			if err := unseal(&e, s, keys[s.Customer]); err != nil {
				return err
			}
		}
		events = append(events, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return events, nil
}

// decode makes an event of a stored message, with its personal fields sealed.
func decode(subject string, seq uint64, data []byte) (event.Event, *event.Sealed, error) {
	e, sealed, err := event.Decode(data)
	if err == nil {
		e.Seq = seq
		e.Subject, err = event.ParseSubject(strings.TrimPrefix(subject, logPrefix))
	}
	if err != nil {
		return event.Event{}, nil, fmt.Errorf("%w: event %d (%w)", event.ErrDamaged, seq, err)
	}
	return e, sealed, nil
}
