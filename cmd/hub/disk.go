package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"everything.local/streams"
)

const (
	// diskAsked is how often a disk that refused a write is tried again.
	diskAsked = 2 * time.Second
	// diskFree is what has to be free before the log goes on. Recovering
	// writes the newest block of each stream again, of which the log's has up
	// to 8 MiB and the others 4 MiB or less; the rest are some ten thousand
	// orders, so that it is not over in a moment.
	diskFree = 32 << 20
	// diskTries is how often recovering may fail on a disk that can be
	// written. A fresh process is the better try then.
	diskTries = 3
)

// mendLog watches the log. When it fails, which a full disk makes it do, it
// waits for the disk and has the log recover. Until then no orders are taken,
// and feeds go on: what they show is true.
//
// It returns when ctx ends, or with an error when recovering does not help.
// That ends the hub, for its service manager to start it afresh.
func (a *app) mendLog(ctx context.Context) error {
	for {
		select {
		case <-a.node.Failed():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := a.recoverLog(ctx); err != nil {
			return err
		}
		a.log.Info("the log can be written again")
	}
}

// recoverLog returns once the log has recovered.
func (a *app) recoverLog(ctx context.Context) error {
	tick := time.NewTicker(diskAsked)
	defer tick.Stop()
	for tries := 0; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := tryDisk(a.config.Data); err != nil {
			a.log.Debug("the disk cannot be written yet", "error", err)
			continue
		}
		err := a.node.Recover(ctx)
		if err == nil {
			return nil
		}
		if tries++; tries == diskTries || errors.Is(err, streams.ErrDamaged) {
			return fmt.Errorf("the log does not recover, although its disk can be written: %w; start the hub again, and look at its disk if that does not help", err)
		}
		a.log.Warn("the log has not recovered", "error", err)
	}
}

// tryDisk says whether the disk of a directory can be written, by doing so. The
// free space is asked for as well, since one small file may fit where the log
// does not.
func tryDisk(dir string) error {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return err
	}
	if free := s.Bavail * uint64(s.Bsize); free < diskFree {
		return fmt.Errorf("%d MiB are free, %d are needed", free>>20, diskFree>>20)
	}
	name := filepath.Join(dir, "disk.try")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString("written to see whether it can be\n")
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), os.Remove(name))
}
