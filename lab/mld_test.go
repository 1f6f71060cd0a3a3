//go:build linux

package lab

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// prober is an engine that takes an address on a link that comes up and probes it, as duplicate detection does.
type prober struct{ teller }

func (e *prober) Handle(_ engine.Now, in engine.Input, out *engine.Effects) {
	up, ok := in.(engine.LinkUp)
	if !ok {
		return
	}
	group, src := ip6.SolicitedNode(addrB), netip.IPv6Unspecified()
	p := ip6.Packet{Header: ip6.Header{HopLimit: nd.HopLimit, Src: src, Dst: group}, Proto: ip6.ProtoICMPv6,
		Payload: nd.Append(nil, src, group, &nd.NeighborSolicitation{Target: addrB})}
	out.Plane(plane.Op{Local: &plane.LocalOp{Addr: addrB, Local: plane.Local{Port: up.Port, Tentative: true}}})
	out.Send(up.Port, plane.HW{}, p.Append(nil))
}

// watcher keeps what the mobile node sends over the air, in words.
type watcher struct {
	*ear
	said []string
}

func (w *watcher) Frame(at time.Duration, segment, node string, up bool, packet []byte) {
	w.ear.Frame(at, segment, node, up, packet)
	p, err := ip6.Parse(packet)
	if !up || err != nil || p.Proto != ip6.ProtoICMPv6 {
		return
	}
	m, err := icmp6.Parse(p.Src, p.Dst, p.Payload)
	r, ok := m.(*icmp6.ListenerReport)
	switch {
	case nd.IsND(p.Payload[0]):
		w.said = append(w.said, "probe of "+p.Dst.String())
	case err != nil || !ok || icmp6.CheckListener(icmp6.TypeListenerReport, &p) != nil || p.Dst != ip6.AllMLDRouters || len(r.Records) != 1:
		w.t.Errorf("neither probe nor report: % x", packet)
	default:
		w.said = append(w.said, "report of "+r.Records[0].Group.String())
	}
}

// In each network, a switch that snoops hears of the group before the probe that is sent to it, and once more later.
func TestReportsPrecedeProbes(t *testing.T) {
	needLab(t)
	p := triangle(scenario.LinkModel{}, scenario.LinkModel{})
	p.Nodes[2].Config, p.Nodes[2].Userland = []byte("prober"), true
	p.Nodes[2].Ifaces[0].Addrs, p.Nodes[2].Routes = nil, nil
	p.Nodes[2].Ifaces[0].Port = 1
	p.Actions = []scenario.Action{
		{At: 1200 * time.Millisecond, Verb: scenario.Detach, Node: "b", Iface: "eth0", Handover: -1},
		{At: 1300 * time.Millisecond, Verb: scenario.Attach, Node: "b", Iface: "eth0", Segment: "right", Handover: -1},
	}
	p.Length = 2400 * time.Millisecond
	w := &watcher{ear: newEar(t)}
	_, err := Run(context.Background(), Config{Plan: p, Recorder: w, Build: func(scenario.Node, [32]byte) (scenario.Built, error) {
		return scenario.Built{Engines: []scenario.NamedEngine{{Name: "mn", Engine: &prober{}}}}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	g := ip6.SolicitedNode(addrB).String()
	once := []string{"report of " + g, "probe of " + g, "report of " + g}
	if want := slices.Concat(once, once); !slices.Equal(w.said, want) {
		t.Errorf("sent over the air:\n%q\nwant:\n%q", w.said, want)
	}
}
