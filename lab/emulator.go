//go:build linux

package lab

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"

	"roam6/plane"
	"roam6/scenario"
)

const (
	readyAtOnce  = 64               // TAP devices looked at after one wait
	lateMax      = 10 * time.Second // lateness above this is counted as this
	lateDigits   = 3                // significant digits of the lateness histogram
	poolMax      = 4096             // frames kept for reuse
	frameSlack   = 4 + etherLen     // a VLAN tag and the Ethernet header on top of the MTU
	wakeUserData = -1               // marks the wake-up descriptor among the members
)

// emulator moves frames between TAP devices as the link models say. One goroutine on one thread of its own does all of
// it: it waits for frames and due times with nanosecond timeouts, so nothing else stands between a frame and its time.
type emulator struct {
	base  time.Time // zero of nanos, with both clocks
	seed  uint64
	epoll int
	wake  int // eventfd: ends the wait
	tape  *tape
	limit int // octets of the largest frame

	mu       sync.Mutex // held by the loop except while it waits
	segments []*segment
	members  []*member
	byHW     map[plane.HW]*member
	heap     pending
	pool     []*frame
	drops    map[string]int
	late     *hdrhistogram.Histogram
	frames   uint64
	handed   uint64

	stood standstills
	stop  atomic.Bool
	done  chan struct{}
}

func newEmulator(p *scenario.Plan, t *tape, base time.Time) (*emulator, error) {
	e := &emulator{
		base: base, seed: p.Seed, tape: t, drops: map[string]int{}, done: make(chan struct{}), byHW: map[plane.HW]*member{},
		late: hdrhistogram.New(1, int64(lateMax), lateDigits), limit: defaultMTU,
	}
	for i := range p.Segments {
		s := &p.Segments[i]
		e.segments = append(e.segments, &segment{name: s.Name, air: s.Air, model: s.Link, paths: map[[2]int]*scenario.LinkPath{}})
	}
	var err error
	if e.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	if e.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		unix.Close(e.epoll)
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	return e, e.watch(e.wake, wakeUserData)
}

func (e *emulator) watch(fd, data int) error {
	return unix.EpollCtl(e.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(data)})
}

// join adds a TAP device. The emulator closes it. Only before start.
func (e *emulator) join(m *member, mtu int) error {
	m.index = len(e.members)
	e.members = append(e.members, m)
	e.limit = max(e.limit, mtu)
	e.byHW[m.hw] = m
	return e.watch(m.fd, m.index)
}

func (e *emulator) now() nanos { return nanos(time.Since(e.base)) }

func (e *emulator) drop(reason string) { e.drops[reason]++ }

func (e *emulator) start() { go e.loop() }

// close ends the loop and gives all devices back.
func (e *emulator) close(started bool) {
	if e.stop.Swap(true) {
		return
	}
	if started {
		one := uint64(1)
		unix.Write(e.wake, (*[8]byte)(unsafe.Pointer(&one))[:])
		<-e.done
	}
	for _, m := range e.members {
		unix.Close(m.fd)
	}
	unix.Close(e.wake)
	unix.Close(e.epoll)
}

func (e *emulator) loop() {
	runtime.LockOSThread() // and never unlocked: the thread's priority must not serve anyone else
	defer close(e.done)
	urgent(emulatorRuntime)
	events := make([]unix.EpollEvent, readyAtOnce)
	e.mu.Lock()
	defer e.mu.Unlock()
	for !e.stop.Load() {
		e.deliver()
		due, some := e.heap.next()
		e.mu.Unlock()
		n, err := e.wait(events, due, some)
		e.mu.Lock()
		if err != nil && !errors.Is(err, unix.EINTR) {
			panic(fmt.Sprintf("lab: epoll_pwait2: %v", err)) // only a wrong call fails so
		}
		for _, ev := range events[:max(n, 0)] {
			if ev.Fd != wakeUserData {
				e.read(e.members[ev.Fd])
			}
		}
	}
}

// wait sleeps until a frame is there or the next one is due.
func (e *emulator) wait(events []unix.EpollEvent, due nanos, some bool) (int, error) {
	var timeout unsafe.Pointer
	want := nanos(math.MaxInt64)
	if some {
		now := e.now()
		want = max(due, now)
		ts := unix.NsecToTimespec(int64(want - now))
		timeout = unsafe.Pointer(&ts)
	}
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(e.epoll), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), uintptr(timeout), 0, 0)
	e.stood.woke(want, e.now())
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// read takes one frame from a member; when there are more, the next wait ends at once. It reports whether there was one.
func (e *emulator) read(m *member) bool {
	f := e.get()
	n, err := unix.Read(m.fd, f.buf)
	some := err == nil && n > 0
	if some {
		f.n = n
		e.accept(m, f, e.now())
	}
	e.put(f)
	return some
}

// deliver hands over all frames that are due.
func (e *emulator) deliver() {
	now := e.now()
	for {
		d, ok := e.heap.pop(now)
		if !ok {
			return
		}
		if d.lost() {
			e.drop(dropLinkDown)
		} else {
			now = e.now()
			e.late.RecordValue(min(int64(now-d.due), int64(lateMax)))
			if _, err := unix.Write(d.to.fd, d.frame.data()); err != nil {
				e.drop(dropRefused)
			} else {
				e.handed++
			}
		}
		e.put(d.frame)
	}
}

// get gives an empty frame with one reference.
func (e *emulator) get() *frame {
	if n := len(e.pool); n > 0 {
		f := e.pool[n-1]
		e.pool = e.pool[:n-1]
		f.refs, f.n = 1, 0
		return f
	}
	return &frame{buf: make([]byte, e.limit+frameSlack), refs: 1}
}

func (e *emulator) put(f *frame) {
	f.refs--
	if f.refs == 0 && len(e.pool) < poolMax {
		e.pool = append(e.pool, f)
	}
}

// stats copies the counters.
func (e *emulator) stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := Stats{
		P50: time.Duration(e.late.ValueAtQuantile(50)), P99: time.Duration(e.late.ValueAtQuantile(99)),
		Max: time.Duration(e.late.Max()), Frames: e.frames, Delivered: e.handed, Drops: make(map[string]int, len(e.drops)),
	}
	for reason, n := range e.drops {
		s.Drops[reason] = n
	}
	return s
}
