package check

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
	"roam6/sim"
	"roam6/wire/ip6"
)

// agentView has the shape of a home agent's View without importing one.
type agentView struct {
	Role     string  `json:"role"`
	Bindings []entry `json:"bindings"`
}

type entry struct {
	HomeAddress string      `json:"home_address"`
	CareOf      string      `json:"coa"`
	Expires     engine.Mono `json:"expires_mono"`
}

const (
	hoa  = "2001:db8:f::1"
	coa  = "2001:db8:a::1"
	coa2 = "2001:db8:b::1"
)

func handled(at time.Duration, node string, in engine.Input, view any, effects ...engine.Effect) sim.Handled {
	return sim.Handled{At: at, Node: node, Engine: "ha", Input: in, Effects: effects, View: func() any { return view }}
}

func bound(coa string, expires time.Duration) agentView {
	return agentView{"ha", []entry{{hoa, coa, engine.Mono(expires)}}}
}

func path(del bool) engine.Effect {
	return engine.Plane{Op: plane.Op{Delete: del, Path: &plane.PathOp{Inner: netip.PrefixFrom(netip.MustParseAddr(hoa), 128),
		Path: plane.Path{Side: plane.Agent, Mode: plane.Tunnel}}}}
}

func tunnelled(coa string) []byte { return tunnel(hoa, coa, ip6.ProtoUDP) }

func tunnel(to, coa string, proto uint8) []byte {
	inner := ip6.Packet{Header: ip6.Header{Src: netip.MustParseAddr("2001:db8:c::1"), Dst: netip.MustParseAddr(to)}, Proto: proto}
	outer := ip6.Packet{Header: ip6.Header{Src: netip.MustParseAddr("2001:db8:f::ff"), Dst: netip.MustParseAddr(coa)},
		Proto: ip6.ProtoIPv6, Payload: inner.Append(nil)}
	return outer.Append(nil)
}

func esp(hopLimit uint8, body string) engine.Packet {
	p := ip6.Packet{Header: ip6.Header{Src: netip.MustParseAddr(coa), Dst: netip.MustParseAddr(hoa), HopLimit: hopLimit}, Proto: ip6.ProtoESP, Payload: []byte(body)}
	return engine.Packet{Data: p.Append(nil)}
}

func TestCheckers(t *testing.T) {
	const s = time.Second
	save := engine.Persist{Bucket: "b", Key: "k", Value: []byte("v")}
	plan := &scenario.Plan{Flows: []scenario.Flow{{Name: "f", Mobile: "mn", MobileAddr: netip.MustParseAddr("2001:db8::1"), Stop: 100 * s}}}
	frame := func(at time.Duration, node, to string) sim.Frame {
		return sim.Frame{At: at, Node: node, Packet: tunnelled(to)}
	}
	flow := func(up, down []time.Duration) (out []sim.Observation) {
		for k, at := range up {
			out = append(out, sim.Sent{At: at, Seq: uint32(k)}, sim.Delivered{At: at + s, Seq: uint32(k)})
		}
		for k, at := range down {
			out = append(out, sim.Sent{At: at, Seq: uint32(k), Down: true}, sim.Delivered{At: at + s, Seq: uint32(k), Down: true})
		}
		return append(out, sim.Finished{At: 100 * s})
	}
	mobilePath := engine.Plane{Op: plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(netip.MustParseAddr(hoa), 128), Path: plane.Path{Side: plane.Mobile, Mode: plane.Hold}}}}
	local := engine.Plane{Op: plane.Op{Local: &plane.LocalOp{Addr: netip.MustParseAddr(coa)}}}
	straight := func(to string) engine.Effect {
		return engine.Plane{Op: plane.Op{Route: &plane.RouteOp{Pair: plane.Pair{Mobile: netip.MustParseAddr(hoa), Peer: netip.MustParseAddr("2001:db8:c::1")},
			Route: plane.Route{Side: plane.Peer, CareOf: netip.MustParseAddr(to)}}}}
	}
	routed := map[string]any{"bindings": []any{map[string]any{"home_address": hoa, "coa": coa, "expires_mono": 9 * s, "networks": []string{"2001:db8:1000::/64"}}}}
	several := map[string]any{"bindings": []any{map[string]any{"home_address": hoa, "coa": coa, "expires_mono": 9 * s, "care_of_addresses": []any{
		map[string]any{"coa": coa, "expires_mono": 4 * s}, map[string]any{"coa": coa2, "expires_mono": 9 * s}}}}}
	for name, c := range map[string]struct {
		checker sim.Checker
		see     []sim.Observation
		want    string // part of the error; "" for none
	}{
		"two agents": {NewOneOwner(), []sim.Observation{
			handled(0, "ha1", engine.Tick{}, bound(coa, s), path(false)), handled(s, "ha2", engine.Tick{}, bound(coa, s), path(false))},
			"at 1s ha2 takes 2001:db8:f::1/128, which ha1 still owns"},
		"an agent after the other": {NewOneOwner(), []sim.Observation{
			handled(0, "ha1", engine.Tick{}, bound(coa, s), path(false)), handled(0, "ha1", engine.Tick{}, agentView{}, path(true)),
			handled(s, "ha2", engine.Tick{}, bound(coa, s), path(false))}, ""},
		"an agent after the other's crash": {NewOneOwner(), []sim.Observation{
			handled(0, "ha1", engine.Tick{}, bound(coa, s), path(false)), sim.Crashed{Node: "ha1"},
			handled(s, "ha2", engine.Tick{}, bound(coa, s), path(false))}, ""},
		"two bindings": {NewOneOwner(), []sim.Observation{
			handled(0, "ha1", engine.Tick{}, agentView{"ha", []entry{{hoa, coa, 1}, {hoa, coa2, 1}}})}, "two bindings"},
		"a View nobody can read": {NewOneOwner(), []sim.Observation{
			handled(0, "ha1", engine.Tick{}, agentView{"ha", []entry{{"", coa, 1}}})}, "cannot read"},

		"live binding":    {NewNoStale(), []sim.Observation{handled(0, "ha", engine.Tick{}, bound(coa, 9*s)), frame(8*s, "ha", coa)}, ""},
		"expired binding": {NewNoStale(), []sim.Observation{handled(0, "ha", engine.Tick{}, bound(coa, 7*s)), frame(8*s, "ha", coa)}, "stale"},
		"expiry counts from the life's start": {NewNoStale(), []sim.Observation{sim.Started{At: 5 * s, Node: "ha"},
			handled(5*s, "ha", engine.Tick{}, bound(coa, 7*s)), frame(8*s, "ha", coa)}, ""},
		"another care-of address": {NewNoStale(), []sim.Observation{handled(0, "ha", engine.Tick{}, bound(coa2, 9*s)), frame(8*s, "ha", coa)}, "stale"},
		"binding removed": {NewNoStale(), []sim.Observation{handled(0, "ha", engine.Tick{}, bound(coa, 9*s)),
			handled(1, "ha", engine.Tick{}, agentView{}, save), frame(8*s, "ha", coa)}, "stale"},
		"an end marker": {NewNoStale(), []sim.Observation{handled(0, "ha", engine.Tick{}, bound(coa2, 9*s)),
			sim.Frame{At: s, Node: "ha", Packet: tunnel(hoa, coa, ip6.ProtoNone)}}, ""},
		"a network goes along": {NewNoStale(), []sim.Observation{handled(0, "ha", engine.Tick{}, routed),
			sim.Frame{At: s, Node: "ha", Packet: tunnel("2001:db8:1000::5", coa, ip6.ProtoUDP)}}, ""},
		"another network": {NewNoStale(), []sim.Observation{handled(0, "ha", engine.Tick{}, routed),
			sim.Frame{At: s, Node: "ha", Packet: tunnel("2001:db8:1001::5", coa, ip6.ProtoUDP)}}, "stale"},
		"the second of several":          {NewNoStale(), []sim.Observation{handled(0, "ha", engine.Tick{}, several), frame(s, "ha", coa2)}, ""},
		"the first of several, too late": {NewNoStale(), []sim.Observation{handled(0, "ha", engine.Tick{}, several), frame(5*s, "ha", coa)}, "stale"},
		"a router passes it on":          {NewNoStale(), []sim.Observation{handled(0, "ha", engine.Tick{}, bound(coa2, 9*s)), frame(8*s, "ar", coa)}, ""},

		"accepted twice":           {NewNoReplay(), []sim.Observation{handled(0, "ha", esp(64, "a"), nil, save), handled(s, "ha", esp(60, "a"), nil, save)}, "replay"},
		"refused then":             {NewNoReplay(), []sim.Observation{handled(0, "ha", esp(64, "a"), nil, save), handled(s, "ha", esp(60, "a"), nil, engine.Event{Name: "drop"})}, ""},
		"accepted after a refusal": {NewNoReplay(), []sim.Observation{handled(0, "ha", esp(64, "a"), nil), handled(s, "ha", esp(60, "a"), nil, save)}, ""},
		"twice over a crash": {NewNoReplay(), []sim.Observation{handled(0, "ha", esp(64, "a"), nil, save), sim.Crashed{Node: "ha"},
			handled(s, "ha", esp(60, "a"), nil, save)}, "replay"},
		"others": {NewNoReplay(), []sim.Observation{handled(0, "ha", esp(64, "a"), nil, save), handled(s, "ha", esp(64, "b"), nil, save)}, ""},

		"straight": {NewNoDiversion(), []sim.Observation{handled(0, "mn", engine.Tick{}, nil, mobilePath, local), handled(s, "cn", engine.Tick{}, nil, straight(coa))}, ""},
		"straight to another's address": {NewNoDiversion(), []sim.Observation{handled(0, "mn", engine.Tick{}, nil, mobilePath, local),
			handled(0, "x", engine.Tick{}, nil, local), handled(s, "cn", engine.Tick{}, nil, straight(coa2))}, "never had"},
		"straight for nobody": {NewNoDiversion(), []sim.Observation{handled(0, "mn", engine.Tick{}, nil, local), handled(s, "cn", engine.Tick{}, nil, straight(coa))}, "never had"},

		"key": {NewNoKeys([]string{"k"}, map[string][]byte{"k": []byte("0123456789")}), []sim.Observation{
			sim.Frame{Packet: []byte("xx0123456789x")}}, `key "k"`},
		"part of a key": {NewNoKeys([]string{"k"}, map[string][]byte{"k": []byte("0123456789")}), []sim.Observation{
			sim.Frame{Packet: []byte("xx012345678x")}}, ""},

		"reachable":            {NewReachable(plan, 60*s, 30*s), flow([]time.Duration{1 * s, 80 * s}, []time.Duration{61 * s, 90 * s}), ""},
		"never up":             {NewReachable(plan, 60*s, 30*s), flow([]time.Duration{1 * s}, []time.Duration{61 * s, 90 * s}), "sent from mn after 1m0s"},
		"never down":           {NewReachable(plan, 60*s, 30*s), flow([]time.Duration{80 * s}, nil), "sent toward mn after 1m0s"},
		"too late":             {NewReachable(plan, 60*s, 30*s), flow([]time.Duration{91 * s, 95 * s}, []time.Duration{80 * s}), "for 31s"},
		"another home address": {NewReachable(plan, 60*s, 30*s), append(assigned("2001:db8::9"), flow([]time.Duration{1 * s}, nil)...), ""},
		"a home address lost":  {NewReachable(plan, 60*s, 30*s), append(assigned(plan.Flows[0].MobileAddr.String(), "2001:db8::9"), flow([]time.Duration{1 * s}, nil)...), "unreachable"},
		"lost again":           {NewReachable(plan, 60*s, 30*s), flow([]time.Duration{62 * s, 80 * s}, []time.Duration{62 * s}), "after 1m2s was delivered for 38s"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, o := range c.see {
				c.checker.Observe(o)
			}
			err := c.checker.Err()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// assigned is what a mobile node tells of home addresses that it was assigned.
func assigned(addrs ...string) (list []sim.Observation) {
	for _, a := range addrs {
		var out engine.Effects
		out.Event("home-address", engine.S("hoa", a))
		list = append(list, sim.Handled{Node: "mn", Effects: out.List})
	}
	return list
}
