package wt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
)

// Capsules of a session (RFC 9297, section 3.2; sections 4.6, 4.7 and 5.6 of the
// draft, version 15). Any other has no meaning here.
const (
	capsuleClose             http3.CapsuleType = 0x2843
	capsuleDrain             http3.CapsuleType = 0x78ae
	capsuleMaxData           http3.CapsuleType = 0x190b4d3d
	capsuleMaxStreamData     http3.CapsuleType = 0x190b4d3e
	capsuleMaxStreams        http3.CapsuleType = 0x190b4d3f
	capsuleMaxStreamsUni     http3.CapsuleType = 0x190b4d40
	capsuleDataBlocked       http3.CapsuleType = 0x190b4d41
	capsuleStreamDataBlocked http3.CapsuleType = 0x190b4d42
	capsuleStreamsBlocked    http3.CapsuleType = 0x190b4d43
	capsuleStreamsBlockedUni http3.CapsuleType = 0x190b4d44
)

// mostStreams is the highest limit of streams that there is.
const mostStreams = 1 << 60

// errCapsule is a capsule that breaks the rules, for which a session ends.
var errCapsule = errors.New("wt: malformed capsule")

// errClosed is the end of a session by its client.
var errClosed = errors.New("wt: the client closed the session")

// capsules reads what a client says of its session.
type capsules struct {
	parser *http3.CapsuleParser
	// maxData is told of a new limit of what may be sent to the client, and
	// returns an error if it is none.
	maxData func(uint64) error
}

// read reads capsules until the session is closed (errClosed), one is against
// the rules (errCapsule and what maxData returns), or the stream ends.
func (c *capsules) read() error {
	for {
		typ, body, err := c.parser.Next()
		if err == nil {
			err = c.take(typ, body)
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%w: %w", errCapsule, err)
		}
		if err != nil {
			return err
		}
	}
}

func (c *capsules) take(typ http3.CapsuleType, body http3.CapsuleReader) error {
	switch typ {
	case capsuleClose:
		return errClosed // with a code and a text that mean nothing here
	case capsuleMaxData:
		limit, err := number(body, quicvarint.Max)
		if err != nil {
			return err
		}
		return c.maxData(limit)
	case capsuleMaxStreams, capsuleMaxStreamsUni, capsuleStreamsBlocked, capsuleStreamsBlockedUni:
		// The hub opens no streams, and gives places as they become free.
		_, err := number(body, mostStreams)
		return err
	case capsuleDataBlocked:
		_, err := number(body, quicvarint.Max)
		return err
	case capsuleMaxStreamData, capsuleStreamDataBlocked:
		return fmt.Errorf("%w: type %#x is HTTP/2's", errCapsule, uint64(typ))
	default:
		return body.Discard()
	}
}

// number reads a capsule that is one number of at most most.
func number(body http3.CapsuleReader, most uint64) (uint64, error) {
	n, err := quicvarint.Read(body)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errCapsule, err)
	}
	if body.Remaining() != 0 || n > most {
		return 0, fmt.Errorf("%w: %d, and %d bytes more", errCapsule, n, body.Remaining())
	}
	return n, nil
}

// appendNumber appends a capsule that is one number.
func appendNumber(b []byte, typ http3.CapsuleType, n uint64) []byte {
	b = quicvarint.Append(b, uint64(typ))
	b = quicvarint.Append(b, uint64(quicvarint.Len(n)))
	return quicvarint.Append(b, n)
}

// appendClose appends the capsule that ends a session with code.
func appendClose(b []byte, code uint32) []byte {
	b = quicvarint.Append(b, uint64(capsuleClose))
	b = quicvarint.Append(b, 4)
	return binary.BigEndian.AppendUint32(b, code)
}

// appendDrain appends the capsule that asks a client to end its session.
func appendDrain(b []byte) []byte {
	return quicvarint.Append(quicvarint.Append(b, uint64(capsuleDrain)), 0)
}
