// Package relay stands between clients and a hub, as the networks of a café, a
// carrier and a bad day do: it gives connections new addresses, loses, delays
// and reorders datagrams, or lets none through. It works in user space, so it
// needs no privilege and no module of the kernel, and its faults are those of
// the packets that really pass.
package relay
