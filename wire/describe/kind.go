package describe

import (
	"errors"
	"fmt"

	"roam6/wire/ip6"
)

// Kind is what octets begin with.
type Kind string

// The kinds.
const (
	KindIP    Kind = "ip6"   // an IPv6 packet or, briefly shown, an IPv4 one
	KindEther Kind = "ether" // an Ethernet frame
	KindMH    Kind = "mh"    // a Mobility Header
	KindICMP  Kind = "icmp6" // an ICMPv6 message

	KindDiameter Kind = "diameter" // Diameter messages, as they follow each other in a stream
	KindKrb5     Kind = "krb5"     // a message of Kerberos
	KindLwkrb    Kind = "lwkrb"    // a message of lightweight Kerberos
)

// Kinds are all of them.
func Kinds() []Kind {
	return []Kind{KindIP, KindEther, KindMH, KindICMP, KindDiameter, KindKrb5, KindLwkrb}
}

// Reader describes octets, and with Open what ESP encrypted in them.
type Reader struct {
	Open Opener // nil opens nothing
}

// As describes octets that begin with what kind says.
func (r Reader) As(kind Kind, b []byte) Tree {
	s := scope{open: r.Open}
	switch kind {
	case KindEther:
		return ethernet(b, s)
	case KindMH:
		return MH(b)
	case KindICMP:
		return ICMP(b)
	case KindDiameter:
		return Diameter(b)
	case KindKrb5:
		return Krb5(b)
	case KindLwkrb:
		return Lwkrb(b)
	}
	return packet(b, s)
}

// ErrKind: octets do not look like any Kind.
var ErrKind = errors.New("not recognised")

// Guess says what octets look like. It is for dumps that come without a word about themselves. Its error, an ErrKind, says what was
// looked for; a packet whose first octets are damaged gets one, too, and has to be named by who knows it.
func Guess(b []byte) (Kind, error) {
	switch {
	case framed(b):
		return KindEther, nil
	case len(b) > 0 && b[0]>>4 == 6, len(b) >= minIPv4 && b[0]>>4 == 4:
		return KindIP, nil
	case len(b) >= 8 && b[0] == ip6.ProtoNone && 8*(int(b[1])+1) <= len(b):
		return KindMH, nil
	case bareICMP(b):
		return KindICMP, nil
	}
	return "", fmt.Errorf("%w: %s beginning with %x; an IPv6 packet begins with 6, an Ethernet frame has 86dd6 at octet 12, a Mobility Header begins "+
		"with 3b and its length, an ICMPv6 message with a type and code this program knows", ErrKind, count(len(b)), b[:min(len(b), 4)])
}

// minIPv4 is the shortest header of IPv4, RFC 791 §3.1.
const minIPv4 = 20

// framed tells an Ethernet frame with IPv6 from an IPv6 packet that happens to have 86dd in its source address: the
// former has a 6 behind it and, as a packet, an impossible length.
func framed(b []byte) bool {
	return len(b) > 14 && number(b[12:14]) == etherIPv6 && b[14]>>4 == 6 &&
		(b[0]>>4 != 6 || int(number(b[4:6]))+ip6.HeaderLen > len(b))
}

// bareICMP recognises an ICMPv6 message. Errors have types as low as hardware addresses of virtual machines begin, so the packet they
// are about has to be there as well; what is no error has a code of 0.
func bareICMP(b []byte) bool {
	if len(b) < 8 || icmpMessages[b[0]].name == "" {
		return false
	}
	if b[0] < 128 {
		return len(b) > 8 && b[8]>>4 == 6
	}
	return b[1] == 0
}

// Bytes describes octets as what they look like. If that is nothing known, the tree says so in a fault.
func Bytes(b []byte) Tree {
	kind, err := Guess(b)
	if err != nil {
		return Tree{Name: "Octets", Layer: "data", Len: len(b), Value: octets(b), Brief: count(len(b)), Fault: err.Error()}
	}
	return Reader{}.As(kind, b)
}
