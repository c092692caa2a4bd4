package client

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// listenForChanges calls changed at every change of links, addresses and routes until
// ctx ends (rtnetlink(7)). What has changed is not looked at: the paths are
// listed anew.
func listenForChanges(ctx context.Context, changed func()) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("client: listen for changes of the network: %w", err)
	}
	const groups = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		return errors.Join(fmt.Errorf("client: listen for changes of the network: %w", err), unix.Close(fd))
	}
	socket := os.NewFile(uintptr(fd), "rtnetlink")
	defer socket.Close()
	stop := context.AfterFunc(ctx, func() { _ = socket.Close() })
	defer stop()
	b := make([]byte, 64<<10)
	for {
		_, err := socket.Read(b)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !errors.Is(err, unix.ENOBUFS): // that is: more than fits has changed
			return fmt.Errorf("client: listen for changes of the network: %w", err)
		}
		changed()
	}
}

// bindTo makes a socket send by one interface, whatever the routes of others
// say. It takes no privilege since Linux 5.7; before, the address alone decides.
func bindTo(name string) func(string, string, syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			_ = unix.BindToDevice(int(fd), name) // see above
		})
	}
}
