package transport

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"everything.local/event"
	"everything.local/hub"
)

// Wire is one form in which a feed is sent as the body of an HTTP response.
// Wires that are no response body (WebSocket, WebTransport) need only the
// Encoding: they open a Session themselves and run it on a Sink of their own.
type Wire interface {
	hub.Encoding
	// MediaType is what an Accept header asks for, and the Content-Type.
	MediaType() string
}

// negotiate returns the wire that the Accept header likes best (RFC 9110,
// section 12.5.1): the one of the highest quality, of equals the first. Without
// a header that is the first wire. The error has code NotAcceptable.
func negotiate(wires []Wire, accept []string) (Wire, error) {
	ranges := parseAccept(accept)
	if len(ranges) == 0 {
		return wires[0], nil
	}
	var best Wire
	top := 0.0
	for _, w := range wires {
		if q := quality(ranges, w.MediaType()); q > top {
			best, top = w, q
		}
	}
	if best == nil {
		return nil, event.Errorf(event.NotAcceptable, "this feed is sent as %s; ask for one of them in the Accept header", mediaTypes(wires))
	}
	return best, nil
}

func mediaTypes(wires []Wire) string {
	names := make([]string, len(wires))
	for i, w := range wires {
		names[i] = w.MediaType()
	}
	return strings.Join(names, " or ")
}

// mediaRange is one element of an Accept header.
type mediaRange struct {
	name string // like text/event-stream, text/* or */*
	q    float64
}

// parseAccept reads the elements of an Accept header. One that cannot be read
// accepts nothing, but still makes the header a header.
func parseAccept(values []string) []mediaRange {
	var ranges []mediaRange
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if strings.TrimSpace(part) == "" {
				continue
			}
			name, params, err := mime.ParseMediaType(part)
			q := 1.0
			if s, ok := params["q"]; ok && err == nil {
				q, err = strconv.ParseFloat(s, 64)
			}
			if err != nil || !(q >= 0 && q <= 1) {
				q = 0
			}
			ranges = append(ranges, mediaRange{name, q})
		}
	}
	return ranges
}

// quality is the weight of a media type: that of the most specific range that
// matches it, 0 if none does.
func quality(ranges []mediaRange, mediaType string) float64 {
	major, _, _ := strings.Cut(mediaType, "/")
	q, specificity := 0.0, 0
	for _, r := range ranges {
		s := 0
		switch r.name {
		case mediaType:
			s = 3
		case major + "/*":
			s = 2
		case "*/*":
			s = 1
		}
		if s > specificity {
			q, specificity = r.q, s
		}
	}
	return q
}

// writeHead sets the headers of a feed.
func writeHead(h http.Header, w Wire) {
	h.Set("Content-Type", w.MediaType())
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	// A proxy that collects a response before passing it on would hold back a
	// feed for ever; nginx and its kind do so unless told.
	h.Set("X-Accel-Buffering", "no")
	h.Add("Vary", "Accept")
}
