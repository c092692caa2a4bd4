package bench

import (
	"fmt"
	"os/exec"
	"time"
)

// slowFsync is what an SD card takes to write.
const slowFsync = 30 * time.Millisecond

// slowDisk is what to start a hub behind so that each of its fsyncs takes so
// much longer: a tracer that stops at these system calls alone, and lets the
// rest run as it is. Nothing of the hub is changed for it. It is empty where
// there is none.
func slowDisk(d time.Duration) []string {
	tracer, err := exec.LookPath("strace")
	if err != nil {
		return nil
	}
	calls := "fsync,fdatasync"
	return []string{
		tracer, "--follow-forks", "--seccomp-bpf", "--quiet=all", "--output=/dev/null", "--trace=" + calls,
		fmt.Sprintf("--inject=%s:delay_exit=%d", calls, d.Microseconds()),
	}
}
