package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"everything.local/cafe"
	"everything.local/client"
	"everything.local/event"
)

// clock is the time of day where the reader is.
func clock(t time.Time) string { return t.Local().Format(time.TimeOnly) }

// clockOf is clock of an instant on the wire.
func clockOf(instant string) string {
	t, err := event.ParseTime(instant)
	if err != nil {
		return instant
	}
	return clock(t)
}

// statusWords says how a watch is doing.
func statusWords(s client.Status) string {
	if s.Moved != nil {
		return fmt.Sprintf("moved: from %s to %s, on the same connection", s.Moved, s.Path)
	}
	switch s.State {
	case client.Live:
		return fmt.Sprintf("live: %s over %s (%s)", s.URL, s.Wire, s.Protocol)
	case client.Stale:
		return fmt.Sprintf("stale since %s: %s", clockOf(s.Stale.Since), staleWords(s.Stale.Why))
	case client.Waiting:
		return fmt.Sprintf("lost: %v; reconnecting in %.1f s", s.Err, s.Retry.Seconds())
	default:
		return "connecting to " + s.URL
	}
}

func staleWords(why event.StaleReason) string {
	switch why {
	case event.NoQuorum:
		return "the hubs have no leader"
	case event.HubBehind:
		return "this hub is behind what was seen already"
	case event.HubTooOld:
		return "this hub has to be upgraded"
	case event.LogUnreadable:
		return "the hub cannot read its log"
	}
	return string(why)
}

// valueWords says in a few words what an entry of a topic is.
func valueWords(t event.Topic, value json.RawMessage) string {
	text := string(value)
	switch _, own := t.Customer(); {
	case t == event.Menu:
		text = wordsOf(value, itemWords)
	case t == event.Announcements:
		text = wordsOf(value, func(a cafe.Announcement) string { return a.Text })
	case t == event.Board:
		text = wordsOf(value, boardWords)
	case t == event.Kitchen, own:
		text = wordsOf(value, orderWords)
	}
	return oneLine(text)
}

// wordsOf decodes a value and describes it; what it cannot decode is shown as
// it came.
func wordsOf[V any](value json.RawMessage, words func(V) string) string {
	var v V
	if err := json.Unmarshal(value, &v); err != nil {
		return string(value)
	}
	return words(v)
}

// oneLine keeps what others wrote from doing anything to a terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}

func itemWords(it cafe.Item) string {
	s := it.Name + ", " + moneyWords(it.Price.Amount, it.Price.Currency)
	switch {
	case !it.Available:
		return s + ", sold out"
	case it.Remaining != nil:
		return fmt.Sprintf("%s, %d left", s, *it.Remaining)
	}
	return s
}

func boardWords(l cafe.BoardLine) string {
	return l.Drink + forWhom(l.Name) + ", " + stateWords(l.Status)
}

func orderWords(o cafe.Order) string {
	s := fmt.Sprintf("order %d%s: %s", o.Number, forWhom(o.Name), itemsWords(o.Items))
	if o.Note != "" {
		s += ` ("` + o.Note + `")`
	}
	return s + ", " + stateWords(o.Status)
}

func forWhom(name string) string {
	if name == "" {
		return ""
	}
	return " for " + name
}

func itemsWords(items []cafe.Line) string {
	lines := make([]string, len(items))
	for i, l := range items {
		lines[i] = lineWords(l)
	}
	return strings.Join(lines, ", ")
}

// lineWords is like "2 Latte (Large, Oat milk)"; what an item comes with
// anyway is left out.
func lineWords(l cafe.Line) string {
	var choices []string
	if l.Size != nil && !l.Size.Default {
		choices = append(choices, l.Size.Name)
	}
	for _, o := range l.Options {
		if !o.Default {
			choices = append(choices, o.Name)
		}
	}
	s := l.Name
	if l.Quantity != 1 {
		s = fmt.Sprintf("%d %s", l.Quantity, s)
	}
	if len(choices) > 0 {
		s += " (" + strings.Join(choices, ", ") + ")"
	}
	return s
}

func stateWords(s cafe.Status) string { return strings.ReplaceAll(string(s), "_", " ") }

// whole are the currencies without minor units (ISO 4217) that a café may use.
var whole = []string{"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"}

func moneyWords(amount int32, currency string) string {
	if slices.Contains(whole, currency) {
		return fmt.Sprintf("%d %s", amount, currency)
	}
	return fmt.Sprintf("%.2f %s", float64(amount)/100, currency)
}
