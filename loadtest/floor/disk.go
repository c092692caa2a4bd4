package floor

import (
	"os"
	"path/filepath"
	"time"
)

// Fsync writes bytes to a file in dir and waits until they are on the disk,
// count times, and tells how long each took.
func Fsync(dir string, size, count int, took func(time.Duration)) (err error) {
	f, err := os.CreateTemp(dir, "fsync-")
	if err != nil {
		return err
	}
	defer func() {
		_ = f.Close()
		if e := os.Remove(filepath.Clean(f.Name())); err == nil {
			err = e
		}
	}()
	b := make([]byte, size)
	for range count {
		began := time.Now()
		if _, err := f.Write(b); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		took(time.Since(began))
	}
	return nil
}
