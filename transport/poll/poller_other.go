//go:build !linux

package poll

import "errors"

// Poller is for systems with epoll(7); others have Goroutines.
type Poller struct{ Goroutines }

// NewPoller says that there is none.
func NewPoller() (*Poller, error) {
	return nil, errors.ErrUnsupported
}

// sysConn is a descriptor that is read and written without waiting, of which
// there are none.
type sysConn struct{}
