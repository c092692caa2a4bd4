package streams

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// getRequest is the body of JetStream's message get.
type getRequest struct {
	Seq    uint64 `json:"seq,omitempty"`
	NextBy string `json:"next_by_subj,omitempty"`
	LastBy string `json:"last_by_subj,omitempty"`
}

// stored is a message as its stream holds it.
type stored struct {
	Seq     uint64 `json:"seq"`
	Subject string `json:"subject"`
	Data    []byte `json:"data"`
}

// get asks the leader of a stream, which is the only one to answer, for one
// message. The error is jetstream.ErrMsgNotFound when there is none.
func (n *Node) get(ctx context.Context, stream string, r getRequest) (stored, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return stored{}, err
	}
	m, err := n.conn.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, body)
	if err != nil {
		return stored{}, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message stored              `json:"message"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return stored{}, fmt.Errorf("streams: answer of %s: %w", stream, err)
	}
	if answer.Error != nil {
		if answer.Error.ErrorCode == codeNoMessage {
			return stored{}, jetstream.ErrMsgNotFound
		}
		return stored{}, answer.Error
	}
	return answer.Message, nil
}

// getLast asks for the newest message of a subject.
func (n *Node) getLast(ctx context.Context, stream, subject string) (stored, error) {
	return n.get(ctx, stream, getRequest{LastBy: subject})
}

// getNext asks for the first message of a subject from seq on.
func (n *Node) getNext(ctx context.Context, stream, subject string, seq uint64) (stored, error) {
	return n.get(ctx, stream, getRequest{Seq: seq, NextBy: subject})
}
