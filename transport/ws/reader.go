package ws

import "encoding/binary"

// maxMessage is the longest message of a client: a subscribe line has as many
// topics and cursors as it may, and a token.
const maxMessage = 8 << 10

// kind is what a reader found.
type kind int

const (
	// nothing: all bytes are taken and say nothing by themselves.
	nothing kind = iota
	// fragment: a part of a message that is not the last. It is told so that
	// messages in ever more parts do not escape a limit on their number.
	fragment
	text
	ping
	pong
	closing
)

// received is something that a client has said.
type received struct {
	kind kind
	// payload is that of a text message or a ping, and valid until the next
	// call of the reader or the next use of the buffer it was given.
	payload []byte
	// code is that of a close frame.
	code closeCode
}

// reader makes out what a client says from its bytes, which it takes as they
// come, cut anywhere. It never waits, so that it serves a goroutine that does
// as well as a loop over many connections that may not. Between calls it keeps
// an incomplete message or control frame and nothing else: at most limit bytes
// and a control frame, as they come and not as they are announced.
//
// It checks all that RFC 6455 asks of a client without extensions, and fails at
// the first byte that is wrong.
type reader struct {
	// limit is the longest message, in bytes.
	limit int

	// head is as much as has come of the header of the next frame.
	head    [maxHead]byte
	headLen int

	// The frame being read, once its header is complete.
	inFrame bool
	op      opcode
	fin     bool
	left    int // bytes of its payload that are to come
	mask    [4]byte
	turn    int // the byte of mask that is next

	// The message being read, of which there may be several frames.
	inMessage bool
	size      int // bytes of payload in its frames so far
	checker   utf8Checker

	// kept is what has come of the message in earlier calls, and behind whole,
	// where its complete frames end, what has come of the current frame.
	kept  []byte
	whole int
	// told says that the last call gave away a payload out of kept.
	told bool
	// ended is a reader that has seen a close frame or a violation: what comes
	// after is not looked at (RFC 6455, sections 5.5.1 and 7.1.7).
	ended bool
}

// maxHead is the longest header: two bytes, eight of length, four of mask.
const maxHead = 14

// next takes bytes up to the end of the first thing that they say, and returns
// it and the rest. It unmasks b in place. With kind nothing, b is used up. An
// error is a *violation.
func (r *reader) next(b []byte) (received, []byte, error) {
	if r.ended {
		return received{}, nil, nil
	}
	r.forget()
	got, b, err := r.take(b)
	if err != nil || got.kind == closing {
		r.ended = true
		r.kept = nil
	}
	return got, b, err
}

func (r *reader) take(b []byte) (received, []byte, error) {
	if !r.inFrame {
		var err error
		if b, err = r.takeHead(b); err != nil || !r.inFrame {
			return received{}, nil, err
		}
	}
	n := min(r.left, len(b))
	part, rest := b[:n], b[n:]
	r.unmask(part)
	r.left -= n
	if !r.op.isControl() && !r.checker.add(part) {
		return received{}, nil, violated(invalidPayload, "a text message that is not UTF-8")
	}
	if r.left > 0 {
		r.kept = append(r.kept, part...)
		return received{}, nil, nil
	}
	r.inFrame = false
	got, err := r.finish(part)
	return got, rest, err
}

// forget drops what the last call gave away.
func (r *reader) forget() {
	if !r.told {
		return
	}
	r.told = false
	r.kept = r.kept[:r.whole]
	if r.whole == 0 {
		r.kept = nil // an idle client holds no buffer
	}
}

// finish ends a frame, part being the last bytes of its payload.
func (r *reader) finish(part []byte) (received, error) {
	if r.op.isControl() {
		return r.finishControl(r.join(part, r.whole))
	}
	if !r.fin {
		r.kept = append(r.kept, part...)
		r.whole = len(r.kept)
		return received{kind: fragment}, nil
	}
	if !r.checker.whole() {
		return received{}, violated(invalidPayload, "a text message that ends within a character")
	}
	message := r.join(part, 0)
	r.inMessage, r.size, r.whole = false, 0, 0
	return received{kind: text, payload: message}, nil
}

func (r *reader) finishControl(payload []byte) (received, error) {
	if r.op == opPing {
		return received{kind: ping, payload: payload}, nil
	}
	if r.op == opPong {
		return received{kind: pong}, nil
	}
	code, err := parseClose(payload)
	return received{kind: closing, code: code}, err
}

// join returns what is kept from the given place on with part behind it. What
// has come in one piece is not copied.
func (r *reader) join(part []byte, from int) []byte {
	r.told = true
	if len(r.kept) == from {
		return part
	}
	r.kept = append(r.kept, part...)
	return r.kept[from:]
}

func (r *reader) unmask(b []byte) {
	turn := r.turn
	for i := range b {
		b[i] ^= r.mask[turn&3]
		turn++
	}
	r.turn = turn & 3
}

// takeHead takes what belongs to the header of a frame, and begins the frame
// when that is complete.
func (r *reader) takeHead(b []byte) ([]byte, error) {
	for r.headLen < 2 {
		if len(b) == 0 {
			return nil, nil
		}
		r.head[r.headLen] = b[0]
		r.headLen++
		b = b[1:]
		if r.headLen == 2 {
			if err := r.checkHead(); err != nil {
				return nil, err
			}
		}
	}
	want := r.headSize()
	n := copy(r.head[r.headLen:want], b)
	r.headLen += n
	if r.headLen < want {
		return nil, nil
	}
	r.headLen = 0
	return b[n:], r.begin(want)
}

// headSize is how long the header is, by its first two bytes.
func (r *reader) headSize() int {
	switch r.head[1] & bitsLength {
	case lengthMedium:
		return 2 + 2 + len(r.mask)
	case lengthLong:
		return 2 + 8 + len(r.mask)
	}
	return 2 + len(r.mask)
}

// checkHead checks the first two bytes of a header.
func (r *reader) checkHead() error {
	op, fin := opcode(r.head[0]&bitsOpcode), r.head[0]&bitFin != 0
	switch {
	case r.head[0]&bitsReserved != 0:
		return violated(protocolError, "a reserved bit is set, and no extension was agreed on")
	case r.head[1]&bitMask == 0:
		return violated(protocolError, "a frame of a client that is not masked")
	}
	switch op {
	case opClose, opPing, opPong:
		if !fin || r.head[1]&bitsLength > maxControl {
			return violated(protocolError, "a control frame that is fragmented or longer than 125 bytes")
		}
	case opContinuation:
		if !r.inMessage {
			return violated(protocolError, "a continuation of no message")
		}
	case opText, opBinary:
		if r.inMessage {
			return violated(protocolError, "a message within a message")
		}
		if op == opBinary {
			return violated(unsupportedData, "messages are text, JSON in UTF-8")
		}
	default:
		return violated(protocolError, "a reserved opcode")
	}
	return nil
}

// begin begins the frame whose header is complete, n bytes of head.
func (r *reader) begin(n int) error {
	length, least := uint64(r.head[1]&bitsLength), uint64(0)
	switch length {
	case lengthMedium:
		length, least = uint64(binary.BigEndian.Uint16(r.head[2:])), maxShort+1
	case lengthLong:
		length, least = binary.BigEndian.Uint64(r.head[2:]), maxMedium+1
	}
	switch {
	case length < least:
		return violated(protocolError, "a length that is not written in the shortest form")
	case length>>63 != 0:
		return violated(protocolError, "a length with its highest bit set")
	}
	r.op, r.fin = opcode(r.head[0]&bitsOpcode), r.head[0]&bitFin != 0
	if !r.op.isControl() {
		if length > uint64(r.limit-r.size) {
			return violated(messageTooBig, "a message that is too long")
		}
		r.size += int(length)
		if !r.inMessage {
			r.inMessage, r.checker = true, utf8Checker{}
		}
	}
	r.inFrame, r.left, r.turn = true, int(length), 0
	copy(r.mask[:], r.head[n-len(r.mask):n])
	return nil
}
