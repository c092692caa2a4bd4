package event

import (
	"strconv"
	"strings"
)

// Cursor is a position in the log of a site, the same on every wire and every
// hub: everything up to and including Seq is seen.
type Cursor struct {
	// Epoch is the random id of the log's life; a restored backup has another.
	Epoch string
	Seq   uint64
}

// String returns "<epoch>.<seq>".
func (c Cursor) String() string { return c.Epoch + "." + strconv.FormatUint(c.Seq, 10) }

// Append appends String's bytes to dst.
func (c Cursor) Append(dst []byte) []byte {
	dst = append(dst, c.Epoch...)
	return strconv.AppendUint(append(dst, '.'), c.Seq, 10)
}

// IsZero reports whether c is no position at all.
func (c Cursor) IsZero() bool { return c == Cursor{} }

// ParseCursor reads what String wrote, and nothing else: there is one spelling
// of a cursor. The error has code BadCursor.
func ParseCursor(s string) (Cursor, error) {
	epoch, num, ok := strings.Cut(s, ".")
	seq, err := strconv.ParseUint(num, 10, 64)
	if !ok || len(s) > 64 || !ValidID(epoch) || err != nil || strconv.FormatUint(seq, 10) != num {
		return Cursor{}, Errorf(BadCursor, "%s is not a cursor; send back one that the hub gave you, like k3f9xw2a.1042, or none to start afresh", Quote(s))
	}
	return Cursor{epoch, seq}, nil
}

// MaxTopics bounds the topics of one subscription: a page needs four.
const MaxTopics = 16

// Position is how far a subscriber is in one topic. A zero Cursor means that
// it holds nothing.
type Position struct {
	Topic  Topic
	Cursor Cursor
}

// ParsePositions reads the topics parameter of a feed request, a list like
// "board@k3f9xw2a.1042,menu", and its after parameter, the position of every
// topic that has none of its own; after may be empty. Errors have the codes
// BadCursor, UnknownTopic, TooManyTopics and Invalid (none, or one twice).
func ParsePositions(topics, after string) ([]Position, error) {
	if n := strings.Count(topics, ",") + 1; n > MaxTopics {
		return nil, Errorf(TooManyTopics, "a subscription may have %d topics, this one names %d", MaxTopics, n)
	}
	var all Cursor
	if after != "" {
		var err error
		if all, err = ParseCursor(after); err != nil {
			return nil, err
		}
	}
	var ps []Position
	for part := range strings.SplitSeq(topics, ",") {
		p, err := parsePosition(part, all)
		if err != nil {
			return nil, err
		}
		for _, q := range ps {
			if q.Topic == p.Topic {
				return nil, Errorf(Invalid, "the topic %s is named twice", p.Topic)
			}
		}
		ps = append(ps, p)
	}
	return ps, nil
}

func parsePosition(s string, after Cursor) (Position, error) {
	if s == "" {
		return Position{}, Errorf(Invalid, "name the topics to follow, like topics=menu,board")
	}
	name, at, given := strings.Cut(s, "@")
	topic, err := ParseTopic(name)
	if err != nil {
		return Position{}, err
	}
	if !given {
		return Position{topic, after}, nil
	}
	cursor, err := ParseCursor(at)
	return Position{topic, cursor}, err
}
