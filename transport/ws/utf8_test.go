package ws

import (
	"slices"
	"testing"
	"unicode/utf8"
)

// TestCheckerKnowsEveryStart goes through all beginnings of a character: each
// must be refused at exactly the first byte after which no text can go on.
func TestCheckerKnowsEveryStart(t *testing.T) {
	edges := []byte{0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2}
	for first := range 256 {
		for _, second := range edges {
			for _, third := range edges {
				for _, fourth := range edges {
					checkEachByte(t, []byte{byte(first), second, third, fourth})
				}
			}
		}
	}
}

func checkEachByte(t *testing.T, text []byte) {
	t.Helper()
	var u utf8Checker
	for i := range text {
		ok := u.add(text[i : i+1])
		if want := canGoOn(text[:i+1]); ok != want {
			t.Fatalf("% x: %t at byte %d, want %t", text, ok, i, want)
		}
		if !ok {
			return
		}
		if want := utf8.Valid(text[:i+1]); u.whole() != want {
			t.Fatalf("% x: whole is %t after byte %d", text, u.whole(), i)
		}
	}
}

// canGoOn reports whether text is UTF-8 or becomes it with some bytes more.
func canGoOn(text []byte) bool {
	if utf8.Valid(text) {
		return true
	}
	return slices.ContainsFunc([]string{
		"\x80", "\xA0", "\x90", // the least second bytes, and any third and fourth
		"\x80\x80", "\xA0\x80", "\x90\x80", "\x80\x80\x80", "\x90\x80\x80",
	}, func(more string) bool { return utf8.Valid(append(slices.Clone(text), more...)) })
}

func FuzzChecker(f *testing.F) {
	f.Add([]byte("κόσμε"), uint8(3))
	f.Add([]byte("\xf4\x90\x80\x80"), uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		var u utf8Checker
		ok := true
		for part := range slices.Chunk(text, int(size)+1) {
			ok = ok && u.add(part)
		}
		if want := utf8.Valid(text); (ok && u.whole()) != want {
			t.Errorf("%q in pieces of %d: %t, want %t", text, int(size)+1, !want, want)
		}
	})
}
