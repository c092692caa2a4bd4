// Package ws is the feed over WebSocket (RFC 6455), for browsers and networks
// that have no WebTransport.
package ws
