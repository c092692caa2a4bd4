package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
)

// Numbers of draft-ietf-webtrans-http3, version 15: the setting of a client that
// knows WebTransport, and what a stream of a session begins with.
const (
	webTransportEnabled = 0x2c7cf000
	webTransportStream  = 0x41
)

// heartbeat is as long as the shortest that a restarted hub answers.
const heartbeat = 24

// webTransport opens a session with an extended CONNECT, as it is documented,
// and follows a feed on a stream of it. After the lines it sends a heartbeat.
func (r *reader) webTransport(ctx context.Context, head *http.Request, body string) (reply, error) {
	conn, err := quic.DialAddr(ctx, strings.TrimPrefix(r.p.url, "https://"),
		&tls.Config{RootCAs: pool(r.t, r.says["CA"]), NextProtos: []string{http3.NextProtoH3}},
		&quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true})
	if err != nil {
		return reply{}, err
	}
	leave := func() { _ = conn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "") }
	session, status, err := r.session(ctx, conn, head)
	if err != nil {
		leave()
		return reply{}, err
	}
	stream, err := conn.OpenStreamSync(ctx)
	if err != nil {
		leave()
		return reply{}, err
	}
	context.AfterFunc(ctx, leave) // the stream knows no context
	preface := quicvarint.Append(quicvarint.Append(nil, webTransportStream), uint64(session.StreamID()))
	if _, err := stream.Write(append(preface, body+"\n"...)); err != nil {
		leave()
		return reply{}, err
	}
	if err := session.SendDatagram(make([]byte, heartbeat)); err != nil {
		leave()
		return reply{}, err
	}
	lines := bufio.NewReader(stream)
	return reply{status: status, next: func() ([]byte, error) {
		b, err := lines.ReadBytes('\n')
		if err == io.EOF && len(b) == 0 {
			return nil, io.EOF
		}
		return b, err
	}, close: leave}, nil
}

// session sends the CONNECT.
func (r *reader) session(ctx context.Context, conn *quic.Conn, head *http.Request) (*http3.RequestStream, int, error) {
	tr := &http3.Transport{EnableDatagrams: true, AdditionalSettings: map[uint64]uint64{webTransportEnabled: 1}}
	client := tr.NewClientConn(conn)
	select { // a client asks for a session once it knows that the hub has them
	case <-client.ReceivedSettings():
	case <-ctx.Done():
		return nil, 0, context.Cause(ctx)
	}
	stream, err := client.OpenRequestStream(ctx)
	if err != nil {
		return nil, 0, err
	}
	u, err := url.Parse(r.p.url + head.RequestURI)
	if err != nil {
		return nil, 0, err
	}
	protocol := head.Header.Get(":protocol")
	if protocol == "" {
		return nil, 0, fmt.Errorf("the request has no :protocol: %v", head.Header)
	}
	h := head.Header.Clone()
	delete(h, ":protocol")
	if err := stream.SendRequestHeader(&http.Request{Method: head.Method, Proto: protocol, URL: u, Host: u.Host, Header: h}); err != nil {
		return nil, 0, err
	}
	res, err := stream.ReadResponse()
	if err != nil {
		return nil, 0, err
	}
	return stream, res.StatusCode, nil
}
