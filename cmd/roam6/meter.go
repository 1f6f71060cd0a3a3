package main

import (
	"fmt"
	"io"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"roam6/lab"
	"roam6/scenario"
	"roam6/sim"
)

// meter measures what a run costs this machine.
type meter struct {
	wall time.Time
	cpu  time.Duration
}

// spent is what a run has cost.
type spent struct {
	wall, cpu time.Duration
	peak      int64 // octets: the largest the process has ever been
	heap      uint64
}

func newMeter() *meter { return &meter{time.Now(), cpuTime()} }

func (m *meter) stop() spent {
	s := spent{wall: time.Since(m.wall), cpu: cpuTime() - m.cpu}
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) == nil {
		s.peak = u.Maxrss << 10
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	s.heap = mem.HeapAlloc
	return s
}

func cpuTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (s spent) String() string {
	return fmt.Sprintf("wall %.3f s, processor %.3f s, peak memory %.1f MiB", s.wall.Seconds(), s.cpu.Seconds(), float64(s.peak)/(1<<20))
}

func printSimStats(w io.Writer, st sim.Stats, s spent, handovers int) {
	fmt.Fprintf(w, "stats: %v\n", s)
	fmt.Fprintf(w, "stats: %d events (%.0f /s), %d frames, %d engine inputs, at most %d events waiting\n",
		st.Events, float64(st.Events)/s.wall.Seconds(), st.Frames, st.Inputs, st.PeakQueue)
	fmt.Fprintf(w, "stats: %d handovers (%.0f /s of wall time)\n", handovers, float64(handovers)/s.wall.Seconds())
}

func printLabStats(w io.Writer, st lab.Stats, s spent) {
	fmt.Fprintf(w, "stats: %v\n", s)
	fmt.Fprintf(w, "stats: emulator: %d frames in, %d out; late by p50 %v, p99 %v, at most %v\n", st.Frames, st.Delivered, st.P50.Round(time.Microsecond), st.P99.Round(time.Microsecond), st.Max.Round(time.Microsecond))
	longest, all := scenario.Millis(0), scenario.Millis(0)
	for _, s := range st.Stood {
		longest, all = max(longest, s.Length), all+s.Length
	}
	fmt.Fprintf(w, "stats: the machine stood still %d times, together %s ms, at most %s ms\n", len(st.Stood), all.Reading(), longest.Reading())
}
