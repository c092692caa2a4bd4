package wt

import (
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// Codes of this wire, on streams and sessions. 0 is an end in order.
const (
	codeDone    = 0
	codeStalled = 1
	codeRefused = 2
)

// Codes of the draft, on streams of QUIC (section 9.5 of version 15).
const (
	bufferedStreamRejected quic.StreamErrorCode = 0x3994bd84
	sessionGone            quic.StreamErrorCode = 0x170d7b68
	flowControlError       quic.StreamErrorCode = 0x045d4487
)

// Codes of HTTP/3, on streams.
const (
	datagramError = quic.StreamErrorCode(http3.ErrCodeDatagramError)
	generalError  = quic.StreamErrorCode(http3.ErrCodeGeneralProtocolError)
)

// onStream is a code of this wire as it stands in a frame of QUIC: the draft
// gives applications a range of HTTP/3's, without those that are reserved to
// exercise that unknown ones are ignored (section 4.4; RFC 9114, section 8.1).
func onStream(code uint32) quic.StreamErrorCode {
	const first, between = 0x52e4a40fa8db, 0x1e
	return quic.StreamErrorCode(first + uint64(code) + uint64(code/between))
}
