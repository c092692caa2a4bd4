package event

import (
	"encoding/json"
	"strings"
)

// Topic names a map of newest values that clients may follow.
type Topic string

// The topics with fixed names. OrdersOf makes the others.
const (
	// Menu holds an item per drink or dish on sale. Public.
	Menu Topic = "menu"
	// Announcements holds what is in force now. Public.
	Announcements Topic = "announcements"
	// Board holds number, first name, drink and status of open orders. Public.
	Board Topic = "board"
	// Kitchen holds the whole ticket of every open order. Staff and displays.
	Kitchen Topic = "kitchen"
	// Timers holds what the clock will have to decide. Never leaves the hub.
	Timers Topic = "timers"
)

const ordersPrefix = "orders/"

// OrdersOf is the topic of one customer's own orders: those open and the
// newest twenty.
func OrdersOf(customer string) Topic { return Topic(ordersPrefix + customer) }

// Customer returns whose orders the topic holds, if it is an OrdersOf topic.
func (t Topic) Customer() (string, bool) { return strings.CutPrefix(string(t), ordersPrefix) }

// ParseTopic returns the topic that a client may name, or an UnknownTopic
// error. Whether this client may see it is for auth to say.
func ParseTopic(s string) (Topic, error) {
	switch t := Topic(s); t {
	case Menu, Announcements, Board, Kitchen:
		return t, nil
	default:
		if id, ok := t.Customer(); ok && ValidID(id) {
			return t, nil
		}
	}
	return "", Errorf(UnknownTopic, "there is no topic %s; there are menu, announcements, board, kitchen and orders/<customer>", Quote(s))
}

// Entry is the newest value of a key in a topic, or its tombstone.
type Entry struct {
	Topic Topic
	Key   string
	// Seq is the event that last changed the key.
	Seq uint64
	// Value is compact JSON, ready to be sent; nil in a tombstone.
	Value json.RawMessage
}

// Gone reports whether the entry is a tombstone.
func (e Entry) Gone() bool { return e.Value == nil }
