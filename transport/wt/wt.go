// Package wt is the feed over WebTransport (draft-ietf-webtrans-http3), for
// browsers and apps on QUIC.
//
// A client opens a session with an extended CONNECT of /v1/feed. Each
// bidirectional stream it opens in it is one subscription: the first line says
// to what, as on WebSocket, and the frames come back a line each. Several
// subscriptions share a connection without holding each other up, and the
// client's unidirectional streams and datagrams mean nothing.
//
// There are few streams and they live long, on purpose: a stream for each
// message costs about three times as much, and some browsers stop receiving
// after some thousands of streams.
//
// The sessions are the hub's own. A library's would stand between a feed and its
// QUIC stream, and costs seven more goroutines a session.
package wt

import (
	"net/http"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"everything.local/transport"
)

// Limits that a session begins with. They are sent in the SETTINGS frame
// because Safari refuses a session without them.
const (
	// maxStreams is how many subscriptions a session may have at once.
	maxStreams = 16
	// maxUniStreams must not be 0 for Safari; those that come are refused.
	maxUniStreams = 16
	// maxData is how many bytes of lines may be on their way.
	maxData = 256 << 10
)

// Settings of the draft's flow control (section 9.2 of version 15).
const (
	settingMaxData       = 0x2b61
	settingMaxStreamsUni = 0x2b64
	settingMaxStreams    = 0x2b65
)

// What the streams of a session begin with (sections 4.2 and 4.3).
const (
	bidiStreamType = 0x41
	uniStreamType  = 0x54
)

// Wire is the WebTransport wire of one server: its transport.Upgrade and its
// transport.QUICConfig's Extension.
type Wire struct{}

var (
	_ transport.Upgrade   = (*Wire)(nil)
	_ transport.Extension = (*Wire)(nil)
)

// New returns a wire. It serves one transport.Server.
func New() *Wire { return &Wire{} }

// Name is the wire's name in metrics and rings.
func (*Wire) Name() string { return "wt" }

// AppendFrame appends frame, one line of JSON.
func (*Wire) AppendFrame(dst, frame []byte, _ string) []byte {
	return append(append(dst, frame...), '\n')
}

// Attach implements transport.Extension. The library knows which versions of the
// draft are in the field, and what each looks for in the SETTINGS frame.
func (*Wire) Attach(h3 *http3.Server) {
	webtransport.ConfigureHTTP3Server(h3)
	h3.AdditionalSettings[settingMaxData] = maxData
	h3.AdditionalSettings[settingMaxStreamsUni] = maxUniStreams
	h3.AdditionalSettings[settingMaxStreams] = maxStreams
}

// StreamTypes implements transport.Extension.
func (*Wire) StreamTypes() (bidi, uni uint64) { return bidiStreamType, uniStreamType }

// Join implements transport.Extension.
func (*Wire) Join(c *quic.Conn) transport.Streams { return newConn(c) }

// Takes reports whether r is the extended CONNECT (RFC 9220) of a session.
func (*Wire) Takes(r *http.Request) bool {
	return r.Method == http.MethodConnect && (r.Proto == "webtransport" || r.Proto == "webtransport-h3")
}
