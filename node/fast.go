package node

import (
	"fmt"
	"net/netip"
	"slices"

	"roam6/conf"
	"roam6/machine/advertise"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/role/ar"
	"roam6/role/mn"
)

// Limits of fast handovers.
const (
	maxNeighbours = 64
	maxCells      = 64
)

// HandoverKeyConfig is the key a mobile node shares with access routers on one link (RFC 5568 §6.4.5).
type HandoverKeyConfig struct {
	Port int         `yaml:"port,required" doc:"number of the link"`
	SPI  uint32      `yaml:"spi,required" doc:"names the key, from 256; of this node and link alone"`
	Key  conf.Secret `yaml:"key,required" doc:"16 to 64 octets in hexadecimal"`
}

// FastConfig is an access router's part in fast handovers.
type FastConfig struct {
	Address    netip.Addr        `yaml:"address,required" doc:"service address, in the prefix of one of links; not an address of the kernel; advertised with the R bit"`
	Cells      []conf.Hex        `yaml:"cells" doc:"link-layer identities (BSSID) of its own points of attachment"`
	Mobiles    []MobileKeyConfig `yaml:"mobiles" doc:"mobile nodes that may ask it to send on their packets"`
	Neighbours []NeighbourConfig `yaml:"neighbours" doc:"access routers that handovers go to and come from"`
}

// MobileKeyConfig is a mobile node as access routers know it.
type MobileKeyConfig struct {
	HW  conf.Hex    `yaml:"hw,required" doc:"its link-layer address: only the care-of address made of it is forwarded"`
	SPI uint32      `yaml:"spi,required" doc:"as the mobile node has it"`
	Key conf.Secret `yaml:"key,required" doc:"as the mobile node has it"`
}

// NeighbourConfig is a neighbouring access router.
type NeighbourConfig struct {
	Address  netip.Addr     `yaml:"address,required" doc:"its service address"`
	HW       conf.Hex       `yaml:"hw,required" doc:"its link-layer address on its access link"`
	Prefix   netip.Prefix   `yaml:"prefix,required" doc:"of its access link, /64"`
	Cells    []conf.Hex     `yaml:"cells,required" doc:"link-layer identities (BSSID) of its points of attachment"`
	Security SecurityConfig `yaml:"security,required" doc:"esp: what protects the signalling between the two routers"`
}

// hw checks a link-layer address.
func (k *checker) hw(at string, hw conf.Hex) {
	k.must(len(hw) == len(plane.HW{}) && hw[0]&1 == 0, at, fmt.Sprintf("%x", []byte(hw)), "six octets of one station, such as 02:00:5e:10:00:01")
}

// handoverKeys checks the keys of a mobile node.
func (k *checker) handoverKeys(at string, m *MNConfig) {
	k.must(len(m.Fast) == 0 || m.Strategy == "fmipv6", at, m.Strategy, "no handover keys unless strategy is fmipv6")
	k.must(m.Strategy != "fmipv6" || len(m.Fast) > 0, at, "none", "a handover key for at least one link: without one no handover can be prepared")
	seen := map[int]bool{}
	for i, f := range m.Fast {
		kat := fmt.Sprintf("%s[%d]", at, i)
		k.must(slices.Contains(m.Links, f.Port) && !seen[f.Port], kat+".port", f.Port, "the port of one of the mobile node's links, given once")
		seen[f.Port] = true
		k.handoverKey(kat, f.SPI, f.Key)
	}
}

func (k *checker) handoverKey(at string, spi uint32, key conf.Secret) {
	k.must(spi >= minSPI, at+".spi", spi, "256 or more")
	k.must(len(key) >= 16 && len(key) <= 64, at+".key", key, "16 to 64 octets in hexadecimal (openssl rand -hex 20)")
}

// fast checks an access router's part in fast handovers.
func (k *checker) fast(at string, a *ARConfig) {
	f := a.Fast
	if f == nil {
		return
	}
	in := slices.IndexFunc(a.Links, func(l AdvertiseConfig) bool { return l.Prefix.Contains(f.Address) })
	k.must(in >= 0 && f.Address != a.Links[max(in, 0)].Address && f.Address != a.Links[max(in, 0)].Prefix.Addr(), at+".address", f.Address,
		"an address in the prefix of one of links that the kernel does not hold")
	k.own(at+".address", f.Address)
	k.cells(at+".cells", f.Cells)
	spis, hws := map[uint32]bool{}, map[string]bool{}
	for i, m := range f.Mobiles {
		mat := fmt.Sprintf("%s.mobiles[%d]", at, i)
		k.hw(mat+".hw", m.HW)
		k.must(!spis[m.SPI], mat+".spi", m.SPI, "an SPI that no other mobile node has")
		k.must(!hws[string(m.HW)], mat+".hw", fmt.Sprintf("%x", []byte(m.HW)), "a link-layer address that no other mobile node has")
		spis[m.SPI], hws[string(m.HW)] = true, true
		k.handoverKey(mat, m.SPI, m.Key)
	}
	k.must(len(f.Neighbours) <= maxNeighbours, at+".neighbours", len(f.Neighbours), fmt.Sprintf("%d at most", maxNeighbours))
	for i := range f.Neighbours {
		k.neighbour(fmt.Sprintf("%s.neighbours[%d]", at, i), a, &f.Neighbours[i])
	}
}

func (k *checker) neighbour(at string, a *ARConfig, n *NeighbourConfig) {
	k.unicast(at+".address", n.Address)
	k.prefix(at+".prefix", n.Prefix)
	k.must(!slices.ContainsFunc(a.Links, func(l AdvertiseConfig) bool { return l.Prefix == n.Prefix }), at+".prefix", n.Prefix, "another prefix than those of links")
	k.hw(at+".hw", n.HW)
	k.cells(at+".cells", n.Cells)
	k.must(n.Security.ESP != nil && n.Security.Auth == nil, at+".security", "not esp", "esp: RFC 4285 protects mobile nodes and their home agents only")
	if n.Security.ESP != nil && n.Security.Auth == nil {
		k.security(at+".security", n.Security)
	}
}

func (k *checker) cells(at string, cells []conf.Hex) {
	k.must(len(cells) <= maxCells, at, len(cells), fmt.Sprintf("%d at most", maxCells))
	for i, c := range cells {
		k.hw(fmt.Sprintf("%s[%d]", at, i), c)
	}
}

// handoverKeysOf are the keys of a mobile node by link.
func handoverKeysOf(m *MNConfig) map[plane.Port]mn.HandoverKey {
	keys := map[plane.Port]mn.HandoverKey{}
	for _, f := range m.Fast {
		keys[plane.Port(f.Port)] = mn.HandoverKey{SPI: f.SPI, Secret: f.Key}
	}
	return keys
}

// fastRouter is an access router's end, nil for none. Its service address is what the link advertises with the R bit, so that
// nodes find it without being told.
func fastRouter(a *ARConfig, links []advertise.Config) *ar.Fast {
	f := a.Fast
	if f == nil {
		return nil
	}
	c := &ar.Fast{Address: f.Address, Cells: hws(f.Cells)}
	for i := range links {
		if links[i].Prefix.Contains(f.Address) {
			links[i].Address = f.Address
		}
	}
	for _, m := range f.Mobiles {
		c.Mobiles = append(c.Mobiles, ar.FastMobile{HW: plane.HW(m.HW), Key: ar.FastKey{SPI: m.SPI, Secret: m.Key}})
	}
	for _, n := range f.Neighbours {
		c.Neighbours = append(c.Neighbours, ar.FastNeighbour{
			Address: n.Address, HW: plane.HW(n.HW), Prefix: n.Prefix, Cells: hws(n.Cells), Security: sa.Config{ESP: espOf(n.Security.ESP)},
		})
	}
	return c
}

func hws(list []conf.Hex) []plane.HW {
	var out []plane.HW
	for _, h := range list {
		out = append(out, plane.HW(h))
	}
	return out
}
