package ebpf

import (
	"net/netip"
	"sync/atomic"
	"time"

	"roam6/plane"
)

// How the two counters of a path come together again.
const (
	// SweepEvery is how often a path that waits for the plane is looked at.
	SweepEvery = 5 * time.Millisecond
	// QuietAfter is how long nothing of a path may have moved before what is missing is taken for lost: the TUN's queue and
	// the loop's are empty long before.
	QuietAfter = 20 * time.Millisecond
	// ForceAfter bounds how long a path that may be fast waits for the plane to catch up. Beyond it the plane is slower than
	// what comes, its queue is full, and the order of a few packets is worth less than the loss of many.
	ForceAfter = 250 * time.Millisecond
	// ForceBacklog is how many packets of a path may wait for the plane, once it has waited for QuietAfter, before it goes ahead
	// without them: half of what the TUN's queue holds.
	ForceBacklog = 4096
)

// The directions of fastSlot's counters.
const (
	dirOut = 0
	dirIn  = 1
)

// moved is what the counters of one direction were when Sweep looked, and since when.
type moved struct {
	slow, done, fast uint64
	at, open         time.Duration
}

// Token names the packet given to Seen.
type Token struct {
	slot    *fastSlot
	entry   *entry
	dir     int
	remote  netip.Addr
	learned bool
}

// Seen looks at a packet before Soft has it (Soft changes it in place). The token goes to Finished.
func (f *Fast) Seen(port plane.Port, data []byte) (t Token) {
	if f == nil || len(data) < ipHeader {
		return t
	}
	if port == plane.Kernel {
		if e, dir := f.classify(data); e != nil {
			t.slot, t.entry, t.dir = &f.slots[e.slot], e, dir
		}
	}
	if data[6] == protoICMPv6 && len(data) >= ipHeader+8+ipHeader && data[ipHeader] == icmpTooBig {
		t.remote, t.learned = netip.AddrFrom16([16]byte(data[ipHeader+8+24:])), true
	}
	return t
}

// Finished says that all which a packet caused has been sent.
func (f *Fast) Finished(t Token) {
	if e := t.entry; e != nil {
		if e.set && e.path.Settle > 0 && e.waits != f.behind.Waits(e.inner) { // a marker, or the end of the waiting
			e.waits = !e.waits
			f.refresh(e)
		}
		atomic.AddUint64(&t.slot.Done[t.dir], 1)
		f.watch(e)
	}
	if t.learned {
		for _, e := range f.remotes[t.remote] {
			f.refresh(e)
			if e.there {
				f.lowered[e] = struct{}{}
			}
		}
	}
}

// Offsets and values of an IPv6 packet.
const (
	ipHeader    = 40
	protoIPv6   = 41
	protoICMPv6 = 58
	icmpTooBig  = 2
)

// classify finds the path and direction under which the tun program counted a packet. It must agree with tun in fast.c.
func (f *Fast) classify(b []byte) (*entry, int) {
	at := func(off int) *entry { return f.find(netip.AddrFrom16([16]byte(b[off : off+16]))) }
	agent := func(e *entry) bool { return e.written.Flags&flagAgent != 0 }
	mine, theirs, dir := 8, 24, dirOut
	if b[6] == protoIPv6 {
		if len(b) < 2*ipHeader {
			return nil, 0
		}
		mine, theirs, dir = ipHeader+24, ipHeader+8, dirIn
	}
	if e := at(mine); e != nil && !agent(e) {
		return e, dir
	}
	if e := at(theirs); e != nil && agent(e) {
		return e, dir
	}
	return nil, 0
}

// watch makes Sweep look at a path until its counters are equal.
func (f *Fast) watch(e *entry) {
	if !e.watching {
		e.watching = true
		e.last = [2]moved{}
		f.active[e] = struct{}{}
	}
}

// Due is when Sweep is to be called next, on the clock given to it; ok is false if nothing waits.
func (f *Fast) Due() (at time.Duration, ok bool) {
	if f == nil || len(f.active) == 0 {
		return 0, false
	}
	return f.swept + SweepEvery, true
}

// Sweep lets paths go on whose lost packets nobody will finish. idle says that no packet from the TUN waits in the loop.
// Called when Due says so, and once a second with all for paths that lost every packet.
func (f *Fast) Sweep(now time.Duration, idle, all bool) {
	if f == nil || !all && now < f.swept+SweepEvery {
		return
	}
	f.swept = now
	if all {
		for _, e := range f.entries { //order:any each by itself
			if e.waits || e.counted { // time may have ended the one, a deleted path the other
				f.refresh(e)
			}
			if !e.slotted {
				continue
			}
			if s := &f.slots[e.slot]; s.behind(dirOut) || s.behind(dirIn) {
				f.watch(e)
			}
		}
		f.cover()
		for e := range f.lowered { //order:any each by itself
			was := e.written.Mtu
			if f.refresh(e); !e.there || e.written.Mtu > was {
				delete(f.lowered, e)
			}
		}
	}
	for e := range f.active { //order:any each by itself
		if f.settle(e, now, idle) {
			delete(f.active, e)
			e.watching = false
		}
	}
}

func (s *fastSlot) behind(dir int) bool {
	return atomic.LoadUint64(&s.Slow[dir]) != atomic.LoadUint64(&s.Done[dir])
}

// settle looks at one path, and says whether it need not be looked at again.
func (f *Fast) settle(e *entry, now time.Duration, idle bool) bool {
	s, equal, force := &f.slots[e.slot], true, false
	for dir := range e.last {
		m := &e.last[dir]
		slow, done, fast := atomic.LoadUint64(&s.Slow[dir]), atomic.LoadUint64(&s.Done[dir]), atomic.LoadUint64(&s.Packets[dir])
		if m.at == 0 || slow == done || fast != m.fast || e.written.Flags&flagOf[dir] == 0 {
			m.open = now // it is, or was meanwhile, or may not be fast
		}
		if m.at == 0 || slow != m.slow || done != m.done {
			m.at = max(now, 1)
		}
		m.slow, m.done, m.fast = slow, done, fast
		if slow == done {
			continue
		}
		equal = false
		switch {
		case idle && now-m.at >= QuietAfter:
			atomic.StoreUint64(&s.Done[dir], slow)
			f.lost += int64(slow - done)
		case now-m.open >= ForceAfter, now-m.open >= QuietAfter && slow-done >= ForceBacklog && slow > done:
			force = true
		}
	}
	switch {
	case force && !e.forced:
		e.forced = true
		f.forced++
		f.refresh(e)
	case equal && e.forced:
		e.forced = false
		f.refresh(e)
	}
	return equal && !e.forced
}

// flagOf is the flag that lets a direction be fast.
var flagOf = [2]uint8{dirOut: flagSends, dirIn: flagTakes}
