package cafe

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"everything.local/event"
)

var update = flag.Bool("update", false, "write golden files for events that have none; existing ones are never changed")

// golden is a stored event that every later version of the program must read
// and fold. Files are only added: what they hold is on people's disks.
type golden struct {
	// After names the golden events that happened before.
	After   []string `json:"after"`
	Subject string   `json:"subject"`
	// Personal is in the clear here; how it is sealed is package event's.
	Personal json.RawMessage `json:"personal,omitempty"`
	Stored   json.RawMessage `json:"stored"`
}

// story is a café in which everything happens that there is an event for.
func story(t testing.TB) *world {
	w := newWorld(t)
	w.must(OpenSite{Epoch: "k3f9", Site: "main", Mode: "live"}, clock)
	latte := item1("latte", 380)
	latte.Description, latte.Position, latte.Remaining = "With <milk> & love", 10, new(int32(24))
	plain := Item{ID: "water", Name: "Water", Category: "Cold", Price: Money{0, "EUR"}}
	w.must(ImportMenu{Items: []Item{latte, plain}}, boss)
	w.must(PutItem{Item: latte}, boss)
	w.must(SetAvailability{Item: "water", Available: true, Remaining: new(int32(0))}, bob)
	w.must(SetAvailability{Item: "water", Available: true}, bob)
	first := w.place(ada, PlaceOrder{
		Name: "Ada Lovelace", Note: "extra hot",
		Items: []LineRequest{
			{Item: "latte", Size: "large", Options: []string{"oat-milk"}, Quantity: 2}, {Item: "water", Quantity: 1},
		},
	})
	w.now = w.now.Add(time.Minute)
	w.steps(first, Accept, Start, Ready, Pickup)
	bare := w.place(grace, PlaceOrder{Items: one("latte")})
	w.must(Advance{Order: bare, Step: Decline, Reason: Closing}, bob)
	cancelled := w.order(grace, "latte")
	w.must(Advance{Order: cancelled, Step: Cancel}, grace)
	w.must(RetireItem{Item: "water"}, boss)
	w.post(PostAnnouncement{Text: "Cake <now>!"})
	w.post(PostAnnouncement{Text: "Happy hour", From: w.now.Add(time.Hour), Until: w.now.Add(2 * time.Hour)})
	w.now = w.now.Add(time.Hour)
	w.must(Elapse{w.timers()[0]}, clock)
	w.now = w.now.Add(time.Hour)
	w.must(Elapse{w.timers()[0]}, clock)
	w.must(PairScreen{Code: "482913", Name: "Kitchen TV"}, bob)
	w.must(ForgetCustomer{Customer: ada.ID, Key: "00112233aabbccdd"}, boss)
	return w
}

// goldens returns the events of the story as golden files by name.
func goldens(t *testing.T) map[string]golden {
	m := map[string]golden{}
	var after []string
	for _, e := range story(t).log {
		name := fmt.Sprintf("%s.v%d.json", e.Type, e.Version)
		for i := 2; m[name].Subject != ""; i++ {
			name = fmt.Sprintf("%s.v%d-%d.json", e.Type, e.Version, i)
		}
		g := golden{After: slices.Clone(after), Subject: e.Subject.String(), Personal: e.Personal}
		after = append(after, name)
		e.Personal = nil
		b, err := event.Encode(e, nil)
		if err != nil {
			t.Fatal(err)
		}
		g.Stored = b
		m[name] = g
	}
	return m
}

// text is what is stored, for comparing.
func (g golden) text(t *testing.T) []string {
	t.Helper()
	list := []string{g.Subject, compact(t, g.Stored)}
	if len(g.Personal) > 0 {
		list = append(list, compact(t, g.Personal))
	}
	return list
}

const goldenDir = "testdata/events"

func TestGoldenEvents(t *testing.T) {
	if *update {
		writeNew(t)
	}
	files, err := fs.Glob(os.DirFS(goldenDir), "*.json")
	if err != nil {
		t.Fatal(err)
	}
	have := map[schemaKey]bool{}
	for _, name := range files {
		e := foldGolden(t, name)
		have[schemaKey{e.Type, e.Version}] = true
	}
	for key := range schemas {
		if !have[key] {
			t.Errorf("%s version %d has no golden file; run the test with -update and commit it", key.typ, key.version)
		}
	}
}

// What is written today is what was written when the file was made. If this
// fails the form of an event has changed: give it a new version.
func TestGoldenEventsAreWrittenAsBefore(t *testing.T) {
	for name, want := range goldens(t) {
		got := readGolden(t, name)
		if diff := cmp.Diff(want.text(t), got.text(t)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func foldGolden(t *testing.T, name string) event.Event {
	t.Helper()
	s := New()
	var e event.Event
	for i, name := range append(readGolden(t, name).After, name) {
		e = openGolden(t, name)
		e.Seq = uint64(i + 1)
		entries, err := s.Apply(e)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		silent := e.Type == typeSiteOpened || e.Type == typeScreenPaired
		if (len(entries) == 0) != silent {
			t.Errorf("%s changes %d entries", name, len(entries))
		}
	}
	// Nothing that is stored is lost in reading it.
	data := schemas[schemaKey{e.Type, e.Version}].data()
	if err := json.Unmarshal(e.Data, data); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(e.Data), string(encode(data))); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
	return e
}

func openGolden(t *testing.T, name string) event.Event {
	t.Helper()
	g := readGolden(t, name)
	e, _, err := event.Decode([]byte(compact(t, g.Stored)))
	if err != nil {
		t.Fatal(err)
	}
	if e.Subject, err = event.ParseSubject(g.Subject); err != nil {
		t.Fatal(err)
	}
	if len(g.Personal) > 0 {
		e.Personal = json.RawMessage(compact(t, g.Personal))
	}
	return e
}

func readGolden(t *testing.T, name string) golden {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(goldenDir, name))
	if err != nil {
		t.Fatalf("%v; run the test with -update and commit the file", err)
	}
	return decode[golden](t, string(b))
}

func writeNew(t *testing.T) {
	t.Helper()
	m := goldens(t)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		path := filepath.Join(goldenDir, name)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		b, err := json.MarshalIndent(m[name], "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("wrote %s", path)
	}
}

func compact(t *testing.T, b []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
