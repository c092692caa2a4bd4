package ws

import "encoding/binary"

// opcode says what a frame is (RFC 6455, section 5.2).
type opcode byte

// The opcodes. All others are reserved.
const (
	opContinuation opcode = 0x0
	opText         opcode = 0x1
	opBinary       opcode = 0x2
	opClose        opcode = 0x8
	opPing         opcode = 0x9
	opPong         opcode = 0xA
)

// isControl reports whether frames of this kind may come between the fragments
// of a message.
func (o opcode) isControl() bool { return o&0x8 != 0 }

// Parts of a frame's first two bytes.
const (
	bitFin       = 0x80
	bitsReserved = 0x70
	bitsOpcode   = 0x0F
	bitMask      = 0x80
	bitsLength   = 0x7F
)

// Lengths of a payload and how they are written: up to maxShort in the second
// byte, up to maxMedium in two bytes more, and longer ones in eight.
const (
	maxShort     = 125
	lengthMedium = 126
	lengthLong   = 127
	maxMedium    = 1<<16 - 1

	// maxControl is the longest payload of a control frame.
	maxControl = 125
)

// appendHeader begins an unfragmented, unmasked frame, which is all a server
// sends, with n bytes of payload.
func appendHeader(dst []byte, op opcode, n int) []byte {
	dst = append(dst, bitFin|byte(op))
	switch {
	case n <= maxShort:
		return append(dst, byte(n))
	case n <= maxMedium:
		return binary.BigEndian.AppendUint16(append(dst, lengthMedium), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, lengthLong), uint64(n))
}

// appendFrame appends a whole frame.
func appendFrame(dst []byte, op opcode, payload []byte) []byte {
	return append(appendHeader(dst, op, len(payload)), payload...)
}

// Wire frames a feed as WebSocket text messages, one for each frame of the
// feed. Its zero value is ready.
type Wire struct{}

// Name is the wire's name in metrics and rings.
func (Wire) Name() string { return "ws" }

// AppendFrame appends frame, one JSON object, as a complete text message, ready
// to be written to any client: what a server sends is not masked. The cursor
// that commits the subscription is in the frames themselves, so id is not
// needed.
func (Wire) AppendFrame(dst, frame []byte, _ string) []byte {
	return appendFrame(dst, opText, frame)
}
