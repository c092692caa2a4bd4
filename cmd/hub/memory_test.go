package main

import (
	"errors"
	"testing"
	"testing/fstest"
)

func TestMemoryAmounts(t *testing.T) {
	for text, want := range map[string]memory{
		"1073741824": 1 << 30, "512MiB": 512 << 20, "512M": 512 << 20, "2GiB": 2 << 30, "2G": 2 << 30, "70000KiB": 70000 << 10, "100B": 100,
	} {
		var m memory
		if err := m.UnmarshalText([]byte(text)); err != nil || m != want {
			t.Errorf("%s is %d, %v, want %d", text, m, err, want)
		}
	}
	for _, text := range []string{"", "much", "-1MiB", "1.5GiB", "50%", "9999999999GiB", "MiB"} {
		var m memory
		if err := m.UnmarshalText([]byte(text)); !errors.Is(err, errConfig) {
			t.Errorf("%s is %d, %v", text, m, err)
		}
	}
}

func TestDefaultMemory(t *testing.T) {
	const meminfo = "MemTotal:        3884360 kB\nMemFree:          100000 kB\n"
	for name, tt := range map[string]struct {
		files map[string]string
		want  memory
	}{
		"a Pi":            {map[string]string{"proc/meminfo": meminfo}, 3884360 << 10 / 2},
		"elsewhere":       {nil, 512 << 20},
		"a tiny one":      {map[string]string{"proc/meminfo": "MemTotal: 65536 kB\n"}, leastMemory},
		"without a limit": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n"}, 3884360 << 10 / 2},
		"a unit": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "1:cpu:/x\n0::/system.slice/hub.service\n",
			"sys/fs/cgroup/system.slice/hub.service/memory.max": "536870912\n", "sys/fs/cgroup/system.slice/memory.max": "max\n",
		}, 256 << 20},
		"a unit in a slice": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/system.slice/hub.service\n",
			"sys/fs/cgroup/system.slice/hub.service/memory.max": "max\n", "sys/fs/cgroup/system.slice/memory.max": "1073741824\n",
		}, 512 << 20},
		"a container": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1073741824\n",
		}, 512 << 20},
	} {
		root := fstest.MapFS{}
		for path, text := range tt.files {
			root[path] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := defaultMemory(root); got != tt.want {
			t.Errorf("%s: %d bytes, want %d", name, got, tt.want)
		}
	}
}
