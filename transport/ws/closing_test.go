package ws

import (
	"errors"
	"strings"
	"testing"
)

func TestMayBeSent(t *testing.T) {
	var allowed []closeCode
	for c := range 1 << 16 {
		if closeCode(c).mayBeSent() {
			allowed = append(allowed, closeCode(c))
		}
	}
	if want := 4 + 8 + 2000; len(allowed) != want {
		t.Errorf("%d codes may be sent, want %d", len(allowed), want)
	}
	for _, c := range []closeCode{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		if c.mayBeSent() {
			t.Errorf("%d may be sent", c)
		}
	}
}

func TestParseClose(t *testing.T) {
	for _, tt := range []struct {
		payload string
		want    closeCode
		fault   closeCode
	}{
		{"", noStatus, 0},
		{"\x03\xe8", 1000, 0},
		{"\x03\xe8" + strings.Repeat("x", 123), 1000, 0},
		{"\x0f\xa0bye κόσμε", 4000, 0},
		{"\x03", 0, protocolError},
		{"\x03\xee", 0, protocolError},
		{"\x03\xe8\xff", 0, invalidPayload},
		{"\x03\xe8\xe2\x82", 0, invalidPayload},
	} {
		got, err := parseClose([]byte(tt.payload))
		if v, ok := errors.AsType[*violation](err); ok != (tt.fault != 0) || ok && v.code != tt.fault || got != tt.want {
			t.Errorf("%q: got %d, %v", tt.payload, got, err)
		}
	}
}

func TestAppendClose(t *testing.T) {
	for _, tt := range []struct {
		code   closeCode
		reason string
		want   string
	}{
		{noStatus, "", "\x88\x00"},
		{goingAway, "", "\x88\x02\x03\xe9"},
		{policyViolation, "slow down", "\x88\x0b\x03\xf0slow down"},
	} {
		if got := appendClose([]byte("before"), tt.code, tt.reason); string(got) != "before"+tt.want {
			t.Errorf("%d %q: got %q", tt.code, tt.reason, got)
		}
	}
}
