// Package disktest gives tests a disk that is small enough to be filled.
package disktest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// NoMount is the environment variable that says that tests shall do without
// disks of their own, because whoever runs them may not mount any.
const NoMount = "HUB_NO_MOUNT"

// unmountWithin bounds how long files on the disk may stay open after the
// test, by a process that is being killed.
const unmountWithin = 20 * time.Second

// Small mounts an empty disk of so many bytes for the test and returns where.
// It keeps everything in memory. Mounting takes root: without it the test
// fails, or is skipped if NoMount is set.
func Small(t testing.TB, bytes int) string {
	t.Helper()
	if os.Getenv(NoMount) != "" {
		t.Skipf("%s is set: what happens on a full disk is not tested", NoMount)
	}
	dir := t.TempDir()
	size := fmt.Sprintf("size=%d,mode=0700", bytes)
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", size, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Fatalf("a small disk cannot be mounted (%v: %s); run the test as root, or leave it out with %s=1", err, out, NoMount)
	}
	t.Cleanup(func() { unmount(t, dir) })
	return dir
}

func unmount(t testing.TB, dir string) {
	ctx, cancel := context.WithTimeout(context.Background(), unmountWithin)
	defer cancel()
	for {
		out, err := exec.CommandContext(ctx, "umount", dir).CombinedOutput()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Errorf("unmount %s: %v: %s", dir, err, out)
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Fill takes what is left of the disk that dir is on, but for so many bytes.
// free gives it back.
func Fill(t testing.TB, dir string, but int64) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for chunk := make([]byte, 64<<10); len(chunk) > 0; {
		if _, err = f.Write(chunk); err != nil {
			chunk = chunk[:len(chunk)/2]
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	size, err := f.Seek(0, 1)
	if err == nil {
		err = f.Truncate(max(0, size-but))
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}
