//go:build linux

package lab

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	// spareProcs is added to GOMAXPROCS while a lab lives, so that the emulator coming back from its wait always finds
	// a place to run on at once.
	spareProcs = 4
	// gcPercent replaces a smaller GOGC while a lab lives: fewer collections, fewer delayed frames.
	gcPercent = 400
	// labNice is the niceness of all threads of the process while a lab lives, where it may be set.
	labNice = -10
)

// What the two threads that keep time ask for. Of each urgentPeriod they may claim so much of a processor.
const (
	emulatorRuntime = 700_000   // ns
	pacerRuntime    = 150_000   // ns
	urgentPeriod    = 1_000_000 // ns
	urgentNice      = -20       // where deadline scheduling is refused
	urgentSlice     = 100_000   // and the shortest time slice of the fair scheduler, ns
)

// urgent asks for the best treatment of the calling thread that the system grants; none of it is needed to work. A
// thread that may need more of a processor than it can name asks with a runtime of 0, for the niceness only.
//
// Deadline scheduling rather than a real-time priority: kernels since 6.12 let ordinary work pass real-time threads for up
// to 50 ms a second (the fair server), and a lab would measure that as an outage.
func urgent(runtime uint64) {
	unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	if runtime > 0 && deadline(runtime) {
		return
	}
	slice := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Runtime: urgentSlice}
	unix.SchedSetAttr(0, slice, 0)
	unix.Setpriority(unix.PRIO_PROCESS, 0, urgentNice)
}

// deadline puts the calling thread under deadline scheduling, if that is granted.
func deadline(runtime uint64) bool {
	attr := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_DEADLINE, Flags: unix.SCHED_FLAG_RESET_ON_FORK,
		Runtime: runtime, Deadline: urgentPeriod, Period: urgentPeriod}
	return unix.SchedSetAttr(0, attr, 0) == nil
}

// tune sets the process up for timely delivery and returns what undoes it.
func tune() func() {
	procs := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(procs + spareProcs)
	percent := debug.SetGCPercent(gcPercent)
	if percent < 0 || percent > gcPercent {
		debug.SetGCPercent(percent)
	}
	renice(labNice, urgentSlice)
	return func() {
		runtime.GOMAXPROCS(procs)
		debug.SetGCPercent(percent)
		renice(0, 0)
	}
}

// renice sets the niceness, where that is permitted, and the time slice of all threads there are; later ones take them
// from those. The short slice matters most: the Go runtime passes the emulator's right to run from thread to thread now and
// then, and one with a short slice need not wait for the slices of other programs to end.
func renice(nice int32, slice uint64) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range tasks {
		if tid, err := strconv.Atoi(t.Name()); err == nil {
			reniceThread(tid, nice, slice)
		}
	}
}

// reniceThread does so for one thread; 0 is the calling one.
func reniceThread(tid int, nice int32, slice uint64) {
	attr := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Runtime: slice, Nice: nice}
	if unix.SchedSetAttr(tid, attr, 0) != nil {
		attr.Nice = 0
		unix.SchedSetAttr(tid, attr, 0)
	}
}

// ordinarily calls f without what tune has given the calling thread, which must be locked: the programs of a node would
// inherit it, and take from the emulator what it was given to keep its times.
func ordinarily(f func() error) error {
	reniceThread(0, 0, 0)
	defer reniceThread(0, labNice, urgentSlice)
	return f()
}
