package feed

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/webtransport-go"
)

// wt is a feed on a stream of a WebTransport session of its own.
type wt struct {
	lineFrames

	conn    *quic.Conn
	release func()
}

func dialWT(ctx context.Context, d *Dialer, a Ask) (Stream, error) {
	conn, release, err := d.dialQUIC(ctx, a)
	if err != nil {
		return nil, err
	}
	stream, err := session(ctx, conn, d.config.Host, a)
	if err != nil {
		leave(conn)
		release()
		return nil, err
	}
	return &wt{lineFrames{window: newWindow(stream)}, conn, release}, nil
}

func session(ctx context.Context, conn *quic.Conn, host string, a Ask) (*webtransport.Stream, error) {
	line, err := a.line()
	if err != nil {
		return nil, err
	}
	client, err := new(webtransport.Transport).NewClientConn(conn)
	if err != nil {
		return nil, err
	}
	answer, session, err := client.Dial(ctx, "https://"+host+"/v1/feed", nil)
	if err != nil {
		if answer != nil && answer.StatusCode >= 300 {
			return nil, refusal(answer)
		}
		return nil, err
	}
	stream, err := session.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	_, err = stream.Write(append(line, '\n'))
	return stream, err
}

// Next implements Stream.
func (s *wt) Next() ([]byte, error) {
	b, err := s.lineFrames.Next()
	if closed, ok := errors.AsType[*webtransport.SessionError](err); ok {
		if closed.ErrorCode != 0 {
			return nil, fmt.Errorf("the hub closed the session: %d %s", closed.ErrorCode, closed.Message)
		}
		return nil, io.EOF
	}
	return b, err
}

// Close implements Stream.
func (s *wt) Close() {
	leave(s.conn)
	s.release()
}
