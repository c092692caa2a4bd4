package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// memory is an amount of it, in bytes.
type memory int64

// leastMemory is what a hub with some dozen clients lives in.
const leastMemory = 64 << 20

// units are how amounts of memory may end.
var units = []struct {
	suffix string
	shift  uint
}{{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"K", 10}, {"M", 20}, {"G", 30}, {"B", 0}, {"", 0}}

// UnmarshalText reads an amount like 512MiB, as systemd's MemoryMax has it.
func (m *memory) UnmarshalText(text []byte) error {
	for _, u := range units {
		number, ok := strings.CutSuffix(string(text), u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64>>u.shift {
			break
		}
		*m = memory(n << u.shift)
		return nil
	}
	return fmt.Errorf("%w: %q is no amount of memory, like 512MiB or 2GiB", errConfig, text)
}

// String formats m for a person.
func (m memory) String() string { return fmt.Sprintf("%dMiB", int64(m)>>20) }

// shareOfMachine of the memory there is belongs to the hub unless it is told
// otherwise. The rest is for the kernel's buffers of its sockets, the cache of
// its log's files, and what else runs on the machine.
const shareOfMachine = 2 // a half

// defaultMemory is the hub's share of the machine, or of what a service manager
// or container leaves it of that, by the files of Linux in root. Where they
// cannot be read it is what suits the smallest machine.
func defaultMemory(root fs.FS) memory {
	const smallest = 1 << 30 // the RAM of a small Pi
	total, err := totalMemory(root)
	if err != nil {
		total = smallest
	}
	return max(min(total, cgroupLimit(root))/shareOfMachine, leastMemory)
}

// totalMemory is the machine's RAM (proc_meminfo(5)).
func totalMemory(root fs.FS) (memory, error) {
	f, err := root.Open("proc/meminfo")
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && fields[0] == "MemTotal:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			return memory(kib << 10), err
		}
	}
	return 0, errors.New("no MemTotal in /proc/meminfo")
}

// cgroupLimit is the least memory.max of the process's control group and those
// it is in (Linux's cgroup-v2), the greatest memory if there is none.
func cgroupLimit(root fs.FS) memory {
	least := memory(math.MaxInt64)
	groups, _ := fs.ReadFile(root, "proc/self/cgroup") // none elsewhere
	for line := range strings.Lines(string(groups)) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		for dir := path.Join("sys/fs/cgroup", group); ; dir = path.Dir(dir) {
			limit, _ := fs.ReadFile(root, path.Join(dir, "memory.max")) // the root has none
			if n, err := strconv.ParseInt(strings.TrimSpace(string(limit)), 10, 64); err == nil {
				least = min(least, memory(n))
			}
			if dir == "sys/fs/cgroup" || dir == "." {
				break
			}
		}
	}
	return least
}
