package driver

import (
	"encoding/binary"
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"roam6/plane"
	"roam6/wire/ip6"
)

// TestHookAhead: a socket comes before the kernel's IPv6 where that has the packets too, and behind the programs of the fast path; where
// the link is the node's alone it need not.
func TestHookAhead(t *testing.T) {
	for _, c := range []struct {
		name     string
		plane    Plane
		userland bool
		want     uint16
	}{
		{"shared", PlaneSoft, false, unix.ETH_P_ALL},
		{"the node's alone", PlaneSoft, true, etherTypeV6},
		{"fast path", PlaneEBPF, false, etherTypeV6},
	} {
		t.Run(c.name, func(t *testing.T) {
			fresh(t)
			wire(t)
			h, err := openHost(Config{Tun: "roam6t", Plane: c.plane, Links: []Link{{Port: 1, Ifname: "v0"}}, Userland: c.userland})
			if errors.Is(err, ErrNoFast) {
				t.Skip(err)
			}
			must(t, err)
			defer h.Close()
			at, err := unix.Getsockname(h.(*machine).links[1].fd)
			must(t, err)
			if got := htons(at.(*unix.SockaddrLinklayer).Protocol); got != c.want {
				t.Errorf("bound to %#x, want %#x", got, c.want)
			}
		})
	}
}

// TestHookAheadBringsNoMore: what is not IPv6 stays out of a socket that is bound to everything, as does what leaves here.
func TestHookAheadBringsNoMore(t *testing.T) {
	fresh(t)
	wire(t)
	m := open(t, Config{Links: []Link{{Port: 1, Ifname: "v0"}}})
	must(t, m.Apply(localOp(coa, plane.Local{Port: 1})))
	e := listen(m)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	must(t, err)
	defer unix.Close(fd)
	far, err := m.kernel.byName("v1")
	must(t, err)
	packet := func(payload string) []byte {
		udp := append([]byte{0, 1, 0, 2, 0, byte(8 + len(payload)), 0, 0}, payload...)
		binary.BigEndian.PutUint16(udp[6:], ip6.Checksum(cn, coa, ip6.ProtoUDP, udp))
		p := ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, Proto: ip6.ProtoUDP, Payload: udp}
		return p.Append(nil)
	}
	must(t, m.Send(1, plane.HW{2, 0, 0, 0, 0, 2}, packet("left")))
	for _, w := range []struct {
		kind uint16
		what string
	}{{0x0800, "IPv4"}, {0x0806, "ARP"}, {0x88cc, "LLDP"}, {etherTypeV6, "IPv6"}} {
		frame := append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, byte(w.kind >> 8), byte(w.kind)}, packet(w.what)...)
		must(t, unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: far.Attrs().Index, Protocol: htons(w.kind)}))
	}
	if _, p := e.packet(t); string(p.Payload[8:]) != "IPv6" {
		t.Errorf("%s came", p.Payload[8:])
	}
}
