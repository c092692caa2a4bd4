package hub

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var clock = regexp.MustCompile(`"(now|since)":"[^"]*"`)

// wantSent compares frames with lines; a tab and an id follow those that
// commit the subscription. Clocks are shown as T.
func wantSent(t *testing.T, got string, want ...string) {
	t.Helper()
	got = clock.ReplaceAllString(got, `"$1":"T"`)
	lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	if got == "" {
		lines = nil
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("frames sent (-want +got):\n%s", diff)
	}
}

func TestOneTopicSnapshotThenLive(t *testing.T) {
	for name, followers := range map[string]int{"from the map": 1, "from the ring": ringFrom} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.put(set{"a", "k1", "x"}, set{"a", "k2", "y"})
			r.put(set{"a", "k0", "z"}, set{"b", "k9", "w"})
			r.put(set{"a", "k2", ""})
			for range followers - 1 {
				drain(r.sub("a"))
			}
			s := r.sub("a")
			wantSent(t, drain(s),
				`{"topic":"a","reset":true}`,
				`{"topic":"a","key":"k1","seq":2,"value":"x"}`,
				`{"topic":"a","key":"k0","seq":3,"value":"z"}`,
				"{\"cursor\":\"e1.4\"}\te1.4",
				"{\"live\":true,\"cursor\":\"e1.4\",\"now\":\"T\"}\te1.4")
			r.put(set{"a", "k2", "u"}, set{"b", "k", "."}, set{"a", "k1", "v"})
			wantSent(t, drain(s),
				`{"topic":"a","key":"k1","seq":5,"value":"v"}`,
				"{\"topic\":\"a\",\"key\":\"k2\",\"seq\":5,\"value\":\"u\",\"cursor\":\"e1.5\"}\te1.5")
			r.put(set{"b", "k", "!"})
			wantSent(t, drain(s))
			wantSent(t, string(s.Ping(s.since)), "{\"ping\":true,\"cursor\":\"e1.6\",\"now\":\"T\"}\te1.6")
			r.put(set{"a", "k1", ""})
			wantSent(t, drain(s), "{\"topic\":\"a\",\"key\":\"k1\",\"seq\":7,\"cursor\":\"e1.7\"}\te1.7")
		})
	}
}

func TestTwoTopicsSnapshotThenLive(t *testing.T) {
	for name, followers := range map[string]int{"from the map": 1, "from the ring": ringFrom} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.put(set{"a", "k1", "x"}, set{"b", "k2", "y"})
			for range followers - 1 {
				drain(r.sub("b,a"))
			}
			s := r.sub("a,b")
			wantSent(t, drain(s),
				`{"topic":"a","reset":true}`,
				`{"topic":"a","key":"k1","seq":2,"value":"x"}`,
				`{"topic":"b","reset":true}`,
				`{"topic":"b","key":"k2","seq":2,"value":"y"}`,
				"{\"cursor\":\"e1.2\"}\te1.2",
				"{\"live\":true,\"cursor\":\"e1.2\",\"now\":\"T\"}\te1.2")
			r.put(set{"b", "k3", "1"}, set{"a", "k1", "2"}, set{"a", "k4", "3"})
			wantSent(t, drain(s),
				`{"topic":"a","key":"k1","seq":3,"value":"2"}`,
				`{"topic":"a","key":"k4","seq":3,"value":"3","cursor":"e1.3"}`,
				`{"topic":"b","key":"k3","seq":3,"value":"1","cursor":"e1.3"}`,
				"{\"cursor\":\"e1.3\"}\te1.3")
			r.put(set{"c", "k", "?"})
			wantSent(t, drain(s))
		})
	}
}
