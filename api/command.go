package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"everything.local/auth"
	"everything.local/cafe"
	"everything.local/event"
)

const (
	// commandWithin is how long a command may take: a log that elects a leader
	// is back well within it, and a person still waits that long.
	commandWithin = 10 * time.Second
	// queryWithin is how long a query waits for its Hub-Cursor: a hub that is
	// further behind is better replaced by another.
	queryWithin = 2 * time.Second
	// maxTries bounds how often a command is decided. Each lost try means that
	// somebody else's change of the same thing was stored; so many in a row
	// are a flood.
	maxTries = 64
	// retryPause is the wait before asking a log again that could not tell.
	retryPause = 50 * time.Millisecond
)

// Follower folds the log into the state; *hub.Hub is one.
type Follower interface {
	// Read calls fn while the state does not change.
	Read(fn func())
	// Wait returns once the state has seq, or with an error when it will not
	// or ctx ends.
	Wait(ctx context.Context, seq uint64) error
	// Cursor is the position of the state.
	Cursor() event.Cursor
	// Halted is not nil once the state is stuck at an event that this program
	// is too old to read.
	Halted() error
}

// Do gives a command to the café, as by, under the identity id, and returns
// once this hub's state has what came of it: the sequence of its last event, or
// of the newest one if there was nothing to do. It may be called again with the
// same id after any error, and any time later: the command takes effect once.
//
// Do checks no role; it is for callers inside the hub (timers, seeding), whose
// id should derive from what they do it for. Errors are *event.Error for the
// causer: those of cafe.Decide, IdempotencyMismatch, Conflict, Unavailable,
// UpgradeNeeded. It takes 10 s at most.
func (a *API) Do(ctx context.Context, cmd cafe.Command, by cafe.Caller, id event.Command) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, commandWithin)
	defer cancel()
	for range maxTries {
		seq, writes, err := a.decide(ctx, cmd, by, id)
		if err != nil || len(writes) == 0 {
			return seq, err
		}
		seq, err = a.append(ctx, id, writes)
		if conflict, ok := errors.AsType[*event.ConflictError](err); ok {
			err = a.settle(ctx, conflict.Last)
			if err != nil {
				return 0, err
			}
			continue
		}
		if err != nil {
			return 0, err
		}
		return seq, a.reach(ctx, seq)
	}
	return 0, event.Errorf(event.Conflict, "too many are changing this at the same time; look at it again, then retry")
}

// decide returns the writes that a command leads to, or the sequence at which
// it was answered before. A refusal holds only in a state that is as new as the
// log was when the command came: on a hub that is still reading, a retry must
// not be told that what it did is impossible.
func (a *API) decide(ctx context.Context, cmd cafe.Command, by cafe.Caller, id event.Command) (uint64, []event.Write, error) {
	for {
		seq, writes, refusal := a.decideNow(cmd, by, id)
		if refusal == nil {
			return seq, writes, nil
		}
		if a.cfg.Follower.Halted() != nil {
			return 0, nil, upgradeNeeded()
		}
		head, err := a.cfg.Log.Head(ctx)
		if err != nil {
			return 0, nil, unavailable(err)
		}
		if seq >= head {
			return 0, nil, refusal
		}
		if err := a.reach(ctx, head); err != nil {
			return 0, nil, err
		}
	}
}

// decideNow decides in the state as it is. The sequence is where the command
// was answered before, else that of the state.
func (a *API) decideNow(cmd cafe.Command, by cafe.Caller, id event.Command) (seq uint64, writes []event.Write, err error) {
	if a.cfg.Follower.Halted() != nil {
		return 0, nil, upgradeNeeded()
	}
	m := cafe.Meta{Command: id, By: by, Now: time.Now(), Policy: a.cfg.Policy}
	a.cfg.Follower.Read(func() {
		s := a.cfg.State
		answered, found, mismatch := s.Answered(cafe.Subject(cmd, m), id)
		if found {
			seq = answered
			return
		}
		seq, err = s.Seq(), mismatch
		if err == nil {
			writes, err = cafe.Decide(s, cmd, m)
		}
	})
	return seq, writes, err
}

// append stores writes, asking again under the same id while the log cannot
// tell whether it did and there is time. A failed log has its answer.
func (a *API) append(ctx context.Context, id event.Command, writes []event.Write) (uint64, error) {
	for {
		receipt, err := a.cfg.Log.Append(ctx, id, writes...)
		switch {
		case err == nil:
			return receipt.Seq, nil
		case errors.Is(err, event.ErrMismatch):
			return 0, event.Errorf(event.IdempotencyMismatch, "this Idempotency-Key was used for another request; take a new key for a new request")
		case !errors.Is(err, event.ErrUnavailable):
			return 0, err
		case errors.Is(err, event.ErrFailed) || !pause(ctx):
			return 0, unavailable(err)
		}
	}
}

// settle waits until the state has the event that a decision missed, or for a
// moment if the log could not tell which it is.
func (a *API) settle(ctx context.Context, last uint64) error {
	if last == 0 {
		if !pause(ctx) {
			return errUnavailable()
		}
		return nil
	}
	return a.reach(ctx, last)
}

// reach waits until the state has seq.
func (a *API) reach(ctx context.Context, seq uint64) error {
	if err := a.cfg.Follower.Wait(ctx, seq); err != nil {
		if a.cfg.Follower.Halted() != nil {
			return upgradeNeeded()
		}
		return errUnavailable()
	}
	return nil
}

// await waits until the state has what the caller has seen. A position of
// another epoch says nothing about this one's, so it is answered at once.
func (a *API) await(ctx context.Context, after event.Cursor) error {
	at := a.cfg.Follower.Cursor()
	if after.IsZero() || at.Epoch != "" && at.Epoch != after.Epoch || at.Seq >= after.Seq {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, queryWithin)
	defer cancel()
	if err := a.cfg.Follower.Wait(ctx, after.Seq); err != nil {
		if a.cfg.Follower.Halted() != nil {
			return upgradeNeeded()
		}
		return event.Errorf(event.Behind, "this hub has not caught up with what you have seen; try again in a moment, or another hub")
	}
	return nil
}

// pause waits a moment and reports whether ctx still lasts.
func pause(ctx context.Context) bool {
	t := time.NewTimer(retryPause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// unavailable is err for the caller: that the log takes no writes, or did not
// answer in time. Any other failure stays what it is.
func unavailable(err error) error {
	if errors.Is(err, event.ErrFailed) {
		return event.Errorf(event.Unavailable, "the hub cannot store anything now, its disk is full or broken: tell the staff, and send this again later with the same Idempotency-Key")
	}
	if errors.Is(err, event.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return errUnavailable()
	}
	return err
}

func errUnavailable() error {
	return event.Errorf(event.Unavailable, "the hub cannot store this just now, or not say whether it did; send it again with the same Idempotency-Key")
}

func upgradeNeeded() error {
	return event.Errorf(event.UpgradeNeeded, "this hub is older than the site's log and takes no commands; use another hub until it is updated")
}

// command runs a command that a request asks for and returns who asked and
// under which identity.
func (a *API) command(ctx context.Context, c *call, action auth.Action, req proto.Message, cmd cafe.Command) (cafe.Meta, error) {
	who, err := c.caller(action)
	if err != nil {
		return cafe.Meta{}, err
	}
	m, err := c.meta(who, req)
	if err != nil {
		return m, err
	}
	_, err = a.Do(ctx, cmd, m.By, m.Command)
	return m, err
}

// meta says who wants what.
func (c *call) meta(who auth.Identity, req proto.Message) (cafe.Meta, error) {
	key, err := c.key()
	if err != nil {
		return cafe.Meta{}, err
	}
	digest, err := digest(key, req)
	if err != nil {
		return cafe.Meta{}, err
	}
	return cafe.Meta{
		By:      cafe.Caller{Role: string(who.Role), ID: who.ID},
		Command: event.Command{ID: event.CommandID(who.ID, c.method, c.path, key), Digest: digest},
	}, nil
}

// digest hashes what a request asks for: its members that are set, in order,
// so that neither the wire nor spaces nor fields added later matter. The key is
// part of it lest a forgotten name be found by trying names.
func digest(key string, req proto.Message) (string, error) {
	b, err := protojson.Marshal(req)
	if err != nil {
		return "", err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var members any
	if err := dec.Decode(&members); err != nil {
		return "", err
	}
	if b, err = json.Marshal(members); err != nil {
		return "", err
	}
	return event.Digest(append([]byte(key+"\n"), b...)), nil
}
