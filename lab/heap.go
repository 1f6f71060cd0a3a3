//go:build linux

package lab

// delivery is one frame on its way to one member.
type delivery struct {
	due    nanos
	seq    uint64
	leaves nanos // when its last bit leaves the sender
	from   *member
	to     *member
	sent   uint32 // from's attachment when it was sent
	bound  uint32 // to's attachment when it was sent: another one means the frame is lost
	frame  *frame
}

// pending is a heap of deliveries by due time, then by the order they were made in.
type pending struct {
	list []delivery
	seq  uint64
}

func (p *pending) less(i, j int) bool {
	a, b := &p.list[i], &p.list[j]
	return a.due < b.due || (a.due == b.due && a.seq < b.seq)
}

func (p *pending) push(d delivery) {
	p.seq++
	d.seq = p.seq
	p.list = append(p.list, d)
	for i := len(p.list) - 1; i > 0; {
		parent := (i - 1) / 2
		if !p.less(i, parent) {
			return
		}
		p.list[i], p.list[parent] = p.list[parent], p.list[i]
		i = parent
	}
}

// pop takes the earliest delivery due at now or before.
func (p *pending) pop(now nanos) (delivery, bool) {
	if len(p.list) == 0 || p.list[0].due > now {
		return delivery{}, false
	}
	d := p.list[0]
	last := len(p.list) - 1
	p.list[0] = p.list[last]
	p.list[last] = delivery{}
	p.list = p.list[:last]
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < last; c++ {
			if p.less(c, least) {
				least = c
			}
		}
		if least == i {
			return d, true
		}
		p.list[i], p.list[least] = p.list[least], p.list[i]
		i = least
	}
}

// next is the earliest due time; ok is false when nothing waits.
func (p *pending) next() (due nanos, ok bool) {
	if len(p.list) == 0 {
		return 0, false
	}
	return p.list[0].due, true
}
