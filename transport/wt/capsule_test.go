package wt

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
)

// heard reads capsules, with the limits that they raise.
func heard(b []byte) (limits []uint64, err error) {
	c := &capsules{
		parser:  http3.NewCapsuleParser(bytes.NewReader(b)),
		maxData: func(n uint64) error { limits = append(limits, n); return nil },
	}
	return limits, c.read()
}

func TestCapsules(t *testing.T) {
	raw := func(typ http3.CapsuleType, body string) []byte {
		b := quicvarint.Append(nil, uint64(typ))
		return append(quicvarint.Append(b, uint64(len(body))), body...)
	}
	for _, c := range []struct {
		name string
		said []byte
		want error
	}{
		{"nothing", nil, io.EOF},
		{"close", raw(capsuleClose, "\x00\x00\x00\x07enough"), errClosed},
		{"close, as the hub says it", appendClose(nil, 7), errClosed},
		{"drain", appendDrain(nil), io.EOF},
		{"unknown", raw(0x1234, "whatever"), io.EOF},
		{"limits that mean nothing here", appendNumber(appendNumber(nil, capsuleMaxStreams, 4), capsuleMaxStreamsUni, mostStreams), io.EOF},
		{"blocked", appendNumber(appendNumber(nil, capsuleDataBlocked, 4), capsuleStreamsBlocked, 5), io.EOF},
		{"more streams than there can be", appendNumber(nil, capsuleMaxStreams, mostStreams+1), errCapsule},
		{"a number and more", raw(capsuleMaxData, "\x01\x02"), errCapsule},
		{"no number", raw(capsuleMaxData, ""), errCapsule},
		{"half a number", raw(capsuleMaxData, "\x40"), errCapsule},
		{"of HTTP/2", appendNumber(nil, capsuleMaxStreamData, 4), errCapsule},
		{"half a capsule", raw(capsuleDrain, "12345678")[:5], errCapsule},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := heard(c.said); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// FuzzCapsules: whatever a client says of its session, reading it ends with it,
// and limits are read as they are written.
func FuzzCapsules(f *testing.F) {
	f.Add(appendClose(nil, 0), uint64(0))
	f.Add(appendDrain(appendNumber(nil, capsuleMaxStreams, 17)), uint64(1<<40))
	f.Add([]byte{0xc0, 0, 0, 0, 0x19, 0x0b, 0x4d, 0x3d, 0xff}, uint64(quicvarint.Max))
	f.Fuzz(func(t *testing.T, said []byte, limit uint64) {
		limit %= quicvarint.Max + 1
		limits, err := heard(append(appendNumber(nil, capsuleMaxData, limit), said...))
		if len(limits) == 0 || limits[0] != limit {
			t.Errorf("the limit %d was read as %v", limit, limits)
		}
		if err == nil {
			t.Error("it does not end")
		}
	})
}
