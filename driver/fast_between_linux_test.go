package driver

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"roam6/driver/ebpf/yard"
	"roam6/plane"
)

// TestFastBetween: from one mobile node to another by their home agent, small packets and merged segments, the plane sees none.
func TestFastBetween(t *testing.T) {
	b := newAgentBed(t, PlaneEBPF, tunnelPath)
	home, coa := netip.MustParseAddr("2001:db8:1::200"), netip.MustParseAddr("2001:db8:c::100")
	segs := " encap seg6 mode encap.red segs " + yard.HA.String() + " via "
	must(t, b.IP("ha", "neigh replace "+coa.String()+" lladdr "+yard.MACcn0+" dev ha0 nud permanent"))
	must(t, b.IP("cn", "addr add "+home.String()+"/128 dev lo nodad", "sr tunsrc set "+coa.String(),
		"route add "+coa.String()+"/128 encap seg6local action End.DT6 table 255 dev cn0",
		"route add "+yard.HoA.String()+"/128"+segs+"2001:db8:c::fe dev cn0 src "+home.String()+" mtu "+fmt.Sprint(yard.HomeMTU)))
	must(t, b.IP("mn", "route add "+home.String()+"/128"+segs+"2001:db8:a::fe dev mn0 src "+yard.HoA.String()+" mtu "+fmt.Sprint(yard.HomeMTU)))
	p := tunnelPath
	p.Remote = coa
	other := netip.PrefixFrom(home, 128)
	b.node.post(func() { b.node.loop.change(b.node.loop.now(), plane.Op{Path: &plane.PathOp{Inner: other, Path: p}}) })
	b.stats(t) // the loop has made the change when it answers

	from, to := udpPair(t, b.Yard, "cn", home, "mn", yard.HoA)
	for i := range 20 {
		_, err := fmt.Fprintf(from, "packet %d", i)
		must(t, err)
		buf := make([]byte, 100)
		must(t, to.SetReadDeadline(time.Now().Add(patience)))
		n, err := to.Read(buf)
		if want := fmt.Sprintf("packet %d", i); err != nil || string(buf[:n]) != want {
			t.Fatalf("received %q, %v; want %q; %+v", buf[:n], err, want, b.stats(t).Fast.Report)
		}
	}
	st := b.stats(t)
	if len(st.Fast.Paths) != 2 || st.Fast.Paths[0].Sent.Packets != 20 || st.Fast.Paths[1].Received.Packets != 20 || st.Packets != 0 {
		t.Errorf("fast %+v, left %v, %d packets came to the plane", st.Fast.Paths, st.Fast.Left, st.Packets)
	}
	if _, err := exec.LookPath("iperf3"); err != nil {
		t.Skip("no iperf3 (apt-get install iperf3)")
	}
	for _, flags := range [][]string{nil, {"-R"}} {
		rate, err := b.TCP("mn", yard.HoA, "cn", time.Second, append(flags, "--bind", home.String())...)
		must(t, err)
		t.Logf("%v: %.2f Gb/s", flags, rate/1e9)
	}
	if st, err := b.node.Stats(context.Background()); err != nil || st.Packets != 0 {
		t.Errorf("%v; %d packets came to the plane; left %v", err, st.Packets, st.Fast.Left)
	}
}
