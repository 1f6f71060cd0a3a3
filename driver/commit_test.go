package driver

import (
	"errors"
	"fmt"
	"net/netip"
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

// TestWhatFollowsAnUpdate: a packet by the way that an update before it opens is not refused because the update's record is being
// written; what nobody opens waits for nothing.
func TestWhatFollowsAnUpdate(t *testing.T) {
	var l log
	agent, old := netip.MustParseAddr("2001:db8:1::1"), netip.MustParseAddr("2001:db8:b::9")
	e := &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
		switch in.(type) {
		case engine.Start:
			out.Plane(localOp(agent, plane.Local{}))
		case engine.Packet:
			out.Persist("binding", "1", []byte{1})
			out.Plane(plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(hoa, 128), Path: plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: agent, Remote: coa}}})
		}
	}}
	m := &Memory{OnSend: func(_ plane.Port, _ plane.HW, d []byte) error { l.add("sent"); return nil }}
	n, err := New(Config{Name: "ha", Host: m, Store: &groupStore{memStore{log: &l}}, Engines: []Engine{{"ha", e}}})
	must(t, err)
	t.Cleanup(func() { n.Close() })
	must(t, n.loop.start())
	l.take()
	n.loop.commits.group = true
	update := ip6.Packet{Header: ip6.Header{Src: coa, Dst: agent, HopLimit: 64}, Proto: ip6.ProtoMH, Payload: make([]byte, 8)}
	user := ip6.Packet{Header: ip6.Header{Src: hoa, Dst: cn, HopLimit: 64}, Proto: ip6.ProtoUDP, Payload: make([]byte, 8)}
	tunnel := func(from netip.Addr) *Arrival {
		p := ip6.Packet{Header: ip6.Header{Src: from, Dst: agent, HopLimit: 64}, Proto: ip6.ProtoIPv6, Payload: user.Append(nil)}
		return &Arrival{Data: p.Append(nil)}
	}
	n.loop.arrive(&Arrival{Data: update.Append(nil)})
	if got := l.take(); len(got) != 0 {
		t.Errorf("an update alone: %q", got)
	}
	n.loop.arrive(tunnel(coa))
	if got, want := l.take(), []string{"put ha/binding 1 \x01", "sent"}; !slices.Equal(got, want) {
		t.Errorf("a packet behind it:\n got %q\nwant %q", got, want)
	}
	n.loop.arrive(&Arrival{Data: update.Append(nil)})
	n.loop.arrive(tunnel(coa))
	if got, want := l.take(), []string{"sent"}; !slices.Equal(got, want) {
		t.Errorf("a packet behind an update that opens nothing new:\n got %q\nwant %q", got, want)
	}
	n.loop.arrive(tunnel(old))
	if n.loop.stats.Drops[plane.DropTunnelWrong] != 1 || len(n.loop.commits.parked) == 0 {
		t.Errorf("a stranger's packet: %v, %d parked: whoever sends many would have each update written by itself", n.loop.stats.Drops, len(n.loop.commits.parked))
	}
}
