package plane

import (
	"net/netip"
	"time"
)

const (
	// maxStints is how many changes of way a path with Settle keeps apart at once; one more ends the oldest.
	maxStints = 8
	// Silence is how long a Way that is Unsure is waited for after its last packet: longer than the 20 ms between the packets of
	// a call, shorter than a handover that nobody prepared takes.
	Silence = 50 * time.Millisecond
	// Straggling is how long packets that follow an end marker do not refute it: a node says that it leaves, then its radio
	// takes a moment to switch.
	Straggling = 100 * time.Millisecond
	// Refuted is how long after an end marker that packets refuted the path goes on listening by which way they come: a node whose
	// Binding Update is lost sends by the way before until it has sent it again.
	Refuted = 10 * time.Second
)

// lane is a way as received packets tell it: the ends of their tunnel, or for what no tunnel brought the port.
type lane struct {
	outer ends
	port  Port
}

// lane is that of a route's own way; ok is false if it has none.
func (r *route) lane() (l lane, ok bool) {
	if r.Mode == Direct {
		return lane{port: r.Out}, true
	}
	if remote := r.Remote(); r.Local.IsValid() && remote.IsValid() {
		return lane{outer: ends{r.Local, remote}}, true
	}
	return l, false
}

// ordering is what a path with Settle knows of its ways: the time it spent on each, the present one last. Packets of the
// first stint pass, those of later ones wait until all before them are over. A path whose only stint goes on has none: an
// agent with millions of paths pays for those that move.
type ordering struct {
	stints []stint
	n      int // packets that wait
	octets int
	room   [2]stint // of stints, at first: most have no more
}

// newOrdering begins with one stint.
func newOrdering(l lane) *ordering {
	o := new(ordering)
	o.room[0].lane = l
	o.stints = o.room[:1]
	return o
}

// stint is the time from one change of a path's way to the next.
type stint struct {
	lane
	ended bool          // its end marker came
	since time.Duration // when it came
	heard bool          // a packet came by it since there is an ordering
	last  time.Duration // when the last one did
	held  []waiting
}

// waiting is a copy of a packet that came too early, and how it came.
type waiting struct {
	at   time.Duration
	a    arrival
	data []byte
	pass passing
}

// turning is the lane of a path before it changes, if it has one and Settle.
type turning struct {
	lane
	settles bool
}

func turnOf(r *route) (t turning) {
	if r != nil && r.Settle > 0 {
		t.lane, t.settles = r.lane()
	}
	return t
}

// turn notes that a path with Settle may have another way now. before is what turnOf gave then.
func (s *Soft) turn(r *route, before turning, sink *Sink) {
	if r.Settle <= 0 {
		return
	}
	l, ok := r.lane()
	if r.order == nil {
		if !before.settles || ok && l == before.lane {
			return
		}
		r.own().order = newOrdering(before.lane)
	}
	o := r.order
	if !ok || o.stints[len(o.stints)-1].lane == l {
		return
	}
	if len(o.stints) == maxStints {
		o.stints[0].ended = true
	}
	o.stints = append(o.stints, stint{lane: l})
	s.proceed(r, sink)
}

// take takes a packet in that waits for nothing.
func (s *Soft) take(r, by *route, a *arrival, b []byte, sink *Sink) {
	if r.Side == Agent {
		s.fromMobile(r, by, a, b, destinationOf(b), sink)
	} else {
		s.deliver(r, by, a, b, sink)
	}
}

// early holds a packet that must wait. Control does not: engines have an order of their own.
func (s *Soft) early(r *route, a *arrival, l lane, b []byte, sink *Sink) bool {
	s.proceed(r, sink)
	o := r.order
	if o == nil {
		return false
	}
	i := o.stint(l)
	if i < 0 {
		return false
	}
	st := &o.stints[i]
	st.heard, st.last = true, s.now
	if i == len(o.stints)-1 && s.now-st.since > Straggling {
		st.ended = false // it goes on after all
	}
	if i == 0 || r.Control && isMobility(b) {
		return false
	}
	if o.n >= r.Limit || r.Octets > 0 && o.octets+len(b) > r.Octets || s.heldOctets+len(b) > s.limits.held {
		s.settle(r, sink)
		return false
	}
	if o.n == 0 {
		s.settling = append(s.settling, r)
	}
	st.held = append(st.held, waiting{s.now, *a, withRoom(b), s.pass})
	s.pass = passing{}
	o.n++
	o.octets += len(b)
	s.heldOctets += len(b)
	s.callBy(r, s.now)
	return true
}

// stint is the number of the stint that a packet by a lane belongs to, -1 for none.
func (o *ordering) stint(l lane) int {
	for i := range o.stints {
		if st := &o.stints[i]; st.lane == l && (!st.ended || i == len(o.stints)-1) {
			return i
		}
	}
	return -1
}

// marked ends the stint whose end marker came.
func (s *Soft) marked(r *route, l lane, sink *Sink) {
	s.count.marksReceived++
	if r.Settle <= 0 {
		return
	}
	if own, ok := r.lane(); r.order == nil {
		if !ok || own != l {
			return
		}
		r.own().order = newOrdering(l)
	}
	if i := r.order.stint(l); i >= 0 {
		r.order.stints[i].ended, r.order.stints[i].since = true, s.now
		s.proceed(r, sink)
	}
}

// proceed ends stints from the first for as long as nothing more can come of them, and lets go what waited for that.
func (s *Soft) proceed(r *route, sink *Sink) {
	for o := r.order; ; {
		first := &o.stints[0]
		for len(first.held) > 0 {
			s.let(r, first, sink)
		}
		if len(o.stints) == 1 {
			if _, ok := r.lane(); ok && !first.ended && (!first.heard || s.now-first.since > Refuted) {
				r.order = nil
			}
			return
		}
		if !first.ended && s.stands(r, first) {
			return
		}
		if o.stints = o.stints[1:]; len(o.stints) == 1 {
			o.stints[0].heard = false
		}
	}
}

// stands says whether older packets by the way of a stint are to be waited for: they are accepted, and by a Way that is unsure
// some came a moment ago.
func (s *Soft) stands(r *route, st *stint) bool {
	if own, ok := r.lane(); ok && own == st.lane {
		return true
	}
	for _, w := range r.ways {
		if own, _ := w.lane(); own == st.lane {
			return (w.until == 0 || s.now < w.until) && (!w.unsure || st.heard && s.now-st.last < Silence)
		}
	}
	return false
}

// settle lets everything go that waits, in order, and waits for nothing more.
func (s *Soft) settle(r *route, sink *Sink) {
	if r.order == nil {
		return
	}
	for i := range len(r.order.stints) - 1 {
		r.order.stints[i].ended = true
	}
	s.proceed(r, sink)
}

// let takes the first packet that waits in a stint in.
func (s *Soft) let(r *route, st *stint, sink *Sink) {
	w := st.held[0]
	st.held[0] = waiting{}
	st.held = st.held[1:]
	r.order.n--
	r.order.octets -= len(w.data)
	s.heldOctets -= len(w.data)
	by := r.via(st.outer.remote, st.outer.local)
	if by == nil {
		by = r
	}
	was := s.pass
	s.pass = w.pass
	s.take(r, by, &w.a, w.data, sink)
	s.pass = was
}

// callBy makes the plane want to be called when what waits since a moment must wait no more.
func (s *Soft) callBy(r *route, since time.Duration) {
	at := since + r.Settle
	for _, w := range r.ways {
		if w.until > s.now {
			at = min(at, w.until)
		}
		if l, _ := w.lane(); w.unsure && l == r.order.stints[0].lane {
			at = min(at, r.order.stints[0].last+Silence)
		}
	}
	if s.due == 0 || at < s.due {
		s.due = at
	}
}

// Never is the Deadline of a plane that nothing waits in.
const Never = time.Duration(1<<63 - 1)

// Deadline is when Advance must be called, at the latest, for packets that wait for older ones (Path.Settle); Never if none do.
// Handle and Apply move the plane's time on as well.
func (s *Soft) Deadline() time.Duration {
	if s.due == 0 {
		return Never
	}
	return s.due
}

// Advance moves the plane's time on, and lets go what has waited for long enough.
func (s *Soft) Advance(now time.Duration, sink *Sink) { s.advance(now, sink) }

// expireSettling looks at the paths in which packets wait.
func (s *Soft) expireSettling(sink *Sink) {
	list := s.settling
	s.due, s.settling = 0, nil
	for _, r := range list {
		if r.order == nil || r.order.n == 0 {
			continue
		}
		if s.now-r.order.oldest() >= r.Settle {
			s.settle(r, sink)
		} else {
			s.proceed(r, sink)
		}
		if r.waiting() > 0 {
			s.settling = append(s.settling, r)
			s.callBy(r, r.order.oldest())
		}
	}
}

// oldest is since when the first packet waits.
func (o *ordering) oldest() time.Duration {
	at := Never
	for i := range o.stints {
		if held := o.stints[i].held; len(held) > 0 {
			at = min(at, held[0].at)
		}
	}
	return at
}

// Waits says whether received packets of a path may have to wait for others now: whoever takes some of them in another way must
// leave them to the plane meanwhile. Only an Op, a packet of the path or Advance change it.
func (s *Soft) Waits(inner netip.Prefix) bool {
	r := s.paths.of(inner.Masked())
	return r != nil && r.order != nil
}

// waiting is how many received packets wait.
func (r *route) waiting() int {
	if r.order == nil {
		return 0
	}
	return r.order.n
}
