// Package scenario holds what a load test can do to a hub, and runs it.
package scenario
