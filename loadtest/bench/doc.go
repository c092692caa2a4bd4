// Package bench measures a hub of its own with a fixed set of scenarios, and
// holds the figures against those that the design promises and against those
// that were committed.
package bench
