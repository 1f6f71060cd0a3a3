package driver

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"roam6/driver/ebpf/yard"
	"roam6/engine"
	"roam6/plane"
)

// mobileNode runs a node in mn that is at the other end of an agentBed's tunnel.
func mobileNode(t testing.TB, y *yard.Yard) (n *Node) {
	t.Helper()
	e := &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
		if _, ok := in.(engine.Start); ok {
			mac, _ := net.ParseMAC(yard.MACha1)
			out.Plane(plane.Op{Link: &plane.LinkOp{Port: 1, Link: plane.Link{Gateway: plane.HW(mac), MTU: yard.LinkMTU}}})
			out.Plane(localOp(yard.CoA, plane.Local{Port: 1}))
			out.Plane(hostOp(yard.HoA, plane.Host{MTU: yard.HomeMTU, Default: true}))
			out.Plane(plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(yard.HoA, 128),
				Path: plane.Path{Side: plane.Mobile, Mode: plane.Tunnel, Local: yard.CoA, Remote: yard.HA, Out: 1}}})
		}
	}}
	must(t, y.IP("mn", "addr flush dev mn0 scope global"))
	must(t, y.In("mn", func() (err error) {
		n, err = New(Config{Name: "mn", Tun: "roam6", Engines: []Engine{{"e", e}}, Links: []Link{{Port: 1, Ifname: "mn0", Userland: true, External: true}}})
		return err
	}))
	done := make(chan error, 1)
	go func() { done <- n.Run(context.Background()) }()
	t.Cleanup(func() {
		must(t, n.Close())
		must(t, <-done)
	})
	_, err := n.Views(context.Background())
	must(t, err)
	return n
}

// TestThroughTCP: a connection through the tunnel, with user space at one end or at both, carries each octet as it was, both ways;
// most packets come merged, and each is counted.
//
// spec MIP-10
func TestThroughTCP(t *testing.T) {
	const size = 4 << 20
	for _, both := range []bool{false, true} {
		t.Run(fmt.Sprintf("both ends %v", both), func(t *testing.T) {
			b := &agentBed{Yard: homeYard(t)}
			if both {
				b.start(t, PlaneSoft, tunnelPath)
				mobileNode(t, b.Yard)
			} else {
				must(t, b.KernelMobile())
				b.start(t, PlaneSoft, tunnelPath)
			}
			var l net.Listener
			var c net.Conn
			must(t, b.In("mn", func() (err error) {
				l, err = net.Listen("tcp6", netip.AddrPortFrom(yard.HoA, 5001).String())
				return err
			}))
			defer l.Close()
			must(t, b.In("cn", func() (err error) {
				c, err = net.Dial("tcp6", l.Addr().String())
				return err
			}))
			defer c.Close()
			s, err := l.Accept()
			must(t, err)
			defer s.Close()
			data := make([]byte, size)
			rand.NewChaCha8([32]byte{1}).Read(data)
			for _, w := range []struct {
				name     string
				from, to net.Conn
			}{{"down", c, s}, {"up", s, c}} {
				go w.from.Write(data)
				got := sha256.New()
				if _, err := io.CopyN(got, w.to, size); err != nil || [32]byte(got.Sum(nil)) != sha256.Sum256(data) {
					t.Errorf("%s: %v, or other octets", w.name, err)
				}
			}
			p := b.stats(t).Plane.Paths[0]
			for _, n := range []plane.Count{p.Sent, p.Received} { // 40 for the ends of the connection
				if n.Octets < size || n.Octets/n.Packets > yard.HomeMTU {
					t.Errorf("%+v counted of %d octets", n, size)
				}
			}
			if st := b.stats(t); len(st.Drops) > 0 {
				t.Errorf("dropped %v", st.Drops)
			}
		})
	}
}

// TestMergeTime: the kernel may hold what is written to the TUN device, for no longer than is said.
func TestMergeTime(t *testing.T) {
	fresh(t)
	m := open(t, Config{Tun: "roam6t"})
	must(t, m.Apply(hostOp(hoa, plane.Host{MTU: 1400})))
	said, err := m.attribute("class/net/roam6t/gro_flush_timeout", unix.O_RDONLY, "")
	if err != nil {
		t.Skip("this process may not see /sys of its namespace: ", err)
	}
	if said != fmt.Sprint(mergeTime.Nanoseconds()) {
		t.Errorf("%s ns", said)
	}
	m.calm()
	began := time.Now()
	m.tun.writes()
	if m.calm(); time.Since(began) < calmTime {
		t.Errorf("what follows could overtake what was written %v ago", time.Since(began))
	}
}
