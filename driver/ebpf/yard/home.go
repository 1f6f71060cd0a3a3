package yard

import "fmt"

// MTU of the yard's links, and of the home address at the mobile node.
const (
	LinkMTU = 1500
	HomeMTU = LinkMTU - 40
)

// Link-layer addresses of the ends of the two links.
const (
	MACcn0 = "02:00:00:00:0c:01"
	MACha0 = "02:00:00:00:0c:fe"
	MACha1 = "02:00:00:00:0a:fe"
	MACmn0 = "02:00:00:00:0a:01"
)

// Home makes the namespaces cn, ha and mn, their links and addresses. Neighbours are known from the start, so that nobody
// waits for them. ha forwards; what is at HoA and HA is for the caller to say.
func Home() (*Yard, error) {
	y, err := New("cn", "ha", "mn")
	if err != nil {
		return nil, err
	}
	if err := y.home(); err != nil {
		y.Close()
		return nil, err
	}
	return y, nil
}

func (y *Yard) home() error {
	for _, n := range []string{"cn", "ha", "mn"} {
		if err := y.Set(n, "default/accept_dad=0", "default/accept_ra=0", "all/forwarding=1", "default/forwarding=1"); err != nil {
			return err
		}
	}
	for _, w := range []struct{ a, ifa, maca, b, ifb, macb string }{
		{"cn", "cn0", MACcn0, "ha", "ha0", MACha0},
		{"mn", "mn0", MACmn0, "ha", "ha1", MACha1},
	} {
		if err := y.wire(w.a, w.ifa, w.maca, w.b, w.ifb, w.macb); err != nil {
			return err
		}
	}
	steps := []struct {
		in    string
		lines []string
	}{
		{"cn", []string{"addr add 2001:db8:c::1/64 dev cn0 nodad", "route add default via 2001:db8:c::fe",
			"neigh replace 2001:db8:c::fe lladdr " + MACha0 + " dev cn0 nud permanent"}},
		{"mn", []string{"addr add 2001:db8:a::fd/64 dev mn0 nodad", "route add default via 2001:db8:a::fe",
			"neigh replace 2001:db8:a::fe lladdr " + MACha1 + " dev mn0 nud permanent"}},
		{"ha", []string{"addr add 2001:db8:c::fe/64 dev ha0 nodad", "addr add 2001:db8:a::fe/64 dev ha1 nodad",
			"neigh replace 2001:db8:c::1 lladdr " + MACcn0 + " dev ha0 nud permanent",
			"neigh replace 2001:db8:a::100 lladdr " + MACmn0 + " dev ha1 nud permanent",
			"neigh replace 2001:db8:a::fd lladdr " + MACmn0 + " dev ha1 nud permanent"}},
	}
	for _, s := range steps {
		if err := y.IP(s.in, s.lines...); err != nil {
			return err
		}
	}
	return nil
}

func (y *Yard) wire(a, ifa, maca, b, ifb, macb string) error {
	// The pair is made in a, and the far end moved: ip takes a descriptor of the namespace it inherits as a path.
	err := y.In(a, func() error {
		return runIn(y.names[b], "ip", "link", "add", ifa, "address", maca, "mtu", fmt.Sprint(LinkMTU), "type", "veth",
			"peer", "name", ifb, "address", macb, "mtu", fmt.Sprint(LinkMTU), "netns", "/proc/self/fd/3")
	})
	if err != nil {
		return err
	}
	if err := y.IP(a, "link set "+ifa+" up"); err != nil {
		return err
	}
	return y.IP(b, "link set "+ifb+" up")
}

// KernelMobile makes of mn a mobile node by means of the kernel alone: HoA is its address, what comes to CoA from a tunnel is taken
// out (End.DT6), what HoA sends to CN goes to HA in one (encap.red with one segment is plain IPv6 in IPv6).
func (y *Yard) KernelMobile() error {
	return y.IP("mn", "addr add "+HoA.String()+"/128 dev lo nodad",
		"route add "+CoA.String()+"/128 encap seg6local action End.DT6 table 255 dev mn0",
		"sr tunsrc set "+CoA.String(),
		"route add "+CN.String()+"/128 encap seg6 mode encap.red segs "+HA.String()+" via 2001:db8:a::fe dev mn0 src "+HoA.String()+" mtu "+fmt.Sprint(HomeMTU))
}

// PlainMobile makes HoA an address of mn that needs no tunnel.
func (y *Yard) PlainMobile() error {
	if err := y.IP("mn", "addr add "+HoA.String()+"/128 dev lo nodad", "route add "+CN.String()+"/128 via 2001:db8:a::fe dev mn0 src "+HoA.String()); err != nil {
		return err
	}
	return y.IP("ha", "route add "+HoA.String()+"/128 via "+CoA.String()+" dev ha1")
}

// KernelAgent makes of ha the other end of KernelMobile.
func (y *Yard) KernelAgent() error {
	return y.IP("ha", "sr tunsrc set "+HA.String(),
		"route add "+HoA.String()+"/128 encap seg6 mode encap.red segs "+CoA.String()+" via "+CoA.String()+" dev ha1",
		"route add "+HA.String()+"/128 encap seg6local action End.DT6 table 254 dev ha1")
}
