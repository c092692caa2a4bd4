package cafe

import (
	"encoding/json"
	"strings"
	"testing"
)

// decode reads JSON that must have no field the type lacks.
func decode[T any](t testing.TB, s string) T {
	t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(s))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return v
}
