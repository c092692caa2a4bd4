// Package floor measures the least that could be done, to hold a hub against:
// the same frames to the same number of TLS connections at the same pace by a
// bare loop, in a process of its own, so that its processor time is read as the
// hub's is.
package floor
