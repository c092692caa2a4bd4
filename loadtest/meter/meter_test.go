package meter_test

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"everything.local/loadtest/meter"
)

func TestLatencies(t *testing.T) {
	l := meter.NewLatencies()
	for i := range 1000 {
		l.Record(i, time.Duration(i+1)*time.Millisecond)
	}
	first := l.Interval()
	if first.Count != 1000 || near(first.P50, 500) || near(first.P99, 990) || near(first.P999, 999) || near(first.Most, 1000) {
		t.Errorf("first interval %+v", first)
	}
	l.Record(3, time.Hour)
	if second := l.Interval(); second.Count != 1 || near(second.P50, 120_000) {
		t.Errorf("second interval %+v", second)
	}
	both := meter.NewLatencies()
	both.Merge(l)
	if total := both.Total(); total.Count != 1001 || near(total.P50, 501) {
		t.Errorf("total %+v", total)
	}
}

func near(got, want float64) (not bool) { return got < want*0.998 || got > want*1.002 }

func TestUse(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("processes are measured on Linux alone")
	}
	self := meter.Process(os.Getpid())
	before, err := self.Use()
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		now, err := self.Use()
		if err != nil {
			t.Fatal(err)
		}
		if now.CPU > before.CPU {
			break
		}
		if now.At.Sub(before.At) > time.Minute {
			t.Fatalf("no CPU after %d reads", n)
		}
	}
	if before.RSS < 1<<20 || before.RSS > 4<<30 {
		t.Errorf("resident memory is %d bytes", before.RSS)
	}
	gone := exec.Command("true")
	if err := meter.StartOn(0, gone); err != nil {
		t.Fatal(err)
	}
	if err := meter.Process(gone.Process.Pid).Pin(0); err != nil {
		t.Error(err)
	}
	if err := gone.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := meter.Process(gone.Process.Pid).Use(); err == nil {
		t.Error("a process that ended can be read")
	}
}
