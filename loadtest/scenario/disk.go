package scenario

import (
	"context"
	"errors"
	"time"

	"everything.local/loadtest/floor"
	"everything.local/loadtest/meter"
)

// The floors of an order's way, by their names in a report.
const (
	fsync  = "fsync"
	tlsRTT = "tls_rtt"
	both   = "fsync_and_tls_rtt"

	// eventBytes is what the log writes for a step of an order.
	eventBytes = 500
	// trips is how many are measured before and after each round.
	trips = 200
)

// orderFloor measures the least that an order has to wait for: one write of its
// event to the disk, and one round trip over TLS.
func (r *Run) orderFloor(ctx context.Context) (err error) {
	if r.bare == nil {
		return nil
	}
	disk, err := floor.OpenDisk(r.FsyncDir, eventBytes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disk.Close()) }()
	echo, err := r.bare.Echo(ctx)
	if err != nil {
		return err
	}
	defer echo.Close()
	fsyncs, rtts, sums := cellsIn(r.floors, fsync), cellsIn(r.floors, tlsRTT), cellsIn(r.floors, both)
	return meter.Pace(ctx, time.Now(), 2*trips, trips, func(n int, _ time.Time) {
		written, e := disk.Write()
		trip, f := echo.Trip()
		err = errors.Join(err, e, f)
		fsyncs.latencies.Record(n, written)
		rtts.latencies.Record(n, trip)
		sums.latencies.Record(n, written+trip)
	})
}
