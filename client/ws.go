package client

import (
	"context"
	"io"
	"net/http"

	"github.com/coder/websocket"
)

// ws is a feed with a frame in each text message of a WebSocket (RFC 6455).
type ws struct {
	conn *websocket.Conn
	read func() (websocket.MessageType, []byte, error)
	over connections
}

func openWS(ctx context.Context, c *Client, p Protocol, ask subscription) (feed, error) {
	line, err := c.firstLine(ctx, ask)
	if err != nil {
		return nil, err
	}
	over := c.connect(p, ask.path)
	conn, response, err := websocket.Dial(ctx, ask.base+"/v1/feed", &websocket.DialOptions{HTTPClient: c.web(over)})
	if err != nil {
		defer over.Close()
		if response != nil && response.StatusCode != http.StatusSwitchingProtocols {
			return nil, refusal(response)
		}
		return nil, bare(err)
	}
	conn.SetReadLimit(maxFrame)
	f := &ws{conn, func() (websocket.MessageType, []byte, error) { return conn.Read(ctx) }, over}
	if err := conn.Write(ctx, websocket.MessageText, line); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *ws) next() ([]byte, error) {
	for {
		kind, message, err := f.read()
		if status := websocket.CloseStatus(err); status == websocket.StatusNormalClosure || status == websocket.StatusGoingAway {
			return nil, io.EOF
		}
		if err != nil || kind == websocket.MessageText {
			return message, err
		}
	}
}

func (*ws) protocol() string { return "HTTP/1.1" }

func (*ws) roamer() *roamer { return nil }

func (f *ws) close() {
	_ = f.conn.CloseNow() // a feed is left, not finished
	f.over.Close()
}
