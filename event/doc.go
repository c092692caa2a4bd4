// Package event is the vocabulary of the hub: what happened (Event), what
// people may see of it (Entry), how far a reader is (Cursor, Position), what
// went wrong (Code, Error), and the contract of the one log that everything
// is appended to (Log).
//
// Every fact of a site is one Event in one Log, and the sequence the log gives
// it is the only clock the hub has: it orders events, guards an aggregate
// against concurrent writers, and is the position of every follower and
// client. Everything anybody sees is a fold of that log: a set of topics, each
// a map from key to the newest Entry.
//
// What is declared here is stored on disks and sent to phones that are updated
// years later, so it only ever grows: stored forms carry a type and a version,
// and golden files in testdata hold every one of them.
//
// The package imports nothing but the standard library, starts no goroutine
// and keeps no state.
package event
