package meter

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Process is a running process, by its id.
type Process int

// Use is what a process has taken until an instant.
type Use struct {
	At time.Time
	// CPU is user and system time of all its threads, also those that ended.
	CPU time.Duration
	// RSS is its resident memory in bytes.
	RSS int64
}

var errStat = errors.New("/proc has it in a form that is not known")

// clockTick is USER_HZ, which is 100 on every architecture that Go runs on.
const clockTick = 10 * time.Millisecond

// Use reads /proc (proc(5)). It fails when the process has ended.
func (p Process) Use() (Use, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
	if err != nil {
		return Use{}, err
	}
	at := time.Now()
	// The name stands in parentheses and may have anything in it.
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	const user, system, resident = 14 - 3, 15 - 3, 24 - 3
	if len(fields) <= resident {
		return Use{}, errStat
	}
	var n [3]int64
	for i, f := range []int{user, system, resident} {
		if n[i], err = strconv.ParseInt(string(fields[f]), 10, 64); err != nil {
			return Use{}, errStat
		}
	}
	return Use{At: at, CPU: time.Duration(n[0]+n[1]) * clockTick, RSS: n[2] * int64(os.Getpagesize())}, nil
}
