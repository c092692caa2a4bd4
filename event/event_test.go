package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"everything.local/event"

	"github.com/google/go-cmp/cmp"
)

// The stored forms under testdata are what disks hold. They are only added to:
// one that has to be changed is a log that cannot be read any more.

var (
	goldenKey     = event.Key([]byte("0123456789abcdef0123456789abcdef"))
	goldenSubject = event.Subject{Kind: event.KindOrder, ID: "k3f9xw2ak3f9xw2ak3f9"}
)

func golden(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(b, []byte("\n"))
}

func goldenEvent() event.Event {
	return event.Event{
		Type: "order.accepted", Version: 1, By: "barista/b2",
		Time:    time.Date(2026, 11, 22, 7, 30, 0, int(40*time.Millisecond), time.UTC),
		Command: event.Command{ID: event.CommandID("barista/b2", "POST", "/v1/orders/1/accept", "key"), Digest: event.Digest([]byte("{}"))},
		Data:    json.RawMessage(`{"pickup_by":"2026-11-22T08:00:00.000Z","at":"<bar>"}`),
	}
}

func goldenPersonal() event.Event {
	e := goldenEvent()
	e.Type, e.Version, e.By, e.Customer = "order.placed", 2, "customer/a1", "ada"
	return e
}

func TestStoredForm(t *testing.T) {
	want := golden(t, "event.json")
	got, err := event.Encode(goldenEvent(), nil)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("encoded\n%s, %v; stored is\n%s", got, err, want)
	}
	e, sealed, err := event.Decode(want)
	if err != nil || sealed != nil {
		t.Errorf("decoded %+v, %v", sealed, err)
	}
	// JSON's own escapes are part of the stored form.
	wanted := goldenEvent()
	wanted.Data = json.RawMessage(`{"pickup_by":"2026-11-22T08:00:00.000Z","at":"\u003cbar\u003e"}`)
	if d := cmp.Diff(wanted, e); d != "" {
		t.Error(d)
	}
}

func TestStoredFormSealed(t *testing.T) {
	want := golden(t, "event-sealed.json")
	e, sealed, err := event.Decode(want)
	if err != nil {
		t.Fatal(err)
	}
	wanted := goldenPersonal()
	wanted.Data = e.Data
	if d := cmp.Diff(wanted, e); d != "" {
		t.Error(d)
	}
	personal, err := goldenKey.Open(goldenSubject, sealed)
	if err != nil || string(personal) != `{"name":"Ada","note":"extra hot"}` {
		t.Errorf("personal fields %s, %v", personal, err)
	}
	// A box is never the same twice, the rest is.
	e.Personal = personal
	if got, err := event.Encode(e, sealed); err != nil || !bytes.Equal(got, want) {
		t.Errorf("encoded\n%s, %v; stored is\n%s", got, err, want)
	}
}

// TestStoredFormGrows holds that a hub reads what a later one adds.
func TestStoredFormGrows(t *testing.T) {
	b := bytes.Replace(golden(t, "event.json"), []byte(`{"type":`), []byte(`{"trace":{"id":"x"},"type":`), 1)
	if e, _, err := event.Decode(b); err != nil || e.Type != "order.accepted" {
		t.Errorf("decoded %+v, %v", e, err)
	}
}

func TestEncodeRefuses(t *testing.T) {
	sealed := goldenKey.Seal("ada", goldenSubject, []byte(`{}`))
	withPersonal := goldenPersonal()
	withPersonal.Personal = json.RawMessage(`{}`)
	for name, try := range map[string]func() ([]byte, error){
		"personal fields in the clear": func() ([]byte, error) { return event.Encode(withPersonal, nil) },
		"a seal of nothing":            func() ([]byte, error) { return event.Encode(goldenEvent(), sealed) },
		"data that is no JSON": func() ([]byte, error) {
			e := goldenEvent()
			e.Data = json.RawMessage(`{`)
			return event.Encode(e, nil)
		},
	} {
		if b, err := try(); err == nil {
			t.Errorf("%s: encoded %s", name, b)
		}
	}
	e := goldenEvent()
	e.Data = json.RawMessage(`"` + strings.Repeat("x", event.MaxEventBytes) + `"`)
	if _, err := event.Encode(e, nil); event.CodeOf(err) != event.TooLarge {
		t.Errorf("too large: %v", err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, b := range []string{
		``, `null`, `[]`, `{}`, `{"type":"a"}`, `{"type":"a","version":0,"time":"2026-11-22T07:30:00.040Z"}`,
		`{"type":"a","version":1}`, `{"type":"a","version":1,"time":"2026-11-22T07:30:00Z"}`,
		`{"type":"a","version":1,"time":"2026-11-22T07:30:00.040Z","sealed":{"box":"%"}}`,
		string(golden(t, "event.json")[:100]),
	} {
		if e, _, err := event.Decode([]byte(b)); !errors.Is(err, event.ErrDamaged) {
			t.Errorf("%q decoded to %+v, %v", b, e, err)
		}
	}
}

func TestTimes(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 30, 0, 40_999_999, time.FixedZone("", 3600))
	if got := event.FormatTime(at); got != "2026-11-22T07:30:00.040Z" {
		t.Errorf("formatted %s", got)
	}
	if got, err := event.ParseTime("2026-11-22T07:30:00.040Z"); err != nil || !got.Equal(at.Truncate(time.Millisecond)) {
		t.Errorf("parsed %v, %v", got, err)
	}
}

// FuzzDecode holds that what decodes encodes to something that decodes to the
// same.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"event.json", "event-sealed.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"type":"a","version":1,"time":"2026-11-22T07:30:00.040Z"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, sealed, err := event.Decode(b)
		if err != nil {
			if !errors.Is(err, event.ErrDamaged) {
				t.Errorf("error %v is not ErrDamaged", err)
			}
			return
		}
		if sealed != nil {
			e.Personal = json.RawMessage(`{}`) // stands for what the box holds
		}
		again, err := event.Encode(e, sealed)
		if event.CodeOf(err) == event.TooLarge {
			return
		}
		if err != nil {
			t.Fatalf("%+v does not encode: %v", e, err)
		}
		f, resealed, err := event.Decode(again)
		if err != nil {
			t.Fatalf("%s does not decode: %v", again, err)
		}
		third, err := event.Encode(withPersonalOf(f, e), resealed)
		if err != nil || !bytes.Equal(again, third) {
			t.Errorf("encoded\n%s, then\n%s, %v", again, third, err)
		}
	})
}

func withPersonalOf(e, from event.Event) event.Event {
	e.Personal = from.Personal
	return e
}
