package fast

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"roam6/wire"
	"roam6/wire/access"
	"roam6/wire/ip6"
	"roam6/wire/subopt"
)

// Type is the ICMPv6 type of experimental mobility, RFC 4065 §8.
const Type = access.Type

// Subtypes; 22 and 23 are package access. They are of no registry.
const (
	SubtypeRedirect        uint8 = 16
	SubtypeRedirectAck     uint8 = 17
	SubtypeHandover        uint8 = 18
	SubtypeHandoverError   uint8 = 19
	SubtypeAuthenticatedMN uint8 = 20
	SubtypeNotification    uint8 = 21
	SubtypeSHIN            uint8 = 24
	SubtypeSHREP           uint8 = 25
)

// HopLimit is what messages of one link are sent with and must arrive with.
const HopLimit uint8 = 255

// AHLen is the length of the Authentication Header that goes with a message, RFC 4302 §2 with an ICV of 16 octets.
const AHLen = 32

// MaxMessage is the longest message in octets: with an Authentication Header and without fragments it passes every path (RFC 8200 §5).
const MaxMessage = ip6.MinMTU - ip6.HeaderLen - AHLen

// The option that holds everything behind RFC 4065's header, and where the draft's own layout begins in it.
const (
	option     = 253
	optionAt   = 8
	optionUnit = 8
	bodyAt     = 12
)

// Message is one of *Redirect, *RedirectAck, *Handover, *HandoverError, *AuthenticatedMN, *Notification, *SHIN and *SHREP.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Type 150    |    Code 0     |          Checksum             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|    Subtype    |                   Reserved                    |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Option 253  |    Length     |           Reserved            |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   the draft's layout, from Prefix Size or Reserved on ...
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-
//	|   Suboptions, padded with zeros to 8 octets ...
//
// RFC 4065 §8 has options behind its header; what the drafts have there is therefore one option of the form of neighbour discovery, Length
// in units of 8 octets (253: RFC 4727). Other readers step over it, and a message cut short is told from a whole one.
type Message interface {
	// Subtype is the number of the message.
	Subtype() uint8
	// append writes the draft's layout without the suboptions.
	append(b []byte) []byte
	// suboptions are those of the message.
	suboptions() *subopt.Handover
}

// IsFast says whether an ICMPv6 message, from its type octet on, is one of this package.
func IsFast(icmp []byte) bool { return len(icmp) > 4 && icmp[0] == Type && parsers[icmp[4]] != nil }

// OneLink says whether a message goes between a mobile node and the router of its link, so that it must come with HopLimit. A Notification
// may come from the new link, and routers are anywhere: AH speaks for them.
func OneLink(subtype uint8) bool {
	return slices.Contains([]uint8{SubtypeRedirect, SubtypeRedirectAck, SubtypeAuthenticatedMN, SubtypeSHIN}, subtype)
}

// Parse reads an ICMPv6 message from its type octet on and verifies its checksum over src and dst. Another type or subtype is
// wire.ErrUnknown. The result shares nothing with icmp.
//
// spec FH-01 FH-04 FH-05 FH-08 FH-10 FH-11 FH-20 RT-32
func Parse(src, dst netip.Addr, icmp []byte) (Message, error) {
	if err := checkHeader(src, dst, icmp); err != nil {
		return nil, err
	}
	f := fields{b: icmp, at: bodyAt}
	m := parsers[icmp[4]](&f)
	if f.err != nil {
		return nil, f.err
	}
	o, err := subopt.ParseHandover(proto, icmp[f.at:], f.at)
	if err != nil {
		return nil, err
	}
	*m.suboptions() = o
	if err := checkTogether(m, &o, icmp, f.at); err != nil {
		return nil, err
	}
	return m, nil
}

// checkTogether judges what a message and its suboptions, from offset at on, say only together.
func checkTogether(m Message, o *subopt.Handover, icmp []byte, at int) error {
	if _, ok := m.(*Redirect); ok && (icmp[bodyAt+1]&flagS != 0) != (o.Principal != subopt.Principal{}) {
		return fail("S", bodyAt+1, wire.ErrValue)
	}
	if o.Embedded == nil {
		return nil
	}
	p, err := access.EmbeddedUpdate(o.Embedded)
	if shin, ok := m.(*SHIN); ok && err == nil && p.Src != shin.CareOf.Addr() {
		err = wire.ErrValue // the mobile node sends its Binding Update from where it is now
	}
	if err == nil {
		return nil
	}
	list, _ := subopt.Parse(proto, icmp[at:], at) // not nil: the list was read before
	for _, v := range list {
		if v.Type == subopt.Embedded {
			at += v.At
			break
		}
	}
	return fail("Embedded Data", at, err)
}

// checkHeader judges what stands before the draft's layout.
func checkHeader(src, dst netip.Addr, icmp []byte) error {
	if len(icmp) < bodyAt {
		return fail("header", len(icmp), wire.ErrTruncated)
	}
	if icmp[0] != Type {
		return fail("Type", 0, wire.ErrUnknown)
	}
	if ip6.Checksum(src, dst, ip6.ProtoICMPv6, icmp) != 0 {
		return fail("Checksum", 2, wire.ErrChecksum)
	}
	size := optionAt + optionUnit*int(icmp[optionAt+1])
	switch {
	case parsers[icmp[4]] == nil:
		return fail("Subtype", 4, wire.ErrUnknown)
	case icmp[1] != 0:
		return fail("Code", 1, wire.ErrValue)
	case icmp[optionAt] != option:
		return fail("Option", optionAt, wire.ErrValue)
	case size > len(icmp):
		return fail("Length", optionAt+1, wire.ErrTruncated)
	case size < len(icmp):
		return fail("Length", optionAt+1, wire.ErrLength)
	case size > MaxMessage:
		return fail("Length", optionAt+1, wire.ErrLimit)
	}
	return nil
}

// Len is the length of a message in octets. One over MaxMessage must not be sent: its receiver refuses it.
func Len(m Message) int { return len(body(make([]byte, bodyAt), m)) }

// body writes what stands behind the header in b, and padding to whole units.
func body(b []byte, m Message) []byte {
	start := len(b) - bodyAt
	b = m.append(b)
	b = m.suboptions().Append(b)
	for (len(b)-start)%optionUnit != 0 {
		b = append(b, subopt.Pad)
	}
	if l, ok := m.(interface{ setLength(icmp []byte) }); ok {
		l.setLength(b[start:])
	}
	return b
}

// Append writes the message with its checksum for an IPv6 packet from src to dst. It panics for one over MaxMessage: what others have a say
// in, a ticket above all, is measured with Len first.
func Append(b []byte, src, dst netip.Addr, m Message) []byte {
	start := len(b)
	b = append(b, Type, 0, 0, 0, m.Subtype(), 0, 0, 0, option, 0, 0, 0)
	b = body(b, m)
	icmp := b[start:]
	if len(icmp) > MaxMessage {
		panic("fast: a message longer than MaxMessage; see Len")
	}
	icmp[optionAt+1] = uint8((len(icmp) - optionAt) / optionUnit)
	binary.BigEndian.PutUint16(icmp[2:], ip6.Checksum(src, dst, ip6.ProtoICMPv6, icmp))
	return b
}

const proto = "fast"

func fail(field string, offset int, cause error) error { return wire.Fail(proto, field, offset, cause) }
