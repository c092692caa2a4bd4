// Package cafe is the coffee shop: what may be ordered, what becomes of an
// order, who is told what. It is pure. Decide turns a command and the state
// into events, Apply folds an event into the state and tells which entries of
// which topics changed; neither does I/O, looks at a clock or starts a
// goroutine, so the same log always folds to the same bytes on every hub.
package cafe
