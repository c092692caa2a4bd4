package ndjson_test

import (
	"testing"

	"everything.local/transport/ndjson"
	"everything.local/transport/transporttest"
)

func TestAppendFrame(t *testing.T) {
	b := ndjson.Wire{}.AppendFrame([]byte("before"), []byte(`{"cursor":"k3f9.7"}`), "k3f9.7")
	b = ndjson.Wire{}.AppendFrame(b, []byte(`{"live":true}`), "")
	const want = "before{\"cursor\":\"k3f9.7\"}\n{\"live\":true}\n"
	if string(b) != want {
		t.Errorf("got %q, want %q", b, want)
	}
}

func FuzzAppendFrame(f *testing.F) {
	transporttest.FuzzFraming(f, ndjson.Wire{}, transporttest.ReadNDJSON, false)
}
