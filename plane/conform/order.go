package conform

import (
	"net/netip"
	"time"

	"roam6/plane"
	"roam6/wire/ip6"
)

// marker is the end marker of the path of a mobile address, from one end of its tunnel to the other; leaving is how it
// leaves an agent, which forwards it.
func marker(src, dst netip.Addr) []byte {
	b := proto(ip6.ProtoNone, udp(src, dst, ip6.HeaderLen, 0))
	b[7] = plane.TunnelHopLimit
	return b
}

// settling is a mobile node's path that waits for what older ways bring; marking an agent's that ends them.
func settling(local netip.Addr, limit int) plane.Path {
	p := mobileTunnel
	p.Local, p.Settle, p.Limit = local, 100*time.Millisecond, limit
	return p
}

func marking(remote netip.Addr) plane.Path {
	p := agentTunnel
	p.Remote, p.Mark = remote, true
	return p
}

// moved is a mobile node that has just left oldCoA for coa.
func moved(limit int, until time.Duration, then ...Step) []Step {
	return append([]Step{
		link(1, plane.Link{Gateway: router, MTU: 1500}),
		local(coa, plane.Local{Port: 1}),
		local(oldCoA, plane.Local{Port: 1}),
		path(hoa, settling(oldCoA, limit)),
		way(hoa, 1, plane.Way{Local: oldCoA, Remote: ha, Out: 1, Until: until}),
		path(hoa, settling(coa, limit)),
	}, then...)
}

func down(n byte) []byte                       { return udp(cn, hoa, 100, n) }
func by(care netip.Addr, inner []byte) Step    { return wire(tunnel(ha, care, inner)) }
func left(care netip.Addr) []byte              { return tunnel(ha, care, passed(marker(ha, hoa))) }
func forwarded(care netip.Addr, n byte) []byte { return tunnel(ha, care, passed(down(n))) }

func orderCases() []Case {
	ms := time.Millisecond
	hold := plane.Path{Side: plane.Agent, Mode: plane.Hold, Limit: 9, Mark: true, Capture: true}
	return []Case{
		{"the last packet of a way is its end marker", agent(
			path(hoa, marking(coa)),
			path(hoa, marking(coa)),
			path(hoa, marking(coa2)).up(left(coa)),
			kernel(down(1)).up(forwarded(coa2, 1)),
			without(path(hoa, marking(coa2))).up(left(coa2)),
		)},
		{"a path that holds ends its way when it takes up another", agent(
			path(hoa, marking(coa)),
			path(hoa, hold),
			kernel(down(1)),
			path(hoa, marking(coa)).up(forwarded(coa, 1)),
			path(hoa, hold),
			kernel(down(2)),
			path(hoa, marking(coa2)).up(left(coa)).up(forwarded(coa2, 2)),
		)},
		{"packets of the new way wait for the end of the old one", moved(9, 0,
			by(coa, down(3)), by(oldCoA, down(1)).up(down(1)), by(coa, down(4)), by(oldCoA, down(2)).up(down(2)),
			by(oldCoA, marker(ha, hoa)).up(down(3)).up(down(4)),
			by(coa, down(5)).up(down(5)), by(oldCoA, down(6)).up(down(6)),
		)},
		{"an end marker that came first leaves nothing to wait for", moved(9, 0,
			by(oldCoA, marker(ha, hoa)), by(coa, down(1)).up(down(1)),
		)},
		{"a lost end marker costs as much as Settle", moved(9, 0,
			by(coa, down(1)), by(coa, down(2)).at(99*ms), by(coa, down(3)).at(100*ms).up(down(1)).up(down(2)).up(down(3)),
		)},
		{"a way whose moment has passed is not waited for", moved(9, 50*ms,
			by(coa, down(1)), by(coa, down(2)).at(50*ms).up(down(1)).up(down(2)),
		)},
		{"a way that is deleted is not waited for", moved(9, 0,
			by(coa, down(1)),
			without(way(hoa, 1, plane.Way{})).up(down(1)),
		)},
		{"what waits beyond the limit is delivered", moved(2, 0,
			by(coa, down(1)), by(coa, down(2)), by(coa, down(3)).up(down(1)).up(down(2)).up(down(3)),
		)},
		{"a deleted path delivers what waits", moved(9, 0,
			by(coa, down(1)),
			without(path(hoa, settling(coa, 9))).up(down(1)),
		)},
		{"an end marker of a stranger ends nothing", moved(9, 0,
			by(coa, down(2)),
			wire(tunnel(evil, oldCoA, marker(evil, hoa))).drops(plane.DropTunnelWrong),
			by(oldCoA, marker(cn, hoa)).up(marker(cn, hoa)),
			by(oldCoA, down(1)).up(down(1)),
			by(oldCoA, marker(ha, hoa)).up(down(2)),
		)},
		{"the way back and forth keeps its order", moved(9, 0,
			by(coa, down(3)),
			way(hoa, 2, plane.Way{Local: coa, Remote: ha, Out: 1}),
			path(hoa, settling(oldCoA, 9)),
			by(oldCoA, down(1)).up(down(1)),
			by(oldCoA, marker(ha, hoa)).up(down(3)),
			by(oldCoA, down(5)), by(coa, down(4)).up(down(4)),
			by(coa, marker(ha, hoa)).up(down(5)),
		)},
	}
}
