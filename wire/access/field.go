package access

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"roam6/wire"
	"roam6/wire/esp"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/subopt"
)

// Limits of fields in octets.
const (
	MinChallenge = 8   // a guess comes true once in 2^64
	MaxChallenge = 32  // what SHA-256 gives; more helps nobody
	MaxText      = 253 // NAI (RFC 7542 §2.3) and network identifier: what RADIUS and DNS names hold
	MinEAP       = 4   // RFC 3748 §4
	// MaxEAP bounds one EAP packet; methods with longer messages fragment them (RFC 3748 §3.1 guarantees 1020 only).
	MaxEAP = 4096
	// MaxEmbedded is the longest packet with a mobility message: the IPv6 header, two extension headers with a home address,
	// and the longest Mobility Header.
	MaxEmbedded = ip6.HeaderLen + 2*24 + mh.MaxLen
)

// Features are the flags of the MIP Feature Data, those of the MIPv6-Feature-Vector AVP: draft-le-aaa-diameter-mobileipv6-04 §5.2.5, §8.3.1.
type Features uint32

// The flags. A request with any other bit is refused, as Diameter would refuse it later.
const (
	HomeAgentRequested   Features = 1
	HomeAddressRequested Features = 2
	OnlyInHomeDomain     Features = 4  // Home-Address-Allocatable-Only-in-Home-Domain
	AgentInVisited       Features = 8  // Home-Agent-in-Visited-Domain
	VisitedAvailable     Features = 16 // Visited-Home-Agent-Available: the visited network's to set; refused from mobile nodes
)

// ofMobile are the flags that are a mobile node's to set.
const ofMobile = HomeAgentRequested | HomeAddressRequested | OnlyInHomeDomain | AgentInVisited

func appendOctets(b []byte, kind uint8, v []byte) []byte {
	if len(v) == 0 {
		return b
	}
	return subopt.Append(b, kind, v)
}

func appendAddr(b []byte, kind uint8, a netip.Addr) []byte {
	if !a.IsValid() {
		return b
	}
	x := a.As16()
	return subopt.Append(b, kind, x[:])
}

func appendWord(b []byte, kind uint8, v uint32) []byte {
	return subopt.Append(b, kind, binary.BigEndian.AppendUint32(nil, v))
}

// seconds is a lifetime as the wire has it: never 0, which nothing here means.
func seconds(d time.Duration) uint32 {
	return uint32(min(max(d/time.Second, 1), math.MaxUint32))
}

func lifetime(field string, b []byte, at int) (time.Duration, error) {
	if _, err := exactly(field, 4, b, at); err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint32(b)
	if n == 0 {
		return 0, fail(field, at, wire.ErrValue)
	}
	return time.Duration(n) * time.Second, nil
}

func exactly(field string, n int, b []byte, at int) ([]byte, error) {
	if len(b) != n {
		return nil, fail(field, at, wire.ErrLength)
	}
	return bytes.Clone(b), nil
}

func challenge(field string, b []byte, at int) ([]byte, error) {
	if len(b) < MinChallenge || len(b) > MaxChallenge {
		return nil, fail(field, at, wire.ErrLength)
	}
	return bytes.Clone(b), nil
}

// Text reads an identifier of a person or a network: 1 to MaxText octets of UTF-8 without space and control characters, and something on
// either side of an @. Offsets of errors are at.
func Text(field string, b []byte, at int) (string, error) {
	if len(b) == 0 || len(b) > MaxText {
		return "", fail(field, at, wire.ErrLength)
	}
	s := string(b)
	bad := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	if !utf8.ValidString(s) || strings.ContainsFunc(s, bad) || strings.Count(s, "@") > 1 || strings.HasSuffix(s, "@") {
		return "", fail(field, at, wire.ErrValue)
	}
	return s, nil
}

// address is that of one node, of a scope that reaches beyond the link.
func address(field string, b []byte, at int) (netip.Addr, error) {
	if len(b) != 16 {
		return netip.Addr{}, fail(field, at, wire.ErrLength)
	}
	a := netip.AddrFrom16([16]byte(b))
	if !ip6.Routable(a) {
		return netip.Addr{}, fail(field, at, wire.ErrValue)
	}
	return a, nil
}

// eap checks what RFC 3748 §4 says of every packet: a code from 1 to 4 and a length that is its own.
func eap(b []byte, at int) ([]byte, error) {
	switch {
	case len(b) < MinEAP:
		return nil, fail("EAP Data", at, wire.ErrTruncated)
	case len(b) > MaxEAP:
		return nil, fail("EAP Data", at, wire.ErrLimit)
	case b[0] < 1 || b[0] > 4:
		return nil, fail("EAP Data", at, wire.ErrValue)
	case int(binary.BigEndian.Uint16(b[2:])) != len(b):
		return nil, fail("EAP Data", at, wire.ErrLength)
	}
	return bytes.Clone(b), nil
}

// isUpdate and isAck say which mobility message may be embedded: draft-le-aaa-diameter-mobileipv6-04 §9.2.1 and §9.2.2. Under ESP, m is nil,
// only the addresses tell.
func isUpdate(p *ip6.Packet, m mh.Message) bool {
	bu, ok := m.(*mh.BindingUpdate)
	return p.HomeAddress.IsValid() && (m == nil || ok && bu.Home)
}

func isAck(p *ip6.Packet, m mh.Message) bool {
	_, ok := m.(*mh.BindingAck)
	return ok || m == nil && p.Routing2.IsValid()
}

// EmbeddedUpdate reads an embedded packet with a Binding Update for a home agent, in the clear or under ESP: draft-le-aaa-diameter-mobileipv6-04 §9.2.1,
// draft-koodli-mobileip-fastv6-02 §2. The result shares memory with b.
func EmbeddedUpdate(b []byte) (ip6.Packet, error) { return embedded(b, 0, isUpdate) }

// embedded reads a packet with a mobility message, the checksum included, or with one that ESP hides from all but its two ends. It may not
// be a fragment, nor shorter or longer than it says.
func embedded(b []byte, at int, allowed func(*ip6.Packet, mh.Message) bool) (ip6.Packet, error) {
	const field = "Embedded Data"
	if len(b) > MaxEmbedded {
		return ip6.Packet{}, fail(field, at, wire.ErrLimit)
	}
	p, err := ip6.Parse(b)
	if err != nil {
		return p, fail(field, at, err)
	}
	if int(binary.BigEndian.Uint16(b[4:]))+ip6.HeaderLen != len(b) {
		return p, fail(field, at, wire.ErrLength)
	}
	if p.Proto != ip6.ProtoMH && p.Proto != ip6.ProtoESP || p.Fragment != nil {
		return p, fail(field, at, wire.ErrValue)
	}
	var m mh.Message
	if p.Proto == ip6.ProtoMH {
		m, err = mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	} else {
		_, _, err = esp.Peek(p.Payload)
	}
	if err != nil {
		return p, fail(field, at, err)
	}
	if !allowed(&p, m) {
		return p, fail(field, at, wire.ErrValue)
	}
	return p, nil
}
