package streams

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"everything.local/event"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// cachedKeys bounds the keys held in memory, 150 bytes each: the customers of
// some weeks. A replay of more than these asks the leader again.
const cachedKeys = 4096

// keys are the customers' keys, of which the KEYS bucket holds the only copy.
//
// Whether a key still exists is for the leader of the bucket to say: a replica
// that is behind would take a new customer's events for a forgotten one's. So
// sealing always asks it in a cluster, and opening asks it unless the key that
// is wanted is in the cache. Every change in the bucket empties that customer's
// place in the cache of every hub. A node alone makes all changes itself and
// empties that place before it has answered, so its cache may seal, too.
type keys struct {
	node *Node

	mu    sync.Mutex
	cache map[string]event.Key
	// evictions counts what was taken out of the cache, so that a key read
	// from the leader before it was deleted is not put in afterwards.
	evictions uint64
}

func newKeys(n *Node) *keys { return &keys{node: n, cache: make(map[string]event.Key)} }

// seal encrypts a customer's personal fields, with a new key if the customer
// has none; nil if there are no such fields.
func (k *keys) seal(ctx context.Context, customer string, subject event.Subject, personal []byte) (*event.Sealed, error) {
	if len(personal) == 0 {
		return nil, nil
	}
	key, err := k.ensure(ctx, customer)
	if err != nil {
		return nil, err
	}
	return key.Seal(customer, subject, personal), nil
}

// ensure returns the customer's key to seal with, and makes one if there is
// none.
func (k *keys) ensure(ctx context.Context, customer string) (*event.Key, error) {
	cached, ok, evictions := k.cached(customer)
	if ok && k.node.config.Cluster == nil {
		return &cached, nil
	}
	var key *event.Key
	err := k.node.retry(ctx, func(ctx context.Context) (err error) {
		key, err = k.obtain(ctx, customer)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("streams: key: %w", err)
	}
	k.remember(customer, *key, evictions)
	return key, nil
}

// cached returns the customer's key in the cache, if there is one, and how many
// have been taken out of it so far.
func (k *keys) cached(customer string) (key event.Key, ok bool, evictions uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, ok = k.cache[customer]
	return key, ok, k.evictions
}

// obtain returns the customer's key, and makes one if there is none.
func (k *keys) obtain(ctx context.Context, customer string) (*event.Key, error) {
	key, at, err := k.load(ctx, customer)
	if err != nil || key != nil {
		return key, err
	}
	fresh := event.NewKey()
	err = k.put(ctx, customer, at, fresh[:])
	if code(err) == codeWrongLast { // another hub made one, which counts
		return nil, errAgain
	}
	return &fresh, err
}

// load asks the leader for a customer's key, nil if there is none, and for the
// sequence the customer's place in the bucket is at.
func (k *keys) load(ctx context.Context, customer string) (*event.Key, uint64, error) {
	m, err := k.node.getLast(ctx, keysStream, keysPrefix+customer)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return nil, 0, nil
	case err != nil:
		return nil, 0, err
	case len(m.Data) == 0: // the mark of a deletion
		return nil, m.Seq, nil
	case len(m.Data) != len(event.Key{}):
		return nil, 0, fmt.Errorf("%w: a key of %d bytes", event.ErrDamaged, len(m.Data))
	}
	key := event.Key(m.Data)
	return &key, m.Seq, nil
}

// put replaces what the customer's place holds, if it is where it is expected.
func (k *keys) put(ctx context.Context, customer string, expected uint64, data []byte) error {
	m := nats.NewMsg(keysPrefix + customer)
	m.Data = data
	m.Header.Set("Nats-Expected-Last-Subject-Sequence", strconv.FormatUint(expected, 10))
	if len(data) == 0 {
		m.Header.Set("KV-Operation", "PURGE")
		m.Header.Set("Nats-Rollup", "sub")
	}
	_, err := k.node.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
	return err
}

// open decrypts e's personal fields in place, or marks it as forgotten.
func (k *keys) open(ctx context.Context, e *event.Event, s *event.Sealed) error {
	if s == nil {
		return nil
	}
	key, err := k.find(ctx, s)
	if err != nil {
		return fmt.Errorf("streams: key: %w", err)
	}
	return unseal(e, s, key)
}

// unseal opens s with key, which is nil if the customer has none.
func unseal(e *event.Event, s *event.Sealed, key *event.Key) error {
	if key == nil {
		e.Forgotten = true
		return nil
	}
	personal, err := key.Open(e.Subject, s)
	if errors.Is(err, event.ErrForgotten) {
		e.Forgotten = true
		return nil
	}
	e.Personal = personal
	return err
}

// find returns the key that s was sealed with from the cache, or whichever the
// customer has now from the leader.
func (k *keys) find(ctx context.Context, s *event.Sealed) (*event.Key, error) {
	key, ok, evictions := k.cached(s.Customer)
	if ok && key.ID() == s.Key {
		return &key, nil
	}
	var now *event.Key
	err := k.node.retry(ctx, func(ctx context.Context) (err error) {
		now, _, err = k.load(ctx, s.Customer)
		return err
	})
	if err != nil || now == nil {
		return nil, err
	}
	k.remember(s.Customer, *now, evictions)
	return now, nil
}

// remember puts a key into the cache that was asked for when so many had been
// taken out, unless that is more by now: it may have been this one.
func (k *keys) remember(customer string, key event.Key, evictions uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.evictions != evictions {
		return
	}
	for c := range k.cache { // any one, when it is full
		if len(k.cache) < cachedKeys {
			break
		}
		delete(k.cache, c)
	}
	k.cache[customer] = key
}

// evict takes a customer's key out of the cache.
func (k *keys) evict(customer string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.evictions++
	delete(k.cache, customer)
}

// flush empties the cache, so that whoever starts to read now sees every
// deletion that has been answered on any hub.
func (k *keys) flush() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.evictions++
	clear(k.cache)
}

// head returns the newest sequence of the bucket.
func (k *keys) head(ctx context.Context) (seq uint64, err error) {
	err = k.node.retry(ctx, func(ctx context.Context) error {
		s, err := k.node.js.Stream(ctx, keysStream)
		if err == nil {
			seq = s.CachedInfo().State.LastSeq
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("streams: keys: %w", err)
	}
	return seq, nil
}

// watch evicts what changes in the bucket after the sequence given, until ctx
// or the node ends.
func (k *keys) watch(ctx context.Context, after uint64) {
	err := k.node.follow(ctx, keysStream, after, func(m message) error {
		k.evict(strings.TrimPrefix(m.subject, keysPrefix))
		return nil
	})
	if ctx.Err() == nil {
		k.node.logger.Error("watch the customers' keys", "error", err)
	}
}

// Expect makes the key of a customer who is likely to order soon, so that their
// first order does not wait for two writes to the disk, one after the other.
// Append makes it otherwise. The error wraps event.ErrFailed when the log has
// failed.
func (l *Log) Expect(ctx context.Context, customer string) error {
	ctx, cancel := l.node.whileWritable(ctx)
	defer cancel()
	_, err := l.node.keys.ensure(ctx, customer)
	return err
}

// Forget implements event.Log. The key is overwritten on this node's disk
// before the answer, and on the peers' as soon as they follow; the log of a
// cluster's own protocol holds it until it is next compacted. The error wraps
// event.ErrFailed when the log has failed.
func (l *Log) Forget(ctx context.Context, customer, key string) (string, error) {
	if !event.ValidID(customer) {
		return "", fmt.Errorf("event: forget: %s is no customer's id", event.Quote(customer))
	}
	ctx, cancel := l.node.whileWritable(ctx)
	defer cancel()
	k := l.node.keys
	// Also when only the erasing succeeded: what is sealed with it is lost.
	defer k.evict(customer)
	deleted := ""
	err := l.node.retry(ctx, func(ctx context.Context) error {
		have, at, err := k.load(ctx, customer)
		if err != nil {
			return err
		}
		if have != nil {
			if id := have.ID(); (key != "" && id != key) || (deleted != "" && id != deleted) {
				return nil
			}
			if err := k.erase(ctx, at); err != nil {
				return err
			}
			deleted, at = have.ID(), 0
		}
		if at != 0 {
			return nil // marked already
		}
		// The mark is what makes the other hubs forget. It is missing, too,
		// when an earlier Forget got only as far as erasing.
		err = k.put(ctx, customer, 0, nil)
		if code(err) == codeWrongLast { // a new key or another's mark does as well
			return nil
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("streams: forget: %w", err)
	}
	return deleted, nil
}

// erase overwrites a key where it is stored.
func (k *keys) erase(ctx context.Context, seq uint64) error {
	s, err := k.node.js.Stream(ctx, keysStream)
	if err != nil {
		return err
	}
	return s.SecureDeleteMsg(ctx, seq)
}
