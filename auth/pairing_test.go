package auth

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/event"
)

type pairingAnswer struct{ Code, Device, Expires string }

// ask asks for a code as the device at addr.
func (h *house) ask(t *testing.T, addr string) (pairingAnswer, answer) {
	t.Helper()
	r := httptest.NewRequest("POST", "https://hub.local/v1/pairing", nil)
	r.RemoteAddr = addr
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	var p pairingAnswer
	var a answer
	if w.Code == 200 {
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
	} else if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	a.header = w.Header()
	return p, a
}

func redeem(p pairingAnswer) string {
	return fmt.Sprintf(`{"code":%q,"device":%q}`, p.Code, p.Device)
}

func TestScreenIsPaired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		tv, _ := h.ask(t, "10.0.0.5:1000")
		if len(tv.Code) != codeDigits || strings.Trim(tv.Code, "0123456789") != "" || len(tv.Device) < 26 {
			t.Fatalf("the pairing is %+v", tv)
		}
		if !h.Shown(tv.Code) || h.Shown("not a code") {
			t.Errorf("shown: %v, and what is not: %v", h.Shown(tv.Code), h.Shown("not a code"))
		}
		if want := event.FormatTime(time.Now().Add(PairingLifetime)); tv.Expires != want {
			t.Errorf("expires %s, want %s", tv.Expires, want)
		}
		if got := h.call(t, "POST", "/v1/session", redeem(tv)); got.Code != event.PairingPending || got.cookie != nil {
			t.Fatalf("before staff approve: %+v", got)
		}
		h.approvals.approve(tv.Code, "screen1")
		// Who only reads the code off the wall gets nothing.
		for _, device := range []string{"", "x", strings.ToLower(tv.Device), tv.Device + "A"} {
			got := h.call(t, "POST", "/v1/session", redeem(pairingAnswer{Code: tv.Code, Device: device}))
			if got.Code != event.NotFound || got.cookie != nil {
				t.Errorf("with the secret %q: %+v, want not_found", device, got)
			}
		}
		got := h.call(t, "POST", "/v1/session", redeem(tv))
		if got.Role != Display || got.ID != event.DeriveID("display", "screen1") {
			t.Fatalf("the screen is %+v", got)
		}
		// The answer may have got lost.
		if again := h.call(t, "POST", "/v1/session", redeem(tv)); again.ID != got.ID {
			t.Errorf("asked again it is %+v", again)
		}
		if i := h.call(t, "GET", "/v1/session", "", cookieOf(got)); i.Role != Display {
			t.Errorf("by its cookie it is %+v", i)
		}
	})
}

func TestCodesExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		tv, _ := h.ask(t, "10.0.0.5:1000")
		time.Sleep(PairingLifetime)
		h.approvals.approve(tv.Code, "screen1")
		if got := h.call(t, "POST", "/v1/session", redeem(tv)); got.Code != event.NotFound {
			t.Errorf("after ten minutes: %+v, want not_found", got)
		}
	})
}

func TestNoPairingWithoutStaffToApprove(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Pairings = nil })
	if _, got := h.ask(t, "10.0.0.5:1000"); got.Code != event.Forbidden {
		t.Errorf("asking: %+v, want forbidden", got)
	}
	if got := h.call(t, "POST", "/v1/session", `{"code":"123456","device":"x"}`); got.Code != event.Forbidden {
		t.Errorf("redeeming: %+v, want forbidden", got)
	}
}

// TestApprovedCodesAreNotGivenAgain: staff approved a code a moment ago; a
// device that happened to get the same would be in at once.
func TestApprovedCodesAreNotGivenAgain(t *testing.T) {
	p := newPairing()
	var refused []string
	approved := func(code string) bool {
		refused = append(refused, code)
		return len(refused) <= 3
	}
	code, _, _, err := p.ask(netip.Prefix{}, time.Now(), approved)
	if err != nil || len(refused) != 4 || code != refused[3] {
		t.Errorf("got %s, %v after %v", code, err, refused)
	}
	_, _, _, err = p.ask(netip.Prefix{}, time.Now(), func(string) bool { return true })
	if event.CodeOf(err) != event.Unavailable {
		t.Errorf("when all are approved: error %v, want unavailable", err)
	}
}

func TestPendingCodesAreBounded(t *testing.T) {
	p := newPairing()
	now := time.Now()
	free := func(string) bool { return false }
	from := func(n int) netip.Prefix { return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), 32) }
	var codes []string
	var devices []string
	for n := range maxPendingPerAddress + 1 {
		code, device, _, err := p.ask(from(0), now.Add(time.Duration(n)*time.Second), free)
		if err != nil {
			t.Fatal(err)
		}
		codes, devices = append(codes, code), append(devices, device)
	}
	for n := range codes {
		err := p.check(codes[n], devices[n], now)
		if (err == nil) != (n > 0) {
			t.Errorf("code %d of one address: %v; the oldest makes room, the others stay", n, err)
		}
	}
	for n := maxPendingPerAddress; n < maxPending; n++ {
		if _, _, _, err := p.ask(from(n), now, free); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, _, err := p.ask(from(200), now, free); event.CodeOf(err) != event.TooManyRequests {
		t.Errorf("one too many: error %v, want too_many_requests", err)
	}
	if _, _, _, err := p.ask(from(0), now, free); err != nil {
		t.Errorf("one instead of another of the same address: %v", err)
	}
	if _, _, _, err := p.ask(from(200), now.Add(2*PairingLifetime), free); err != nil || len(p.pending) != 1 {
		t.Errorf("when the others have expired: %v, and %d wait", err, len(p.pending))
	}
}
