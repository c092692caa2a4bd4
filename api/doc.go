// Package api answers commands and queries over HTTP: REST with problem+json,
// Connect, gRPC and gRPC-Web, all from the one schema in package proto and all
// by the same core.
//
// A command is decided by cafe on the state that this hub has folded so far,
// appended to the log under an id that a retry repeats, and answered once the
// hub's own fold has passed it; see API.Do. A query reads the fold. Answers are
// cafe's views as encoding/json writes them, byte for byte what topics carry;
// the messages of Connect and gRPC are made from those same bytes.
//
// Who is calling is for package auth to say, what a command leads to for
// package cafe. What is held here: strictness about what a request may
// contain, idempotency, reading one's own writes, who may see an order, and
// the one table from codes to statuses.
package api
