package ws

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"everything.local/event"
	"everything.local/transport"
)

// closeCode is why a connection is closed (RFC 6455, section 7.4.1).
type closeCode uint16

// The codes that the hub sends, and noStatus, which stands for a close frame
// without a code and is never sent.
const (
	goingAway       closeCode = 1001
	protocolError   closeCode = 1002
	unsupportedData closeCode = 1003
	noStatus        closeCode = 1005
	invalidPayload  closeCode = 1007
	policyViolation closeCode = 1008
	messageTooBig   closeCode = 1009
)

// mayBeSent reports whether a peer may put c into a close frame: what the RFC
// defines and IANA has registered since, and the two ranges for libraries and
// for private use.
func (c closeCode) mayBeSent() bool {
	switch {
	case c >= 1000 && c <= 1003, c >= 1007 && c <= 1014, c >= 3000 && c <= 4999:
		return true
	}
	return false
}

// violation is what a client did against the RFC or beyond the hub's limits. It
// ends the connection.
type violation struct {
	code closeCode
	// reason is for the close frame, at most maxControl-2 bytes.
	reason string
}

// Error makes *violation an error.
func (v *violation) Error() string { return fmt.Sprintf("ws: close %d: %s", v.code, v.reason) }

func violated(code closeCode, reason string) *violation { return &violation{code, reason} }

// told is what the client is told in a frame of the feed, before the close
// frame: pages are not shown the reason of that by every browser.
func (v *violation) told() *event.Error {
	var code event.Code
	switch v.code {
	case invalidPayload:
		code = event.BadText
	case messageTooBig:
		code = event.TooLarge
	case policyViolation:
		code = event.TooManyRequests
	default:
		code = event.Malformed
	}
	return event.Errorf(code, "this connection is closed, for the hub got %s", v.reason)
}

// closedError is a close frame of the client's.
type closedError struct{ code closeCode }

// Error makes *closedError an error.
func (e *closedError) Error() string { return fmt.Sprintf("ws: closed by the client: %d", e.code) }

// ending is how to part from a client.
type ending struct {
	// code is 0 for a connection that is cut without a word.
	code   closeCode
	reason string
	// answers says that the client has sent its close frame.
	answers bool
}

// endingFor is how to part after receive has failed.
func endingFor(err error) ending {
	if closed, ok := errors.AsType[*closedError](err); ok {
		return ending{code: closed.code, answers: true}
	}
	if v, ok := errors.AsType[*violation](err); ok {
		return ending{code: v.code, reason: v.reason}
	}
	return ending{} // the client is gone
}

// parseClose reads the payload of a close frame (RFC 6455, section 5.5.1).
func parseClose(b []byte) (closeCode, error) {
	switch len(b) {
	case 0:
		return noStatus, nil
	case 1:
		return 0, violated(protocolError, "a close frame with half a code")
	}
	code := closeCode(binary.BigEndian.Uint16(b))
	if !code.mayBeSent() {
		return 0, violated(protocolError, "a close code that may not be sent")
	}
	if !utf8.Valid(b[2:]) {
		return 0, violated(invalidPayload, "a close reason that is not UTF-8")
	}
	return code, nil
}

// appendClose appends a close frame; noStatus makes an empty one.
func appendClose(dst []byte, code closeCode, reason string) []byte {
	if code == noStatus {
		return appendHeader(dst, opClose, 0)
	}
	dst = appendHeader(dst, opClose, 2+len(reason))
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, reason...)
}

// parting is how to part after a session that ended as why, with what the client
// has ended it by, nil if it has not.
func parting(why transport.Reason, heard error) ending {
	switch {
	case why == transport.Stalled:
		return ending{}
	case heard != nil && !errors.Is(heard, errRefused):
		return endingFor(heard)
	case why == transport.Drained:
		return ending{code: goingAway, reason: "the hub is about to stop"}
	case why == transport.Expired, why == transport.Refused:
		return ending{code: policyViolation}
	}
	return ending{}
}
