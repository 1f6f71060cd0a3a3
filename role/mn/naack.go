package mn

import (
	"net/netip"

	"roam6/engine"
	"roam6/machine/dad"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// denied takes what the next access router says of the address that this node announced on arrival: a Neighbor Advertisement
// Acknowledgment in its advertisement, RFC 5568 §6.4.6. The node leaves the address for the one supplied, or for one of its own choice, and
// registers that. Only the router in use is heard, and only until duplicate detection has found the address unique.
//
// spec MIP-09
func (n *Node) denied(now engine.Now, a *access, in engine.Packet, p *ip6.Packet, ra *nd.RouterAdvertisement, out *engine.Effects) {
	ack := ra.Options.NAAck
	if ack == nil || n.ahead.fast == nil {
		return
	}
	r, ok := a.link.Current()
	if !ok || !a.usable() || a.checked || p.Src != r.Addr || in.From != r.HW || p.Dst != a.coa {
		out.Drop("naack-unexpected", engine.A("from", p.Src))
		return
	}
	port := a.link.Port
	coa, ok := n.ahead.fast.Denied(now, port, p.Dst, ack, out)
	if !ok {
		return
	}
	if !coa.IsValid() {
		n.Renounce(now, port, a.coa, out)
		return
	}
	n.dropAddress(a, out)
	n.Unforwarded(now, coa, out) // the node was there a moment ago
	n.vouched(now, a, coa, out)
	n.strategy.AddressReady(now, port, out)
	n.dad.Start(now, dad.Key{Port: port, Addr: coa}, a.link.HW(), false, out)
}

// Renounce leaves an address that the router says another node has; see handover.FastCore.
//
// spec MIP-09 FH-22
func (n *Node) Renounce(now engine.Now, port plane.Port, coa netip.Addr, out *engine.Effects) {
	a := n.accessOf(port)
	if a == nil || a.coa != coa || !a.usable() {
		return
	}
	r, _ := a.link.Current()
	n.dropAddress(a, out)
	n.strategy.AccessLost(now, port, "the router does not want the address", out)
	n.tryAddress(now, a, n.randomAddress(r.Prefix.Addr()), false, out)
}
