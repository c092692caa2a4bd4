package ws

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// testMask is that of the tests' frames. The RFC's own example has it.
var testMask = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// frame is one frame as a test sends or gets it.
type frame struct {
	fin     bool
	rsv     byte // bits 0x70
	op      opcode
	payload []byte
}

func (f frame) String() string { return fmt.Sprintf("fin %t op %x %.60q", f.fin, f.op, f.payload) }

// one is an unfragmented frame; first, more and last are parts of a message.
func one(op opcode, payload string) frame { return frame{fin: true, op: op, payload: []byte(payload)} }
func first(payload string) frame          { return frame{op: opText, payload: []byte(payload)} }
func more(payload string) frame           { return frame{op: opContinuation, payload: []byte(payload)} }

func last(payload string) frame {
	return frame{fin: true, op: opContinuation, payload: []byte(payload)}
}

// client is the frames as a client sends them, masked.
func client(frames ...frame) []byte {
	var b []byte
	for _, f := range frames {
		start := len(b)
		b = appendHeader(b, f.op, len(f.payload))
		b[start] |= f.rsv
		if !f.fin {
			b[start] &^= bitFin
		}
		b[start+1] |= bitMask
		b = append(b, testMask[:]...)
		for i, c := range f.payload {
			b = append(b, c^testMask[i&3])
		}
	}
	return b
}

// readServerFrame reads a frame of a server: whole, unmasked, without reserved
// bits, its length in the shortest form.
func readServerFrame(r *bufio.Reader) (frame, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	if head[0]&(bitFin|bitsReserved) != bitFin || head[1]&bitMask != 0 {
		return frame{}, fmt.Errorf("head % x of a server", head)
	}
	n := uint64(head[1])
	var err error
	switch n {
	case lengthMedium:
		var b [2]byte
		_, err = io.ReadFull(r, b[:])
		n = uint64(binary.BigEndian.Uint16(b[:]))
		if n <= maxShort {
			return frame{}, errors.New("a long form of a short length")
		}
	case lengthLong:
		var b [8]byte
		_, err = io.ReadFull(r, b[:])
		n = binary.BigEndian.Uint64(b[:])
		if n <= maxMedium || n > 1<<30 {
			return frame{}, fmt.Errorf("a long form of the length %d", n)
		}
	}
	if err != nil {
		return frame{}, err
	}
	f := frame{fin: true, op: opcode(head[0] & bitsOpcode), payload: make([]byte, n)}
	_, err = io.ReadFull(r, f.payload)
	return f, err
}
