package handover

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/plane"
)

const (
	// MaxNodes is how many mobile nodes a router forwards, how many it expects, and with how many it has sessions.
	MaxNodes = 1 << 16
	// MaxForwarding is the longest that a router forwards for a node that has left: enough for its home agent to be told again and again.
	MaxForwarding = 30 * time.Second
	// routersMTU is what tunnels between access routers carry.
	routersMTU = 1500
)

// Departure is a mobile node that has left, or is about to: what comes for it is sent on.
type Departure struct {
	PCoA, NCoA netip.Addr // here, and where it goes
	HW         plane.HW
	Port       plane.Port // of the link it leaves
	To         netip.Addr // the next router
}

// Departures forward from previous care-of addresses to new ones (draft-koodli-mobileip-fastv6-02 §2).
type Departures struct {
	self   netip.Addr
	at     map[netip.Addr]*Departure // by PCoA
	next   map[netip.Addr]netip.Addr // PCoA by NCoA
	timers engine.Timers[netip.Addr] // by PCoA
}

// NewDepartures makes them; self is this router's end of the tunnels.
func NewDepartures(self netip.Addr) *Departures {
	return &Departures{self: self, at: map[netip.Addr]*Departure{}, next: map[netip.Addr]netip.Addr{}}
}

// Forward sends on what comes for a node, from now on, for so long at most. It is false when there are too many.
//
// spec FH-09
func (d *Departures) Forward(now engine.Now, x Departure, life time.Duration, out *engine.Effects) bool {
	old := d.at[x.PCoA]
	if old == nil && len(d.at) >= MaxNodes {
		out.Drop("handover-no-room", engine.A("pcoa", x.PCoA))
		return false
	}
	d.timers.Set(x.PCoA, now.Mono.Add(min(life, MaxForwarding)))
	if old != nil && *old == x {
		return true
	}
	d.Forget(x.PCoA)
	d.at[x.PCoA], d.next[x.NCoA] = &x, x.PCoA
	d.timers.Set(x.PCoA, now.Mono.Add(min(life, MaxForwarding)))
	out.Plane(plane.Op{Path: &plane.PathOp{Inner: one(x.PCoA), Path: plane.Path{
		Side: plane.Agent, Mode: plane.Tunnel, Local: d.self, Remote: x.NCoA, MTU: routersMTU, Capture: true}}})
	out.Event("handover.forwarding", engine.A("pcoa", x.PCoA), engine.A("ncoa", x.NCoA), engine.S("lifetime", min(life, MaxForwarding).String()))
	return true
}

// Of is what is known of a node by its previous care-of address, ByNext by the new one.
func (d *Departures) Of(pcoa netip.Addr) (Departure, bool) {
	if x := d.at[pcoa]; x != nil {
		return *x, true
	}
	return Departure{}, false
}

// ByNext see Of.
func (d *Departures) ByNext(ncoa netip.Addr) (Departure, bool) { return d.Of(d.next[ncoa]) }

// Stop delivers on the link again.
//
// spec FH-08 FH-19
func (d *Departures) Stop(pcoa netip.Addr, why string, out *engine.Effects) {
	if d.Forget(pcoa) {
		out.Plane(plane.Op{Delete: true, Path: &plane.PathOp{Inner: one(pcoa)}})
		out.Event("handover.ended", engine.A("pcoa", pcoa), engine.S("reason", why))
	}
}

// Forget leaves the way of an address to who takes it over in the same turn. It reports whether there was one.
func (d *Departures) Forget(pcoa netip.Addr) bool {
	x := d.at[pcoa]
	if x == nil {
		return false
	}
	if d.next[x.NCoA] == pcoa {
		delete(d.next, x.NCoA)
	}
	delete(d.at, pcoa)
	d.timers.Stop(pcoa)
	return true
}

// Len is how many there are.
func (d *Departures) Len() int { return len(d.at) }

// Tick ends what is over.
func (d *Departures) Tick(now engine.Now, out *engine.Effects) {
	for pcoa, ok := d.timers.Pop(now.Mono); ok; pcoa, ok = d.timers.Pop(now.Mono) {
		d.Stop(pcoa, "lifetime is over", out)
	}
}

// Deadline is when Tick has something to do.
func (d *Departures) Deadline() (engine.Mono, string) {
	at, _ := d.timers.Next()
	return at, "end of a forwarding"
}

func one(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
