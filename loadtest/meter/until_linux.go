package meter

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// sleep waits for d, which is above zero, by a timer of the kernel, without
// taking a thread (timerfd_create(2)).
func sleep(d time.Duration) (err error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("timerfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "timerfd")
	defer func() { err = errors.Join(err, f.Close()) }()
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	if err := unix.TimerfdSettime(fd, 0, &spec, nil); err != nil {
		return os.NewSyscallError("timerfd_settime", err)
	}
	_, err = f.Read(make([]byte, 8)) // how often it went off
	return err
}
