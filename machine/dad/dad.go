// Package dad is duplicate address detection, RFC 4862 §5.4, for any number of addresses at once: a mobile
// node's care-of and link-local addresses, and the home addresses a home agent is about to represent (RFC 6275 §10.3.1).
//
// It sends the probes, hears the answers and says for each address whether it is unique. What to do with the
// address meanwhile is the role's affair: standard detection does not use it, optimistic detection (RFC 4429) does.
// A nonce in every probe tells our own probe, looped back by the link, from another node's (RFC 7527).
//
// Without SEND (RFC 3971) a stranger on the link can claim every address that is probed. What it can reach is that the
// address is not used there: the role tries others, and again later.
package dad

import (
	"bytes"
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// Protocol constants and limits.
const (
	DefaultTransmits = 1           // DupAddrDetectTransmits, RFC 4862 §5.1
	DefaultRetrans   = time.Second // RetransTimer, RFC 4861 §10
	MaxDelay         = time.Second // MAX_RTR_SOLICITATION_DELAY, RFC 4861 §10
	nonceLen         = 6           // RFC 3971 §5.3.2: at least 6 octets
	MaxPending       = 1 << 16     // addresses probed at once; a home agent with more refuses registrations
)

// Config tunes the detection. The zero value means the RFC's defaults.
type Config struct {
	Transmits int           // probes per address
	Retrans   time.Duration // between probes, and after the last one
}

// Key is one address on one link.
type Key struct {
	Port plane.Port
	Addr netip.Addr
}

// Verdict is what detection found: Duplicate, or unique.
type Verdict struct {
	Key       Key
	Duplicate bool
}

// Detector runs detection for many addresses.
type Detector struct {
	cfg     Config
	rand    *engine.Rand
	pending map[Key]*probe
	timers  engine.Timers[Key]
}

type probe struct {
	hw     plane.HW
	nonces [][]byte // one for every probe sent; a looped one may come late (RFC 7527 §4.1)
}

// New makes a detector.
func New(cfg Config, rand *engine.Rand) *Detector {
	if cfg.Transmits == 0 {
		cfg.Transmits = DefaultTransmits
	}
	if cfg.Retrans == 0 {
		cfg.Retrans = DefaultRetrans
	}
	return &Detector{cfg: cfg, rand: rand, pending: make(map[Key]*probe)}
}

// Start begins to probe an address of the interface with link-layer address hw. delayed asks for the random delay that RFC
// 4862 §5.4.2 wants when the address follows from a multicast advertisement, so that nodes which heard it together do not
// probe together. It reports false, and does nothing, when MaxPending addresses are probed already.
//
// spec MIP-07
func (d *Detector) Start(now engine.Now, key Key, hw plane.HW, delayed bool, out *engine.Effects) bool {
	if d.pending[key] == nil && len(d.pending) >= MaxPending {
		return false
	}
	p := &probe{hw: hw}
	d.pending[key] = p
	if delayed {
		d.timers.Set(key, now.Mono.Add(d.rand.Between(0, MaxDelay)))
		return true
	}
	d.send(now, key, p, out)
	return true
}

// Stop forgets an address; no verdict will come.
func (d *Detector) Stop(key Key) {
	delete(d.pending, key)
	d.timers.Stop(key)
}

// StopPort forgets every address on a link that went down.
func (d *Detector) StopPort(port plane.Port) {
	for key := range d.pending { //order:any — forgetting has no effects
		if key.Port == port {
			d.Stop(key)
		}
	}
}

// Pending reports whether an address is being probed.
func (d *Detector) Pending(key Key) bool { return d.pending[key] != nil }

// Deadline is when Tick has something to do.
func (d *Detector) Deadline() (engine.Mono, string) {
	at, _ := d.timers.Next()
	return at, "duplicate address detection"
}

// Tick sends due probes and returns the addresses found unique.
func (d *Detector) Tick(now engine.Now, out *engine.Effects) []Verdict {
	var unique []Verdict
	for key, ok := d.timers.Pop(now.Mono); ok; key, ok = d.timers.Pop(now.Mono) {
		p := d.pending[key]
		if len(p.nonces) < d.cfg.Transmits {
			d.send(now, key, p, out)
			continue
		}
		delete(d.pending, key)
		unique = append(unique, Verdict{Key: key})
	}
	return unique
}

// Heard takes a neighbour solicitation or advertisement and returns a verdict if it proves an address duplicate
// (RFC 4862 §5.4.3, §5.4.4).
//
// spec MIP-07
func (d *Detector) Heard(port plane.Port, p *ip6.Packet, m nd.Message) (Verdict, bool) {
	var key Key
	switch m := m.(type) {
	case *nd.NeighborSolicitation:
		key = Key{port, m.Target}
		ours := d.pending[key]
		// From an unspecified source another node probes the same address; from any other it only asks for
		// it, which says nothing about us.
		if ours == nil || !p.Src.IsUnspecified() || ours.looped(m.Options.Nonce) {
			return Verdict{}, false
		}
	case *nd.NeighborAdvertisement:
		key = Key{port, m.Target}
		if d.pending[key] == nil {
			return Verdict{}, false
		}
	default:
		return Verdict{}, false
	}
	d.Stop(key)
	return Verdict{Key: key, Duplicate: true}, true
}

// looped reports whether a nonce is one of ours. Probes of nodes that know no nonces carry none, and prove a duplicate even
// before our own first probe is out.
func (p *probe) looped(nonce []byte) bool {
	return slices.ContainsFunc(p.nonces, func(n []byte) bool { return bytes.Equal(n, nonce) })
}

func (d *Detector) send(now engine.Now, key Key, p *probe, out *engine.Effects) {
	nonce := make([]byte, nonceLen)
	d.rand.Read(nonce)
	p.nonces = append(p.nonces, nonce)
	group := ip6.SolicitedNode(key.Addr)
	ns := &nd.NeighborSolicitation{Target: key.Addr, Options: nd.Options{Nonce: slices.Clone(nonce)}}
	pkt := ip6.Packet{
		Header:  ip6.Header{HopLimit: 255, Src: netip.IPv6Unspecified(), Dst: group},
		Proto:   ip6.ProtoICMPv6,
		Payload: nd.Append(nil, netip.IPv6Unspecified(), group, ns),
	}
	out.Send(key.Port, ip6.MulticastHW(group), pkt.Append(nil))
	d.timers.Set(key, now.Mono.Add(d.cfg.Retrans))
}
