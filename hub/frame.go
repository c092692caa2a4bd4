package hub

import (
	"encoding/json"
	"strconv"
	"time"

	"everything.local/event"
)

// Frames are written by hand, in the field order of docs/protocol.md, because
// that is the work done per event and wire. event.Frame is what they decode
// to; a test holds the two together.

func appendReset(dst []byte, t event.Topic) []byte {
	dst = append(dst, `{"topic":`...)
	dst = appendString(dst, string(t))
	return append(dst, `,"reset":true}`...)
}

// appendItem writes the frame of an entry or tombstone; cursor is the mark it
// carries, or empty.
func appendItem(dst []byte, t event.Topic, it *item, cursor string) []byte {
	dst = append(dst, `{"topic":`...)
	dst = appendString(dst, string(t))
	dst = append(dst, `,"key":`...)
	dst = appendString(dst, it.key)
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendUint(dst, it.seq, 10)
	if it.value != nil {
		dst = append(dst, `,"value":`...)
		dst = append(dst, it.value...)
	}
	if cursor != "" {
		dst = append(dst, `,"cursor":"`...)
		dst = append(dst, cursor...)
		dst = append(dst, '"')
	}
	return append(dst, '}')
}

func appendCursor(dst []byte, cursor string) []byte {
	dst = append(dst, `{"cursor":"`...)
	dst = append(dst, cursor...)
	return append(dst, `"}`...)
}

// appendClock writes a live or ping frame; a subscription that nothing is
// committed of has no cursor.
func appendClock(dst []byte, kind, cursor string, now time.Time) []byte {
	dst = append(dst, `{"`...)
	dst = append(dst, kind...)
	dst = append(dst, `":true`...)
	if cursor != "" {
		dst = append(dst, `,"cursor":"`...)
		dst = append(dst, cursor...)
		dst = append(dst, '"')
	}
	dst = append(dst, `,"now":"`...)
	dst = now.UTC().AppendFormat(dst, event.TimeLayout)
	return append(dst, `"}`...)
}

func appendStale(dst []byte, s staleness) []byte {
	dst = append(dst, `{"stale":{"since":"`...)
	dst = s.since.UTC().AppendFormat(dst, event.TimeLayout)
	dst = append(dst, `","why":"`...)
	dst = append(dst, s.why...)
	return append(dst, `"}}`...)
}

// appendString writes s as a JSON string. Keys and topics are ids and numbers,
// which need no escapes; others take the slow road.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			b, _ := json.Marshal(s) // a string never fails
			return append(dst, b...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}
