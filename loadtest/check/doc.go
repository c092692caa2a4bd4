// Package check holds what watchers of a hub saw against what happened: nobody
// may miss, repeat or reorder anything, and all must end in the same state.
// Everything that a run makes happen on a topic has a number, given in the
// order in which it was meant to happen; the hub's own sequences are learned
// from the first watcher that sees them and held against all others.
package check
