package streams

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// directory is a node's data directory while it holds the lock on it.
//
//	hub.lock         held by the running hub
//	site.json        whose data these are, written once
//	highwater.json   how far the log was, see highWater
//	jetstream/       the streams, nats-server's own format
//	checkpoint       the fold's, see Checkpoints
type directory struct {
	path string
	lock *os.File
}

func openDirectory(path string) (*directory, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, unwritable(path, err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "hub.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, unwritable(path, err)
	}
	d := &directory{path, lock}
	switch err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		_ = lock.Close()
		return nil, fmt.Errorf("%w: another hub runs on %s; stop it, or start this one with another --data", ErrLocked, path)
	case err != nil:
		_ = lock.Close()
		return nil, unwritable(path, err)
	}
	return d, nil
}

// close gives the lock up. The file stays: removing it would let two hubs hold
// locks on two files of one name.
func (d *directory) close() error { return d.lock.Close() }

func (d *directory) file(name string) string { return filepath.Join(d.path, name) }

// site is the content of site.json.
type site struct {
	Site string `json:"site"`
	Mode string `json:"mode"`
}

// claim writes whose directory this is when it is new, and compares otherwise.
func (d *directory) claim(want site) error {
	have, err := readSite(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		b, err := json.Marshal(want)
		if err == nil {
			err = writeFile(d.file(siteFile), append(b, '\n'))
		}
		if err != nil {
			return unwritable(d.path, err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if have.Site != want.Site {
		return fmt.Errorf("%w: %s holds %q, this hub is of %q; start it with the --data of its own site", ErrOtherSite, d.path, have.Site, want.Site)
	}
	if have.Mode != want.Mode {
		return fmt.Errorf("%w: %s is %q, this hub runs as %q; keep the two in different directories with --data", ErrOtherMode, d.path, have.Mode, want.Mode)
	}
	return nil
}

const siteFile = "site.json"

// Owner tells whose data a directory holds, for a program that is to go on
// with whatever is there. The error wraps fs.ErrNotExist for a directory that
// is new, ErrUnwritable or ErrDamaged.
func Owner(dir string) (siteName, mode string, err error) {
	s, err := readSite(dir)
	return s.Site, s.Mode, err
}

func readSite(dir string) (site, error) {
	path := filepath.Join(dir, siteFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return site{}, err
	}
	if err != nil {
		return site{}, unwritable(dir, err)
	}
	var have site
	if err := json.Unmarshal(b, &have); err != nil || have.Site == "" || have.Mode == "" {
		return site{}, fmt.Errorf("%w: %s does not say whose data these are; restore it from the backup, the log itself is untouched", ErrDamaged, path)
	}
	return have, nil
}

func unwritable(path string, err error) error {
	return fmt.Errorf("%w: %s (%w); check that it exists, that the hub's user owns it and that the disk is neither full nor read-only", ErrUnwritable, path, err)
}
