package transport

import (
	"context"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
)

// demux gives the streams of a connection to HTTP/3 or to the extension. It has
// an accept loop of its own because http3 has no bound for the head of a
// request, and waits for ever for one that never comes.
type demux struct {
	conn      *quic.Conn
	http      *http3.RawServerConn
	extension Streams // nil for none
	bidi, uni uint64  // the extension's types
}

// serve serves the connection of u until it has ended, and all of its streams;
// ctx must not end before.
func (q *quicServer) serve(ctx context.Context, u *usage) error {
	d := &demux{conn: u.conn, extension: u.streams}
	if d.extension != nil {
		d.bidi, d.uni = q.cfg.Extension.StreamTypes()
	}
	var err error
	if d.http, err = q.http.NewRawServerConn(u.conn); err != nil {
		return err
	}
	u.serving.Go(func() { acceptAll(ctx, &u.serving, u.conn.AcceptUniStream, d.takeUni) })
	acceptAll(ctx, &u.serving, u.conn.AcceptStream, d.take)
	u.serving.Wait()
	return nil
}

// acceptAll takes streams until the connection has ended.
func acceptAll[S any](ctx context.Context, wg *sync.WaitGroup, accept func(context.Context) (S, error), take func(S)) {
	for {
		s, err := accept(ctx)
		if err != nil {
			return
		}
		wg.Go(func() { take(s) })
	}
}

// take serves a bidirectional stream. The deadline stays until the head of the
// request is whole: http3 resets the stream of one that is not by then.
func (d *demux) take(s *quic.Stream) {
	ours, err := d.begins(s, d.bidi)
	switch {
	case err != nil:
		s.CancelRead(quic.StreamErrorCode(http3.ErrCodeRequestIncomplete))
		s.CancelWrite(quic.StreamErrorCode(http3.ErrCodeRequestIncomplete))
	case ours:
		d.extension.Serve(s)
	default:
		d.http.HandleRequestStream(s)
	}
}

// takeUni serves a unidirectional stream. One of HTTP/3 is the client's control
// stream, which lives as long as the connection, or is done with at once.
func (d *demux) takeUni(s *quic.ReceiveStream) {
	ours, err := d.begins(s, d.uni)
	switch {
	case err != nil:
		s.CancelRead(quic.StreamErrorCode(http3.ErrCodeStreamCreationError))
	case ours:
		d.extension.ServeUni(s)
	default:
		_ = s.SetReadDeadline(time.Time{}) // else the next read fails as well
		d.http.HandleUnidirectionalStream(s)
	}
}

// receiving is what both kinds of streams are to a demux.
type receiving interface {
	quicvarint.Peeker
	Read([]byte) (int, error)
	SetReadDeadline(time.Time) error
}

// begins reads the type of a stream if it is the extension's.
func (d *demux) begins(s receiving, ours uint64) (bool, error) {
	_ = s.SetReadDeadline(time.Now().Add(readHeaderTimeout))
	typ, err := quicvarint.Peek(s)
	if err != nil || d.extension == nil || typ != ours {
		return false, err
	}
	_, err = quicvarint.Read(quicvarint.NewReader(s))
	return true, err
}
