package floor

import (
	"os"
	"time"
)

// Disk is a file that is written to as a log is.
type Disk struct {
	f   *os.File
	buf []byte
}

// OpenDisk makes a file in dir, for writes of a size.
func OpenDisk(dir string, size int) (*Disk, error) {
	f, err := os.CreateTemp(dir, "fsync-")
	if err != nil {
		return nil, err
	}
	return &Disk{f, make([]byte, size)}, nil
}

// Write writes once and waits until it is on the disk.
func (d *Disk) Write() (time.Duration, error) {
	began := time.Now()
	if _, err := d.f.Write(d.buf); err != nil {
		return 0, err
	}
	err := d.f.Sync()
	return time.Since(began), err
}

// Close removes the file.
func (d *Disk) Close() error {
	_ = d.f.Close() // what was written is wanted no more
	return os.Remove(d.f.Name())
}
