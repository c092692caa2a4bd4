package feed

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
)

// Frame is one message of a feed. Its slices are parts of what was parsed.
type Frame struct {
	Topic, Key, Value, Cursor []byte
	// Stale, Goaway and Error are the members' JSON, nil when absent.
	Stale, Goaway, Error []byte
	Seq                  uint64
	Reset, Live, Ping    bool
}

var errFrame = errors.New("this is no frame of a feed")

// Parse reads a frame's JSON. Unlike encoding/json it looks at no value closer
// than to find its end, and allocates nothing unless a string has escapes. What
// it takes for a frame may have faults inside of values.
func (f *Frame) Parse(b []byte) error {
	*f = Frame{}
	s := scanner{b: b}
	if !s.take('{') {
		return errFrame
	}
	for first := true; ; first = false {
		if s.take('}') {
			if s.space(); s.at != len(b) {
				return errFrame
			}
			return nil
		}
		if !first && !s.take(',') {
			return errFrame
		}
		name, ok := s.value()
		if !ok || name[0] != '"' || !s.take(':') {
			return errFrame
		}
		value, ok := s.value()
		if !ok || !f.set(text(name), value) {
			return errFrame
		}
	}
}

// set takes a member. Members that are not known are passed over.
func (f *Frame) set(name, value []byte) bool {
	switch string(name) {
	case "topic":
		return assign(&f.Topic, value)
	case "key":
		return assign(&f.Key, value)
	case "cursor":
		return assign(&f.Cursor, value)
	case "seq":
		var err error
		f.Seq, err = strconv.ParseUint(string(value), 10, 64)
		return err == nil
	case "value":
		f.Value = value
	case "stale":
		f.Stale = value
	case "goaway":
		f.Goaway = value
	case "error":
		f.Error = value
	case "reset":
		f.Reset = string(value) == "true"
	case "live":
		f.Live = string(value) == "true"
	case "ping":
		f.Ping = string(value) == "true"
	}
	return true
}

func assign(to *[]byte, value []byte) bool {
	if value[0] != '"' {
		return false
	}
	*to = text(value)
	return *to != nil
}

// text is what a string literal says.
func text(literal []byte) []byte {
	inner := literal[1 : len(literal)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var s string
	if json.Unmarshal(literal, &s) != nil {
		return nil
	}
	return []byte(s)
}

// scanner walks over JSON.
type scanner struct {
	b  []byte
	at int
}

func (s *scanner) space() {
	for s.at < len(s.b) {
		switch s.b[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) take(c byte) bool {
	s.space()
	if s.at < len(s.b) && s.b[s.at] == c {
		s.at++
		return true
	}
	return false
}

// value passes over one value and returns it.
func (s *scanner) value() ([]byte, bool) {
	s.space()
	from, depth := s.at, 0
	for s.at < len(s.b) {
		switch c := s.b[s.at]; c {
		case '"':
			if !s.text() {
				return nil, false
			}
			if depth == 0 {
				return s.b[from:s.at], true
			}
			continue
		case '{', '[':
			depth++
		case '}', ']', ',':
			if depth == 0 {
				return trimmed(s.b[from:s.at])
			}
			if c == ',' {
				break
			}
			if depth--; depth == 0 {
				s.at++
				return s.b[from:s.at], true
			}
		case ':':
			if depth == 0 {
				return nil, false
			}
		}
		s.at++
	}
	return nil, false
}

// trimmed is a number or a word, of which there must be something.
func trimmed(b []byte) ([]byte, bool) {
	b = bytes.TrimRight(b, " \t\r\n")
	return b, len(b) > 0
}

// text passes over a string literal.
func (s *scanner) text() bool {
	for s.at++; ; s.at += 2 {
		i := bytes.IndexByte(s.b[s.at:], '"')
		if i < 0 {
			return false
		}
		escape := bytes.IndexByte(s.b[s.at:s.at+i], '\\')
		if escape < 0 {
			s.at += i + 1
			return true
		}
		s.at += escape
		if s.at+2 > len(s.b) {
			return false
		}
	}
}
