//go:build linux

package lab

import (
	"math"
	"testing"
	"time"

	"roam6/plane"
	"roam6/scenario"
)

// ether is an emulator without devices: members are attached, frames are read off its heap.
func ether(model scenario.LinkModel, members int) (*emulator, *segment) {
	s := &segment{name: "s", model: model, paths: map[[2]int]*scenario.LinkPath{}}
	e := &emulator{base: time.Now().Add(-time.Hour), tape: &tape{}, drops: map[string]int{}, byHW: map[plane.HW]*member{}, segments: []*segment{s}}
	for k := range members {
		m := &member{index: k, label: string(rune('a' + k)), hw: plane.HW{2, 5: byte(k)}}
		e.members = append(e.members, m)
		e.byHW[m.hw] = m
		e.attach(m, s)
	}
	return e, s
}

func frameTo(hw plane.HW) *frame {
	b := make([]byte, 64)
	copy(b, hw[:])
	return &frame{buf: b, n: len(b), refs: 1}
}

func TestSwitch(t *testing.T) {
	e, _ := ether(scenario.LinkModel{}, 4)
	e.accept(e.members[0], frameTo(e.members[2].hw), 0)
	if d, ok := e.heap.pop(0); !ok || d.to != e.members[2] || len(e.heap.list) != 0 {
		t.Errorf("a unicast went to %+v and %d others", d.to, len(e.heap.list))
	}
	e.accept(e.members[0], frameTo(plane.HW{0x33, 0x33}), 0)
	for _, want := range e.members[1:] {
		if d, ok := e.heap.pop(0); !ok || d.to != want {
			t.Errorf("a multicast missed %s", want.label)
		}
	}
	e.accept(e.members[0], frameTo(plane.HW{2, 9}), 0)
	e.accept(e.members[0], frameTo(e.members[0].hw), 0)
	if len(e.heap.list) != 0 || e.drops[dropNoStation] != 2 {
		t.Errorf("frames for nobody: %d deliveries, drops %v", len(e.heap.list), e.drops)
	}
}

// A detached member loses what is in flight to it, also when it comes back before it was due; what it has put on the
// medium arrives, what waited in its queue does not.
func TestDetachLosesFlight(t *testing.T) {
	e, s := ether(scenario.LinkModel{Delay: time.Hour, Rate: 512 * 8}, 2) // a frame takes 125 ms to leave
	a, b := e.members[0], e.members[1]
	e.accept(b, frameTo(a.hw), e.now())
	first, _ := e.heap.pop(1 << 62)
	past := e.now() - nanos(200*time.Millisecond)
	a.shaper = scenario.Shaper{}
	e.accept(a, frameTo(b.hw), past)
	e.accept(a, frameTo(b.hw), past)
	out, _ := e.heap.pop(1 << 62)
	queued, _ := e.heap.pop(1 << 62)
	e.attach(a, nil)
	if e.accept(a, frameTo(b.hw), e.now()); len(e.heap.list) != 0 || e.drops[dropLinkDown] != 1 {
		t.Error("a detached member sends")
	}
	if e.accept(b, frameTo(a.hw), e.now()); len(e.heap.list) != 0 || e.drops[dropNoStation] != 1 {
		t.Error("a detached member is sent to")
	}
	e.attach(a, s)
	if !first.lost() {
		t.Error("a frame in flight outlived the detachment")
	}
	if out.lost() {
		t.Error("a frame that had left was lost")
	}
	if !queued.lost() {
		t.Error("a frame that waited in the queue left after the detachment")
	}
}

// After a change of the model later frames do not overtake those under way.
func TestDegradeKeepsOrder(t *testing.T) {
	e, s := ether(scenario.LinkModel{Delay: time.Second}, 2)
	to := e.members[1].hw
	e.accept(e.members[0], frameTo(to), 0)
	e.degrade(s, scenario.LinkModel{})
	e.accept(e.members[0], frameTo(to), 10)
	first, _ := e.heap.pop(1 << 62)
	second, _ := e.heap.pop(1 << 62)
	if first.due != nanos(time.Second) || second.due != nanos(time.Second) || second.seq < first.seq {
		t.Errorf("due at %v and %v", first.due, second.due)
	}
}

// In virtual time every delivery is due exactly when the model says, in the order sent, and every frame is delivered or counted
// as lost: what a busy machine adds is added after this.
func TestTimesAreTheModels(t *testing.T) {
	const (
		frames = 20_000
		every  = 100 * time.Microsecond
	)
	for name, m := range map[string]scenario.LinkModel{
		"delay":            {Delay: 2 * time.Millisecond},
		"delay and rate":   {Delay: 2 * time.Millisecond, Rate: 64 * 8 * 20_000}, // a frame takes 50 µs to leave
		"delay and loss":   {Delay: 2 * time.Millisecond, Loss: 0.1},
		"delay and jitter": {Delay: 2 * time.Millisecond, Jitter: time.Millisecond},
	} {
		e, _ := ether(m, 2)
		leaves := nanos(0)
		if m.Rate > 0 {
			leaves = 50 * time.Microsecond
		}
		delivered, last := 0, nanos(0)
		for k := range frames {
			now := nanos(k) * every
			e.accept(e.members[0], frameTo(e.members[1].hw), now)
			if d, ok := e.heap.pop(1 << 62); ok {
				delivered++
				if early, late := now+leaves+m.Delay, now+leaves+m.Delay+m.Jitter; d.due < early || d.due > max(late, last) || d.due < last {
					t.Fatalf("%s: sent at %v, due at %v, the model says %v to %v; the one before was due at %v", name, now, d.due, early, late, last)
				}
				last = d.due
			}
		}
		if lost := e.drops[dropLoss]; delivered+lost != frames || math.Abs(float64(lost)/frames-m.Loss) > 0.01 {
			t.Errorf("%s: %d delivered, drops %v of %d", name, delivered, e.drops, frames)
		}
	}
}

func BenchmarkAccept(b *testing.B) {
	e, _ := ether(scenario.LinkModel{Delay: time.Millisecond}, 2)
	f := frameTo(e.members[1].hw)
	b.ReportAllocs()
	for k := nanos(0); b.Loop(); k += 1000 {
		e.accept(e.members[0], f, k)
		e.heap.pop(k)
	}
}
