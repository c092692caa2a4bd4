//go:build !linux

package meter

import (
	"errors"
	"os/exec"
	"time"
)

// Process is a running process, by its id.
type Process int

// Use is what a process has taken until an instant.
type Use struct {
	At  time.Time
	CPU time.Duration
	RSS int64
}

var errLinux = errors.New("processes can be measured and pinned on Linux alone")

// Use is for Linux.
func (Process) Use() (Use, error) { return Use{}, errLinux }

// Pin is for Linux.
func (Process) Pin(int) error { return errLinux }

// StartOn is for Linux.
func StartOn(int, *exec.Cmd) error { return errLinux }

// sleep waits for d as exactly as the runtime does.
func sleep(d time.Duration) error {
	time.Sleep(d)
	return nil
}
