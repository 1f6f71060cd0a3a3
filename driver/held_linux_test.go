package driver

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"roam6/engine"
	"roam6/plane"
)

// tales runs what a host wants done on the loop until it has told of an event by this name.
func tales(t *testing.T, e *ear, told *[]engine.Event, name string) engine.Event {
	t.Helper()
	late := time.After(patience)
	for {
		for k, ev := range *told {
			if ev.Name == name {
				*told = (*told)[k+1:]
				return ev
			}
		}
		select {
		case f := <-e.do:
			f()
		case <-late:
			t.Fatalf("no %s", name)
		}
	}
}

// A captured address that the kernel holds itself is told of: at the start, when it is captured, when the kernel gets it; and once.
func TestHeldByTheKernel(t *testing.T) {
	fresh(t)
	wire(t)
	v0, err := netlink.LinkByName("v0")
	must(t, err)
	hold := func(a netip.Addr, do func(netlink.Link, *netlink.Addr) error) {
		must(t, do(v0, &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(64, 128)}, Flags: unix.IFA_F_NODAD}))
	}
	capture := func(m *machine, a netip.Addr) { must(t, m.Apply(localOp(a, plane.Local{Port: 1, Capture: true}))) }
	first, second, free := netip.MustParseAddr("2001:db8:1::a"), netip.MustParseAddr("2001:db8:1::b"), netip.MustParseAddr("2001:db8:1::c")
	hold(first, netlink.AddrAdd)
	m := open(t, Config{Tun: "roam6t", Links: []Link{{Port: 1, Ifname: "v0"}}})
	capture(m, first)
	var told []engine.Event
	e := listenTo(m, &told)
	sees := func(a netip.Addr, want bool) {
		for late := time.After(patience); (m.held.by[a] != seat{}) != want; {
			select {
			case f := <-e.do:
				f()
			case <-late:
				t.Fatalf("%v: not seen", a)
			}
		}
	}
	ev := tales(t, e, &told, EventHeld)
	if ev.Get("address") != first.String() || !strings.Contains(ev.Reason, "on v0") || !strings.Contains(ev.Reason, "ip addr del 2001:db8:1::a/64 dev v0") {
		t.Errorf("at the start: %+v", ev)
	}
	capture(m, free)
	capture(m, second)
	hold(second, netlink.AddrAdd)
	if ev := tales(t, e, &told, EventHeld); ev.Get("address") != second.String() {
		t.Errorf("an address that came: %+v", ev)
	}
	hold(second, netlink.AddrDel)
	sees(second, false)
	hold(second, netlink.AddrAdd)
	if ev := tales(t, e, &told, EventHeld); ev.Get("address") != second.String() {
		t.Errorf("one that came again: %+v", ev)
	}
	hold(free, netlink.AddrAdd)
	if ev := tales(t, e, &told, EventHeld); ev.Get("address") != free.String() || len(told) > 0 {
		t.Errorf("another, and only that: %+v, %+v", ev, told)
	}
	third := netip.MustParseAddr("2001:db8:1::d")
	hold(third, netlink.AddrAdd)
	sees(third, true)
	capture(m, third)
	if ev := tales(t, e, &told, EventHeld); ev.Get("address") != third.String() {
		t.Errorf("captured later: %+v", ev)
	}
}

// listenTo listens and keeps what is told.
func listenTo(h Host, told *[]engine.Event) *ear {
	e := &ear{make(chan Arrival, 1024), make(chan func(), 1024), make(chan engine.Input, 1024), h}
	h.Listen(Feed{
		Do:    func(f func()) bool { e.do <- f; return true },
		Input: func(engine.Input) {},
		Tell:  func(ev engine.Event) { *told = append(*told, ev) },
		Drop:  func(string, int) {},
		Fail:  func(error) {},
	})
	return e
}
