package driver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
)

// groupStore logs what is written together.
type groupStore struct{ memStore }

func (s *groupStore) PutAll(records []engine.Record) error {
	var keys []string
	for _, r := range records {
		keys = append(keys, r.Bucket+"/"+r.Key)
	}
	s.log.add("write %s", strings.Join(keys, " "))
	return s.err
}

// grouped is a loop whose engine reports each packet to a link, between a record and an event.
func grouped(t *testing.T, s Store, l *log) (*loop, []byte) {
	t.Helper()
	pkt, packets := control(t), 0
	e := &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
		switch in := in.(type) {
		case engine.Start:
			out.Plane(localOp(coa, plane.Local{Port: 1}))
		case engine.Packet:
			packets++
			out.Event(fmt.Sprint("heard ", packets))
			if packets != 2 {
				out.Persist("seq", fmt.Sprint(packets), []byte{1})
				out.Persist("top", fmt.Sprint(packets), nil)
			}
			out.Send(1, plane.HW{1}, in.Data)
		}
	}}
	m := &Memory{OnSend: func(_ plane.Port, _ plane.HW, d []byte) error { l.add("send %d", d[len(d)-1]); return nil }}
	n, err := New(Config{Name: "ha", Host: m, Store: s, Engines: []Engine{{"ha", e}},
		OnEvent: func(_ time.Duration, _ string, ev engine.Event) { l.add("event %s", ev.Name) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	if err := n.loop.start(); err != nil {
		t.Fatal(err)
	}
	l.take()
	return &n.loop, pkt
}

// TestOneWriteForMany: packets that are read together share a write. Nothing that follows a record happens before it, nor
// anything of a later input, and what waits is the packet's own.
func TestOneWriteForMany(t *testing.T) {
	var l log
	loop, pkt := grouped(t, &groupStore{memStore{log: &l}}, &l)
	loop.commits.group = true
	for i := range 3 {
		pkt[len(pkt)-1], pkt[42], pkt[43] = byte(i), 0, 0
		sum := ip6.Checksum(cn, coa, ip6.ProtoICMPv6, pkt[40:])
		pkt[42], pkt[43] = byte(sum>>8), byte(sum)
		loop.arrive(&Arrival{Port: 1, Data: pkt})
	}
	clear(pkt)
	if got, want := l.take(), []string{"event heard 1"}; !slices.Equal(got, want) {
		t.Errorf("before the write:\n got %q\nwant %q", got, want)
	}
	loop.commits.group = false
	loop.commit()
	want := []string{"write ha/seq/1 ha/top/1 ha/seq/3 ha/top/3", "send 0", "event heard 2", "send 1", "event heard 3", "send 2"}
	if got := l.take(); !slices.Equal(got, want) || loop.fatal != nil {
		t.Errorf("after it:\n got %q, %v\nwant %q", got, loop.fatal, want)
	}
	loop.commit()
	if got := l.take(); len(got) != 0 {
		t.Errorf("once more: %q", got)
	}
}

// TestFailedWriteOfMany: nothing that waits happens.
func TestFailedWriteOfMany(t *testing.T) {
	var l log
	loop, pkt := grouped(t, &groupStore{memStore{log: &l, err: errors.New("disk full")}}, &l)
	loop.commits.group = true
	loop.arrive(&Arrival{Port: 1, Data: pkt})
	loop.commits.group = false
	loop.commit()
	loop.settle()
	if got := l.take(); !slices.Equal(got, []string{"event heard 1", "write ha/seq/1 ha/top/1"}) || loop.fatal == nil {
		t.Errorf("%q, %v", got, loop.fatal)
	}
}

// TestManyParked: a burst without end is written in parts.
func TestManyParked(t *testing.T) {
	var l log
	loop, pkt := grouped(t, &groupStore{memStore{log: &l}}, &l)
	loop.commits.group = true
	for range MaxParked + 1 {
		loop.arrive(&Arrival{Port: 1, Data: slices.Clone(pkt)})
	}
	writes := 0
	for _, line := range l.take() {
		if strings.HasPrefix(line, "write") {
			writes++
		}
	}
	if writes != 1 || len(loop.commits.parked) != 1 {
		t.Errorf("%d writes, %d parked", writes, len(loop.commits.parked))
	}
}
