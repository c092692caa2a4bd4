package main

import (
	"strings"
	"testing"
)

// TestQUICPins holds the newest pair of these two that compiles together.
// "go get -u" takes a pair that does not (webtransport-go v0.13.0 with quic-go
// v0.65.0): when there is a release for that, change both here and in go.mod.
func TestQUICPins(t *testing.T) {
	mod := read(t, "go.mod")
	for _, pin := range []string{"github.com/quic-go/quic-go v0.64.1", "github.com/quic-go/webtransport-go v0.13.0"} {
		if !strings.Contains(mod, "\t"+pin) {
			t.Errorf("go.mod does not have %s", pin)
		}
	}
}
