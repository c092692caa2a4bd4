// Package meter measures: latencies, what a process takes of processor and
// memory, and the pace of what is sent.
package meter
