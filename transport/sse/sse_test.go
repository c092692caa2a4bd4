package sse_test

import (
	"testing"

	"everything.local/transport/sse"
	"everything.local/transport/transporttest"
)

func TestAppendFrame(t *testing.T) {
	b := sse.Wire{}.AppendFrame([]byte("before"), []byte(`{"cursor":"k3f9.7"}`), "k3f9.7")
	b = sse.Wire{}.AppendFrame(b, []byte(`{"live":true}`), "")
	const want = "before" +
		"id: k3f9.7\ndata: {\"cursor\":\"k3f9.7\"}\n\n" +
		"data: {\"live\":true}\n\n"
	if string(b) != want {
		t.Errorf("got %q, want %q", b, want)
	}
}

func FuzzAppendFrame(f *testing.F) {
	transporttest.FuzzFraming(f, sse.Wire{}, transporttest.ReadSSE, true)
}
