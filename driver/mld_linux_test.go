package driver

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// snooping makes a bridge that snoops on multicast listener discovery and is its own querier, of an MLD version, with two
// ports: v1, whose other end v0 is the node's, and p1, whose other end p0 is its neighbour's. It returns when the bridge
// filters, which is some time after its first query.
func snooping(t *testing.T, version uint8) {
	t.Helper()
	on := true
	br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}, MulticastSnooping: &on}
	if err := netlink.LinkAdd(br); err != nil {
		t.Skipf("this kernel has no bridge: %v", err)
	}
	intervals := []*nl.RtAttr{nl.NewRtAttr(nl.IFLA_BR_MCAST_MLD_VERSION, []byte{version})}
	for attr, v := range map[int]uint64{ // hundredths of a second
		nl.IFLA_BR_MCAST_QUERY_INTVL:          100,
		nl.IFLA_BR_MCAST_STARTUP_QUERY_INTVL:  20,
		nl.IFLA_BR_MCAST_QUERY_RESPONSE_INTVL: 20,
		nl.IFLA_BR_MCAST_MEMBERSHIP_INTVL:     350,
		nl.IFLA_BR_MCAST_LAST_MEMBER_INTVL:    20,
	} {
		intervals = append(intervals, nl.NewRtAttr(attr, nl.Uint64Attr(v)))
	}
	setBridge(t, br, intervals...)
	setBridge(t, br, nl.NewRtAttr(nl.IFLA_BR_MCAST_QUERIER, []byte{1})) // takes the intervals as they are now
	for _, name := range []string{"v0", "p0"} {
		other := name[:1] + "1"
		must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: other}))
		must(t, netlink.LinkSetMaster(raise(t, other), br))
		raise(t, name)
	}
	raise(t, "br0")
}

// setBridge changes settings of a bridge.
func setBridge(t *testing.T, br *netlink.Bridge, settings ...*nl.RtAttr) {
	t.Helper()
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, []byte("bridge"))
	data := info.AddRtAttr(nl.IFLA_INFO_DATA, nil)
	for _, s := range settings {
		data.AddChild(s)
	}
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(br.Index)
	req.AddData(msg)
	req.AddData(info)
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	must(t, err)
}

// solicitation is what a neighbour sends to find coa, or to find out whether it is taken.
func solicitation(target netip.Addr) []byte {
	src, dst := netip.IPv6Unspecified(), ip6.SolicitedNode(target)
	p := ip6.Packet{Header: ip6.Header{HopLimit: 255, Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6,
		Payload: nd.Append(nil, src, dst, &nd.NeighborSolicitation{Target: target})}
	return p.Append(nil)
}

// Behind a switch that snoops, a node is found by its neighbours: at once, after the switch has asked, and after hours.
func TestMLDGetsThroughSnooping(t *testing.T) {
	for _, version := range []uint8{1, 2} {
		t.Run(fmt.Sprint("version ", version), func(t *testing.T) {
			t.Parallel()
			throughSnooping(t, version)
		})
	}
}

func throughSnooping(t *testing.T, version uint8) {
	fresh(t)
	snooping(t, version)
	heard := make(chan netip.Addr, 1024)
	e := &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
		switch in := in.(type) {
		case engine.Command:
			switch in.Verb {
			case "probe", "take":
				out.Plane(localOp(linkLocal, plane.Local{Port: 1, Tentative: in.Verb == "probe"}))
				out.Plane(localOp(coa, plane.Local{Port: 1, Tentative: in.Verb == "probe"}))
			case "leave":
				out.Plane(plane.Op{Delete: true, Local: &plane.LocalOp{Addr: coa}})
			}
			out.Reply(engine.Reply{ID: in.ID})
		case engine.Packet:
			if p, err := ip6.Parse(in.Data); err == nil {
				heard <- p.Dst
			}
		}
	}}
	n, err := New(Config{Name: "mn", Links: []Link{{Port: 1, Ifname: "v0"}}, Userland: true, Engines: []Engine{{"mn", e}}})
	must(t, err)
	ended := make(chan error, 1)
	go func() { ended <- n.Run(context.Background()) }()
	defer func() { must(t, n.Close()); must(t, <-ended) }()
	neighbour := open(t, Config{Links: []Link{{Port: 1, Ifname: "p0"}}, Userland: true})
	found := func(target netip.Addr) bool {
		must(t, neighbour.Send(1, plane.HW{}, solicitation(target)))
		for late := time.After(100 * time.Millisecond); ; {
			select {
			case dst := <-heard:
				if dst == ip6.SolicitedNode(target) {
					return true
				}
			case <-late:
				return false
			}
		}
	}
	eventually := func(what string, f func() bool) {
		t.Helper()
		for late := time.Now().Add(4 * patience); !f(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(late) {
				t.Fatal(what)
			}
		}
	}
	// Before it snoops, a bridge floods, and the socket of a veth hears what is flooded.
	eventually("the bridge does not filter", func() bool {
		for range 2 {
			if found(coa) {
				return false
			}
		}
		return true
	})
	for _, verb := range []string{"probe", "take"} { // from the unspecified address, and from its own
		_, err = n.Command(context.Background(), "mn", verb, nil)
		must(t, err)
		if !found(coa) || !found(linkLocal) {
			t.Errorf("%s: neighbours do not find the node: the switch does not know of its groups", verb)
		}
	}
	st, err := n.Stats(context.Background())
	must(t, err)
	asked := st.MLD.Queries
	eventually("the bridge does not ask", func() bool {
		st, err := n.Stats(context.Background())
		must(t, err)
		if !found(coa) {
			t.Fatal("lost")
		}
		return st.MLD.Queries >= asked+5 // longer than the membership lasts without an answer
	})
	if !found(coa) {
		t.Error("the switch has forgotten the node in spite of its answers")
	}
	_, err = n.Command(context.Background(), "mn", "leave", nil)
	must(t, err)
	eventually("the switch still sends what the node has left", func() bool { return !found(coa) })
	if !found(linkLocal) {
		t.Error("with one group the other one was left")
	}
}

// On a link that the kernel shares, reports come from its link-local address, once that is not tentative any more.
func TestMLDSharesTheKernelsAddress(t *testing.T) {
	fresh(t)
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "v0"}, PeerName: "v1"}))
	raise(t, "v0")
	raise(t, "v1")
	m := open(t, Config{Links: []Link{{Port: 1, Ifname: "v0"}, {Port: 2, Ifname: "v1", Userland: true}}})
	if a := m.LinkLocal(1); a.IsValid() {
		t.Errorf("%v is still tentative", a)
	}
	for late := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if a := m.LinkLocal(1); a.IsLinkLocalUnicast() {
			break
		}
		if time.Now().After(late) {
			t.Fatal("the kernel's address is not found")
		}
	}
	if a := m.LinkLocal(2); a.IsValid() {
		t.Errorf("%v, where the kernel has no IPv6", a)
	}
	if a := m.LinkLocal(3); a.IsValid() {
		t.Errorf("%v of a port that is not there", a)
	}
}
