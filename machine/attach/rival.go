package attach

import "roam6/engine"

// contest begins a watch over the current router because another one on the link was heard. Unreachability detection alone
// takes 3 s; a router that promised an interval, breaks its promise and does not answer either is behind us when another
// speaks: RFC 6275 §11.5.1 leaves to us how many lost advertisements mean a handover. One that promised nothing is only asked.
//
// spec MIP-07
func (l *Link) contest(now engine.Now) {
	if _, running := l.timers.Armed(rival); running || l.current.Interval == 0 {
		return
	}
	l.timers.Set(rival, now.Mono.Add(max(l.current.patience(), MinRetrans)))
}

// silent ends the watch: the router has not been heard since it began. One that can be asked has MinRetrans to answer.
func (l *Link) silent(now engine.Now, facts []Fact, out *engine.Effects) []Fact {
	if l.source.IsValid() && !l.asked {
		l.startProbe(now, out)
	}
	if due := l.askedAt.Add(MinRetrans); l.asked && due > now.Mono {
		l.timers.Set(rival, due)
		return facts
	}
	return l.lose(now, RouterUnreachable, facts, out)
}
