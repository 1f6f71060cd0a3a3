package nd

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"roam6/wire"
)

// Infinity is a lifetime that does not end; all one bits on the wire (RFC 4861 §4.6.2).
const Infinity = time.Duration(math.MaxInt64)

// Prefix is the Prefix Information option, RFC 4861 §4.6.2 with the router address of RFC 6275 §7.2.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Type      |    Length     | Prefix Length |L|A|R|Reserved1|
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                         Valid Lifetime                        |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                       Preferred Lifetime                      |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                           Reserved2                           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                                                               |
//	+                                                               +
//	|                                                               |
//	+                            Prefix                             +
//	|                                                               |
//	+                                                               +
//	|                                                               |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// Whether a host may use a prefix (RFC 4862 §5.5.3: not link-local, preferred at most valid, 64 bits) is the role's
// question; any such option is well formed.
type Prefix struct {
	Prefix     netip.Prefix  // masked
	Addr       netip.Addr    // the router's own address inside Prefix; set exactly when RouterAddr is
	OnLink     bool          // L
	Autonomous bool          // A: hosts may make addresses from it
	RouterAddr bool          // R
	Valid      time.Duration // whole seconds on the wire, or Infinity
	Preferred  time.Duration // whole seconds on the wire, or Infinity
}

const (
	prefixLen = 32

	prefixOnLink     = 0x80
	prefixAutonomous = 0x40
	prefixRouterAddr = 0x20 // RFC 6275 §7.2
)

// ParsePrefixes reads the Prefix Information options of a list of options and skips the others: what a Mobile Prefix
// Advertisement carries (RFC 6275 §6.8). base is the offset of b in the message, which errors count from.
func ParsePrefixes(b []byte, base int) ([]Prefix, error) {
	var o Options
	err := o.parseList(b, base, hasPrefix, netip.Addr{})
	return o.Prefixes, err
}

// AppendPrefixes writes Prefix Information options.
func AppendPrefixes(b []byte, prefixes []Prefix) []byte {
	for i := range prefixes {
		b = prefixes[i].append(b)
	}
	return b
}

func (o *Options) takePrefix(opt []byte, at int) error {
	if len(opt) != prefixLen {
		return fail("Length", at+1, wire.ErrLength)
	}
	if opt[2] > 128 {
		return fail("Prefix Length", at+2, wire.ErrValue)
	}
	if len(o.Prefixes) == MaxPrefixes {
		return fail("Prefix Information", at, wire.ErrLimit)
	}
	addr := addrAt(opt, 16)
	p := Prefix{
		Prefix:     netip.PrefixFrom(addr, int(opt[2])).Masked(),
		OnLink:     opt[3]&prefixOnLink != 0,
		Autonomous: opt[3]&prefixAutonomous != 0,
		RouterAddr: opt[3]&prefixRouterAddr != 0,
		Valid:      lifetime(binary.BigEndian.Uint32(opt[4:])),
		Preferred:  lifetime(binary.BigEndian.Uint32(opt[8:])),
	}
	if p.RouterAddr {
		p.Addr = addr
	}
	o.Prefixes = append(o.Prefixes, p)
	return nil
}

func (p *Prefix) append(b []byte) []byte {
	if !p.Prefix.IsValid() {
		panic("nd: Prefix option without a prefix")
	}
	var flags uint8
	if p.OnLink {
		flags |= prefixOnLink
	}
	if p.Autonomous {
		flags |= prefixAutonomous
	}
	addr := p.Prefix.Masked().Addr()
	if p.RouterAddr && p.Addr.IsValid() {
		flags |= prefixRouterAddr
		addr = p.Addr
	}
	b = append(b, OptPrefix, prefixLen/optionUnit, uint8(p.Prefix.Bits()), flags)
	b = binary.BigEndian.AppendUint32(b, seconds(p.Valid))
	b = binary.BigEndian.AppendUint32(b, seconds(p.Preferred))
	b = append(b, 0, 0, 0, 0)
	return appendAddr(b, addr)
}

const infiniteSeconds = 1<<32 - 1

func lifetime(s uint32) time.Duration {
	if s == infiniteSeconds {
		return Infinity
	}
	return time.Duration(s) * time.Second
}

func seconds(d time.Duration) uint32 {
	if d == Infinity {
		return infiniteSeconds
	}
	return uint32(units(d, time.Second, infiniteSeconds-1))
}
