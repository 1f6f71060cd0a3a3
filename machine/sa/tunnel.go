package sa

import (
	"net/netip"

	"roam6/engine"
	"roam6/keying/esp"
	"roam6/wire/ip6"

	wireesp "roam6/wire/esp"
)

// MaxTunnelled is the largest packet that Wrap takes, in octets: with its headers it still passes every link (RFC 8200 §5).
// Mobility headers are far smaller.
const MaxTunnelled = ip6.MinMTU - ip6.HeaderLen - esp.Overhead

// Reasons why Unwrap refuses a packet, besides those of Open.
const (
	TunnelNotIP    = "tunnel-not-ip"    // authentic, but no IPv6 packet inside
	TunnelTooLarge = "tunnel-too-large" // longer than MaxTunnelled
)

// Tunnel is one end of a pair of ESP associations in tunnel mode (RFC 4303 §3.1.2), between a mobile node and its home
// agent: home tests go by it (RFC 6275 §10.4.6, RFC 4877 §4.2), so that nobody between the two reads a keygen token.
type Tunnel struct{ sa *SA }

// NewTunnel makes the tunnel mode associations with a peer; nil without a configuration. Their keys are their own: a number that
// repeats under one key breaks AES-GCM.
func NewTunnel(c *ESPConfig, peer string) (*Tunnel, error) {
	if c == nil {
		return nil, nil
	}
	s, err := newESP(c, peer+" tunnel")
	if err != nil {
		return nil, err
	}
	return &Tunnel{s}, nil
}

// SA is the pair of associations, for Distinct and RestoreAll.
func (t *Tunnel) SA() *SA { return t.sa }

// Owns reports whether a packet names this tunnel by its SPI, which proves nothing.
func (t *Tunnel) Owns(p *ip6.Packet) bool {
	if t == nil || p.Proto != ip6.ProtoESP {
		return false
	}
	spi, _, err := wireesp.Peek(p.Payload)
	return err == nil && spi == t.sa.inSPI
}

// Wrap puts a whole packet into the tunnel between two outer addresses; nil if it is too large.
//
// spec MIP-02
func (t *Tunnel) Wrap(src, dst netip.Addr, packet []byte, out *engine.Effects) []byte {
	if len(packet) > MaxTunnelled {
		out.Drop(TunnelTooLarge, engine.A("to", dst))
		return nil
	}
	return t.sa.Seal(ip6.Packet{Header: ip6.Header{Src: src, Dst: dst}, Proto: ip6.ProtoIPv6, Payload: packet}, out)
}

// Unwrap gives the packet inside one that came by the tunnel, parsed and as octets; reason says why there is none. Once
// the role has decided to act on it, it calls SA().Commit.
//
// spec MIP-02
func (t *Tunnel) Unwrap(p *ip6.Packet) (inner ip6.Packet, data []byte, reason string) {
	proto, data, reason := t.sa.Open(p)
	if reason != "" {
		return inner, nil, reason
	}
	inner, err := ip6.Parse(data)
	if proto != ip6.ProtoIPv6 || err != nil {
		return inner, nil, TunnelNotIP
	}
	return inner, data, ""
}
