package event_test

import (
	"bytes"
	"errors"
	"testing"

	"everything.local/event"
)

func TestSealAndOpen(t *testing.T) {
	key, subject := event.NewKey(), event.Subject{Kind: event.KindOrder, ID: "a"}
	plain := []byte(`{"name":"Ada"}`)
	s := key.Seal("ada", subject, plain)
	if s.Customer != "ada" || s.Key != key.ID() || bytes.Contains(s.Box, []byte("Ada")) {
		t.Errorf("sealed %+v", s)
	}
	if got, err := key.Open(subject, s); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("opened %q, %v", got, err)
	}
	if again := key.Seal("ada", subject, plain); bytes.Equal(again.Box, s.Box) {
		t.Error("two boxes of the same fields are equal")
	}
	if len(key.ID()) != 16 || event.NewKey().ID() == key.ID() {
		t.Errorf("key id %q", key.ID())
	}
}

func TestOpenRefuses(t *testing.T) {
	key, subject := event.NewKey(), event.Subject{Kind: event.KindOrder, ID: "a"}
	seal := func() *event.Sealed { return key.Seal("ada", subject, []byte(`{"name":"Ada"}`)) }
	if _, err := event.NewKey().Open(subject, seal()); !errors.Is(err, event.ErrForgotten) {
		t.Errorf("with another key: %v", err)
	}
	moved := event.Subject{Kind: event.KindOrder, ID: "b"}
	if _, err := key.Open(moved, seal()); !errors.Is(err, event.ErrDamaged) {
		t.Errorf("in another event: %v", err)
	}
	for name, change := range map[string]func(*event.Sealed){
		"another customer's": func(s *event.Sealed) { s.Customer = "bob" },
		"empty":              func(s *event.Sealed) { s.Box = nil },
		"short":              func(s *event.Sealed) { s.Box = s.Box[:11] },
		"nonce only":         func(s *event.Sealed) { s.Box = s.Box[:12] },
		"cut":                func(s *event.Sealed) { s.Box = s.Box[:len(s.Box)-1] },
		"longer":             func(s *event.Sealed) { s.Box = append(s.Box, 0) },
	} {
		s := seal()
		change(s)
		if _, err := key.Open(subject, s); !errors.Is(err, event.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := seal()
	for i := range len(s.Box) * 8 {
		flipped := *s
		flipped.Box = bytes.Clone(s.Box)
		flipped.Box[i/8] ^= 1 << (i % 8)
		if _, err := key.Open(subject, &flipped); !errors.Is(err, event.ErrDamaged) {
			t.Fatalf("bit %d flipped: %v", i, err)
		}
	}
}
