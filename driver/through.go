package driver

import "time"

// through takes a frame through the plane as it is, if the plane takes it so: merged packets together, and checksums that are not
// complete left so. Else the packets are handled each. The fast path in front counts packets, so behind it each is handled.
func (l *loop) through(a *Arrival) bool {
	f := a.frame
	if l.fast != nil || !f.honest() || !l.soft.HandleMerged(time.Duration(l.mono()), a.Port, f.buf[:f.at+f.n], f.at, f.merged(), &l.sink) {
		return false
	}
	l.stats.Packets += uint64(f.packets())
	last := len(l.sink.Out) - 1
	o := l.sink.Out[last]
	l.sink.Out = l.sink.Out[:last]
	l.drain() // what time has released goes before
	by := len(o.Data) - f.n
	f.moved(by)
	l.frames.sendFrame(o.Port, o.To, f, by > 0)
	if len(l.queue) > 0 {
		l.settle()
	}
	return true
}

// each takes the packets of a frame through the plane one by one.
func (l *loop) each(a *Arrival) {
	a.frame.each(l.scratch, func(p []byte) {
		l.one = Arrival{Port: a.Port, From: a.From, Data: p, Epoch: a.Epoch}
		l.arrive(&l.one)
	})
}
