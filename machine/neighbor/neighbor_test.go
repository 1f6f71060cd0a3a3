package neighbor

import (
	"net/netip"
	"testing"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

var (
	addr  = netip.MustParseAddr("2001:db8:a:1::1")
	local = netip.MustParseAddr("fe80::1")
	asker = netip.MustParseAddr("fe80::9")
	hw    = plane.HW{2, 0, 0, 0, 0, 1}
	frame = plane.HW{2, 0, 0, 0, 0, 8}
	said  = plane.HW{2, 0, 0, 0, 0, 9}
)

// How each stance answers: RFC 4861 §7.2.4, RFC 4429 §3.3, RFC 6275 §10.4.1, §11.5.5.
//
// spec MIP-06 MIP-07
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name     string
		st       Stance
		src      netip.Addr
		hw       plane.HW // in the solicitation
		silent   bool
		to       plane.HW
		from     netip.Addr
		override bool
	}{
		{name: "own", st: Stance{HW: hw}, src: asker, hw: said, to: said, from: addr, override: true},
		{name: "without the option", st: Stance{HW: hw}, src: asker, to: frame, from: addr, override: true},
		{name: "probed", st: Stance{HW: hw}, src: netip.IPv6Unspecified(), to: ip6.MulticastHW(ip6.AllNodes), from: addr, override: true},
		{name: "optimistic", st: Stance{HW: hw, Soft: true, Shy: true}, src: asker, hw: said, to: said, from: addr},
		{name: "optimistic, probed", st: Stance{HW: hw, Soft: true, Shy: true}, src: netip.IPv6Unspecified(), silent: true},
		{name: "proxy", st: Stance{HW: hw, Soft: true, Source: local}, src: asker, hw: said, to: said, from: local},
		{name: "proxy, probed", st: Stance{HW: hw, Soft: true, Source: local}, src: netip.IPv6Unspecified(), to: ip6.MulticastHW(ip6.AllNodes), from: local},
	} {
		var s Speaker
		var out engine.Effects
		s.Own(Key{1, addr}, c.st)
		p := &ip6.Packet{Header: ip6.Header{Src: c.src, Dst: ip6.SolicitedNode(addr)}}
		answered := s.Heard(1, frame, p, &nd.NeighborSolicitation{Target: addr, Options: nd.Options{SourceHW: c.hw}}, &out)
		if answered == c.silent || len(out.List) == 1 == c.silent {
			t.Errorf("%s: answered %v", c.name, answered)
		}
		if c.silent {
			continue
		}
		sent := out.List[0].(engine.Send)
		q, na := parse(t, sent.Data)
		probed := c.src.IsUnspecified()
		if sent.To != c.to || q.Src != c.from || na.Override != c.override || na.Solicited == probed || na.Target != addr || na.Options.TargetHW != hw || (q.Dst == ip6.AllNodes) != probed {
			t.Errorf("%s: to %v, %+v from %v to %v", c.name, sent.To, na, q.Src, q.Dst)
		}
	}
}

// Only for what is owned, on its link, and no longer than it is.
func TestOwning(t *testing.T) {
	var s Speaker
	var out engine.Effects
	ask := func(port plane.Port) bool {
		return s.Heard(port, frame, &ip6.Packet{Header: ip6.Header{Src: asker}}, &nd.NeighborSolicitation{Target: addr}, &out)
	}
	if ask(1) {
		t.Error("answered for nothing")
	}
	s.Own(Key{1, addr}, Stance{HW: hw})
	s.Own(Key{2, local}, Stance{HW: hw})
	if !ask(1) || ask(2) || !s.Owns(Key{1, addr}) {
		t.Error("the link does not matter")
	}
	s.DisownPort(1)
	if ask(1) || !s.Owns(Key{2, local}) {
		t.Error("disowned the wrong ones")
	}
	s.Disown(Key{2, local})
	out.List = nil
	s.Announce(Key{2, local}, &out)
	if len(out.List) != 0 {
		t.Error("announced what is not owned")
	}
}

// An announcement overrides whatever the link knew, even for a proxied address (RFC 6275 §10.4.1).
func TestAnnounce(t *testing.T) {
	var s Speaker
	var out engine.Effects
	s.Own(Key{1, addr}, Stance{HW: hw, Soft: true, Source: local})
	s.Announce(Key{1, addr}, &out)
	q, na := parse(t, out.List[0].(engine.Send).Data)
	if !na.Override || na.Solicited || na.Router || q.Dst != ip6.AllNodes || q.Src != local {
		t.Errorf("%+v from %v to %v", na, q.Src, q.Dst)
	}
}

func parse(t *testing.T, data []byte) (ip6.Packet, *nd.NeighborAdvertisement) {
	t.Helper()
	p, err := ip6.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	m, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
	if err != nil {
		t.Fatal(err)
	}
	return p, m.(*nd.NeighborAdvertisement)
}
