package ws

import (
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"everything.local/event"
)

const (
	// version is that of RFC 6455; older ones are drafts.
	version = "13"
	// keyBytes is the length of a client's nonce.
	keyBytes = 16
	// acceptGUID makes the answer one that only WebSocket servers give (RFC 6455,
	// section 1.3).
	acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
)

// Takes implements transport.Upgrade: it is for requests to change to the
// WebSocket protocol, well formed or not.
func (Wire) Takes(r *http.Request) bool {
	return r.ProtoMajor == 1 && hasToken(r.Header.Values("Upgrade"), "websocket")
}

// checkHandshake checks the client's part of the opening handshake (RFC 6455,
// section 4.2.1), and returns the value of Sec-WebSocket-Accept.
func checkHandshake(r *http.Request) (accept string, err error) {
	keys := r.Header.Values("Sec-WebSocket-Key")
	switch {
	case r.Method != http.MethodGet:
		return "", event.Errorf(event.MethodNotAllowed, "a WebSocket is opened with GET")
	case !r.ProtoAtLeast(1, 1):
		return "", event.Errorf(event.Invalid, "a WebSocket is opened with HTTP/1.1")
	case !hasToken(r.Header.Values("Connection"), "upgrade"):
		return "", event.Errorf(event.Invalid, "the header Connection must have Upgrade in it; a proxy on the way may have taken it out").At("Connection")
	case !slices.Equal(r.Header.Values("Sec-WebSocket-Version"), []string{version}):
		return "", event.Errorf(event.UnknownVersion, "the hub speaks version %s of the WebSocket protocol and no other", version).At("Sec-WebSocket-Version")
	case len(keys) != 1 || !isKey(keys[0]):
		return "", event.Errorf(event.Invalid, "the header Sec-WebSocket-Key must be there once, with %d bytes in base64", keyBytes).At("Sec-WebSocket-Key")
	case r.ContentLength != 0:
		return "", event.Errorf(event.Invalid, "a request to open a WebSocket has no body")
	}
	return acceptOf(keys[0]), nil
}

func isKey(key string) bool {
	b, err := base64.StdEncoding.DecodeString(key)
	return err == nil && len(b) == keyBytes
}

// acceptOf proves that the server has read the key. Nothing is secret about it.
func acceptOf(key string) string {
	sum := sha1.Sum([]byte(key + acceptGUID))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// hasToken reports whether a header that is a list of tokens has one of them,
// whose case does not matter.
func hasToken(values []string, token string) bool {
	for _, value := range values {
		for t := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// refuseHeaders are what an answer that refuses a handshake says beside its
// problem.
func refuseHeaders(h http.Header, err error) {
	if event.CodeOf(err) == event.UnknownVersion {
		h.Set("Upgrade", "websocket") // RFC 9110, section 15.5.22
		h.Set("Connection", "Upgrade")
		h.Set("Sec-WebSocket-Version", version)
	}
}

// answer is the server's part of the opening handshake. It names no extension
// and no subprotocol.
func answer(accept string) []byte {
	return []byte("HTTP/1.1 101 Switching Protocols\r\n" +
		"Upgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + accept + "\r\n\r\n")
}
