// Package feed reads a hub's feed with as little memory and time as it takes:
// a load test keeps many thousands of them in one process, and what it spends
// itself must stay small beside what it measures. It is a black box: it knows
// docs/protocol.md and nothing of the hub's code.
package feed
