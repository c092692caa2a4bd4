package feed

import (
	"context"
	"net/http"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// leave ends a QUIC connection with HTTP/3's code for "nothing was wrong".
func leave(conn *quic.Conn) {
	_ = conn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
}

// h3 is a feed that answers GET over HTTP/3.
type h3 struct {
	lineFrames

	conn    *quic.Conn
	release func()
	cancel  context.CancelFunc
}

func dialH3(ctx context.Context, d *Dialer, a Ask) (Stream, error) {
	conn, release, err := d.dialQUIC(ctx, a)
	if err != nil {
		return nil, err
	}
	// The request's context lives as long as the feed; that of the dial ends it
	// only until there is an answer.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	s, err := ask(life, conn, d.config.Host, a)
	if err != nil || !stop() {
		cancel()
		leave(conn)
		release()
		if err == nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	s.release, s.cancel = release, cancel
	return s, nil
}

func ask(ctx context.Context, conn *quic.Conn, host string, a Ask) (*h3, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+host+a.query(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/x-ndjson")
	if a.Token != "" {
		r.Header.Set("Authorization", "Bearer "+a.Token)
	}
	t := &http3.Transport{EnableDatagrams: true, DisableCompression: true}
	answer, err := t.NewClientConn(conn).RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, refusal(answer)
	}
	return &h3{lineFrames: lineFrames{window: newWindow(answer.Body)}, conn: conn}, nil
}

// Close implements Stream.
func (s *h3) Close() {
	s.cancel()
	leave(s.conn)
	s.release()
}
