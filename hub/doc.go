// Package hub follows the log and shows what it folds to.
//
// A Hub has one tail of the log. Every event goes through a Fold, declared
// here and implemented by package cafe, which answers with the entries that
// changed; the hub keeps them in topics and tells subscribers. It knows
// nothing of coffee, HTTP or NATS.
//
// # The life of an event
//
// Run receives the event from event.Log.Tail. Under the hub's lock the fold
// applies it, the changed entries take its sequence and replace what their
// topics held, tombstones beyond the newest [MaxTombstones] of a topic are
// dropped and raise its floor, and the frames of the change are appended to
// the rings of the topics concerned. Then the lock is released, subscribers of
// those topics are woken and callers of Wait let go.
//
// # Topics, rings, positions
//
// A topic is a map from key to the newest entry or a tombstone, in the order
// of (seq, key). That order is all it takes to bring anybody up to date: a
// snapshot is every entry, a resume is every entry and tombstone after the
// position, and one that was superseded meanwhile is not there any more.
//
// A topic with several subscribers on the same wire also has a ring: its latest
// frames as bytes ready to send, encoded once. What lies between a position
// and the end of a segment is one slice. A subscriber owns such a position and
// nothing else, so the hub never waits for one and holds no queue for it; who
// falls off the ring reads from the map until it has caught up. A topic with
// few subscribers, like that of one customer's orders, has no ring and is
// always read from the map.
//
// # What a subscriber is sent
//
// The frames and their meaning are in docs/protocol.md. In short: a position
// that is missing, of another epoch or below the floor begins with a reset; a
// cursor on an entry commits its topic, which is why it stands only where the
// topic is complete up to that sequence; a frame that is only a cursor commits
// the whole subscription. It ends each batch of a subscription to several
// topics, and each catch-up. What is read from the map to catch up carries no
// cursor of its own: the commit comes when the state is whole.
//
// # Stopping and starting
//
// Now and then, when Run ends, and when Config.CheckpointAt says so, the hub
// stores a checkpoint of the fold and the topics and starts from it next time.
// The bytes depend on the log alone: a log folded live, replayed, or continued
// from a checkpoint gives the same. A checkpoint that cannot be read or is not
// of this log is ignored, for the log has it all.
//
// When the fold refuses an event the hub halts: it stays before that event,
// tells every feed that it is stale, and keeps showing what it has. It never
// skips.
//
// # Concurrency
//
// All methods of Hub may be called by any number of goroutines. Config.Fold
// belongs to the hub: others read it inside Read only. Inside Read's function
// no method of the hub but Cursor and Halted may be called. A Subscription
// belongs to one goroutine; only its Wake channel is touched by others. Run is
// called once; it starts one goroutine, which saves checkpoints, and waits for
// it. Encodings are called by many goroutines at once.
package hub
