package node

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"roam6/conf"
	"roam6/machine/advertise"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/role/ar"
)

// Fast handovers by lightweight Kerberos, strategy fast: decision 22.

// LightweightConfig is an access router's part in them.
type LightweightConfig struct {
	Address    netip.Addr                   `yaml:"address,required" doc:"service address, in the prefix of one of links; not an address of the kernel; advertised with the R bit"`
	Cells      []conf.Hex                   `yaml:"cells" doc:"link-layer identities (BSSID) of its own points of attachment"`
	Neighbours []LightweightNeighbourConfig `yaml:"neighbours" doc:"access routers that handovers go to and come from"`
	Gate       string                       `yaml:"gate" allowed:"on|off" doc:"on: what mobile nodes send by links is sent on only after they have authenticated themselves with a ticket; default off"`
	Announce   string                       `yaml:"announce" allowed:"handover|shrep" doc:"the message by which a mobile node is announced to a neighbour; shrep is that of appendix B; default handover"`
	Session    time.Duration                `yaml:"session" doc:"how long a mobile node that has authenticated itself stays known at most, 1m to 8760h; default 1h"`
}

// LightweightNeighbourConfig is a neighbouring access router.
type LightweightNeighbourConfig struct {
	Address   netip.Addr   `yaml:"address,required" doc:"its service address, in prefix"`
	HW        conf.Hex     `yaml:"hw,required" doc:"its link-layer address on its access link"`
	Prefix    netip.Prefix `yaml:"prefix,required" doc:"of its access link, /64"`
	Cells     []conf.Hex   `yaml:"cells,required" doc:"link-layer identities (BSSID) of its points of attachment"`
	Principal string       `yaml:"principal,required" doc:"its own name, such as mobileip/ar2.a.example@A.EXAMPLE: whom mobile nodes need a ticket for"`
	AH        AHConfig     `yaml:"ah,required" doc:"what protects the signalling between the two routers"`
}

// AHConfig is a pair of manually keyed Authentication Header associations.
type AHConfig struct {
	OutSPI uint32      `yaml:"out_spi,required" doc:"SPI of what this node sends, from 256"`
	InSPI  uint32      `yaml:"in_spi,required" doc:"SPI of what it receives, from 256"`
	OutKey conf.Secret `yaml:"out_key,required" doc:"32 octets in hexadecimal (openssl rand -hex 32)"`
	InKey  conf.Secret `yaml:"in_key,required" doc:"as out_key, another key"`
}

// lightweight checks an access router's part.
func (k *checker) lightweight(at string, a *ARConfig) {
	f := a.Lightweight
	if f == nil {
		return
	}
	given(k, at+".gate", &f.Gate, "off")
	given(k, at+".announce", &f.Announce, "handover")
	given(k, at+".session", &f.Session, time.Hour)
	k.must(a.Kerberos != nil, at, "no kerberos", "kerberos beside it: the router's principal and keys")
	k.must(a.Fast == nil, at, "fmipv6 beside it", "one of fast and fmipv6 on a router")
	k.must(a.AAA == nil || f.Gate == "off", at+".gate", f.Gate, "off with aaa, whose gate it is")
	in := slices.IndexFunc(a.Links, func(l AdvertiseConfig) bool { return l.Prefix.Contains(f.Address) })
	k.must(in >= 0 && f.Address != a.Links[max(in, 0)].Address && f.Address != a.Links[max(in, 0)].Prefix.Addr(), at+".address", f.Address,
		"an address in the prefix of one of links that the kernel does not hold")
	k.own(at+".address", f.Address)
	k.cells(at+".cells", f.Cells)
	k.must(f.Session >= time.Minute && f.Session <= maxSession, at+".session", f.Session, "1m to 8760h")
	k.must(len(f.Neighbours) <= maxNeighbours, at+".neighbours", len(f.Neighbours), fmt.Sprintf("%d at most", maxNeighbours))
	spis, keys := map[uint32]bool{}, map[string]bool{}
	for i := range f.Neighbours {
		nat, n := fmt.Sprintf("%s.neighbours[%d]", at, i), &f.Neighbours[i]
		k.lightweightNeighbour(nat, a, n)
		k.must(!spis[n.AH.InSPI], nat+".ah.in_spi", n.AH.InSPI, "an SPI that no other neighbour has")
		k.must(!keys[string(n.AH.InKey)], nat+".ah.in_key", n.AH.InKey, "a key that no other neighbour has: who has it can speak for both")
		spis[n.AH.InSPI], keys[string(n.AH.InKey)] = true, true
	}
}

func (k *checker) lightweightNeighbour(at string, a *ARConfig, n *LightweightNeighbourConfig) {
	k.unicast(at+".address", n.Address)
	k.prefix(at+".prefix", n.Prefix)
	k.must(n.Prefix.Contains(n.Address), at+".address", n.Address, "an address in prefix")
	k.must(!slices.ContainsFunc(a.Links, func(l AdvertiseConfig) bool { return l.Prefix == n.Prefix }), at+".prefix", n.Prefix, "another prefix than those of links")
	k.hw(at+".hw", n.HW)
	k.cells(at+".cells", n.Cells)
	k.service(at+".principal", n.Principal)
	for _, x := range []struct {
		name string
		spi  uint32
		key  conf.Secret
	}{{"out", n.AH.OutSPI, n.AH.OutKey}, {"in", n.AH.InSPI, n.AH.InKey}} {
		k.must(x.spi >= minSPI, at+".ah."+x.name+"_spi", x.spi, "256 or more")
		k.must(len(x.key) == sa.AHKeyLen, at+".ah."+x.name+"_key", x.key, "32 octets in hexadecimal (openssl rand -hex 32)")
	}
	k.must(!slices.Equal(n.AH.OutKey, n.AH.InKey), at+".ah.in_key", n.AH.InKey, "another key than out_key: a packet could be sent back to its sender")
}

// lightweightRouter is an access router's end, nil for none. Its service address is what the link advertises with the R bit.
func lightweightRouter(a *ARConfig, links []advertise.Config) *ar.Lightweight {
	f := a.Lightweight
	if f == nil {
		return nil
	}
	for i := range links {
		if links[i].Prefix.Contains(f.Address) {
			links[i].Address = f.Address
		}
	}
	c := &ar.Lightweight{Address: f.Address, Cells: hws(f.Cells), Gate: f.Gate == "on", SHREP: f.Announce == "shrep", Lifetime: f.Session}
	for _, n := range f.Neighbours {
		c.Neighbours = append(c.Neighbours, ar.LightweightNeighbour{Address: n.Address, HW: plane.HW(n.HW), Prefix: n.Prefix, Cells: hws(n.Cells),
			Principal: ar.RouterPrincipal(n.Principal),
			Security:  sa.AHConfig{OutSPI: n.AH.OutSPI, OutKey: n.AH.OutKey, InSPI: n.AH.InSPI, InKey: n.AH.InKey}})
	}
	return c
}
